package hpamanifest

import (
	"go.yaml.in/yaml/v4"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/truecount/truecount/internal/strictyaml"
)

// The structs have the fields of each version as they are written.

// object is a manifest of one version.
type object[S any] struct {
	APIVersion string     `yaml:"apiVersion" required:"true"`
	Kind       string     `yaml:"kind" required:"true"`
	Metadata   metadata   `yaml:"metadata" required:"true"`
	Status     *yaml.Node `yaml:"status,omitempty"`
	Spec       S          `yaml:"spec" required:"true"`
}

// metadata is that of any object. What the API server fills in is known and not read.
type metadata struct {
	Name        string            `yaml:"name" required:"true"`
	Namespace   string            `yaml:"namespace,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`

	GenerateName      *yaml.Node `yaml:"generateName,omitempty"`
	SelfLink          *yaml.Node `yaml:"selfLink,omitempty"`
	UID               *yaml.Node `yaml:"uid,omitempty"`
	ResourceVersion   *yaml.Node `yaml:"resourceVersion,omitempty"`
	Generation        *yaml.Node `yaml:"generation,omitempty"`
	CreationTimestamp *yaml.Node `yaml:"creationTimestamp,omitempty"`
	DeletionTimestamp *yaml.Node `yaml:"deletionTimestamp,omitempty"`
	DeletionGrace     *yaml.Node `yaml:"deletionGracePeriodSeconds,omitempty"`
	OwnerReferences   *yaml.Node `yaml:"ownerReferences,omitempty"`
	Finalizers        *yaml.Node `yaml:"finalizers,omitempty"`
	ManagedFields     *yaml.Node `yaml:"managedFields,omitempty"`
}

// current is autoscaling/v2, and v2beta2 but for tolerance.
type current = object[currentSpec]

type currentSpec struct {
	ScaleTargetRef crossReference  `yaml:"scaleTargetRef" required:"true"`
	MinReplicas    *int32          `yaml:"minReplicas,omitempty" min:"-2147483648" max:"2147483647"`
	MaxReplicas    int32           `yaml:"maxReplicas" required:"true" min:"-2147483648" max:"2147483647"`
	Metrics        []currentMetric `yaml:"metrics,omitempty"`
	Behavior       *behavior       `yaml:"behavior,omitempty"`
}

type crossReference struct {
	Kind       string `yaml:"kind" required:"true"`
	Name       string `yaml:"name" required:"true"`
	APIVersion string `yaml:"apiVersion,omitempty"`
}

type currentMetric struct {
	Type              string             `yaml:"type" required:"true" enum:"Resource,Pods,Object,External,ContainerResource"`
	Object            *objectSource      `yaml:"object,omitempty"`
	Pods              *podsSource        `yaml:"pods,omitempty"`
	Resource          *resourceSource    `yaml:"resource,omitempty"`
	ContainerResource *containerResource `yaml:"containerResource,omitempty"`
	External          *podsSource        `yaml:"external,omitempty"`
}

type objectSource struct {
	DescribedObject crossReference `yaml:"describedObject" required:"true"`
	Target          target         `yaml:"target" required:"true"`
	Metric          identifier     `yaml:"metric" required:"true"`
}

type podsSource struct {
	Metric identifier `yaml:"metric" required:"true"`
	Target target     `yaml:"target" required:"true"`
}

type resourceSource struct {
	Name   string `yaml:"name" required:"true"`
	Target target `yaml:"target" required:"true"`
}

type containerResource struct {
	Name      string `yaml:"name" required:"true"`
	Container string `yaml:"container" required:"true"`
	Target    target `yaml:"target" required:"true"`
}

type identifier struct {
	Name     string    `yaml:"name" required:"true"`
	Selector *selector `yaml:"selector,omitempty"`
}

type target struct {
	Type               string    `yaml:"type" required:"true" enum:"Utilization,Value,AverageValue"`
	Value              *quantity `yaml:"value,omitempty"`
	AverageValue       *quantity `yaml:"averageValue,omitempty"`
	AverageUtilization *int32    `yaml:"averageUtilization,omitempty" min:"-2147483648" max:"2147483647"`
}

type selector struct {
	MatchLabels      map[string]string `yaml:"matchLabels,omitempty"`
	MatchExpressions []requirement     `yaml:"matchExpressions,omitempty"`
}

type requirement struct {
	Key      string   `yaml:"key" required:"true"`
	Operator string   `yaml:"operator" required:"true" enum:"In,NotIn,Exists,DoesNotExist"`
	Values   []string `yaml:"values,omitempty"`
}

type behavior struct {
	ScaleUp   *scalingRules `yaml:"scaleUp,omitempty"`
	ScaleDown *scalingRules `yaml:"scaleDown,omitempty"`
}

type scalingRules struct {
	StabilizationWindowSeconds *int32    `yaml:"stabilizationWindowSeconds,omitempty" min:"-2147483648" max:"2147483647"`
	SelectPolicy               string    `yaml:"selectPolicy,omitempty" enum:"Max,Min,Disabled"`
	Policies                   []policy  `yaml:"policies,omitempty"`
	Tolerance                  *quantity `yaml:"tolerance,omitempty"`
}

type policy struct {
	Type          string `yaml:"type" required:"true" enum:"Pods,Percent"`
	Value         int32  `yaml:"value" required:"true" min:"-2147483648" max:"2147483647"`
	PeriodSeconds int32  `yaml:"periodSeconds" required:"true" min:"-2147483648" max:"2147483647"`
}

// beta1 is autoscaling/v2beta1.
type beta1 = object[beta1Spec]

type beta1Spec struct {
	ScaleTargetRef crossReference `yaml:"scaleTargetRef" required:"true"`
	MinReplicas    *int32         `yaml:"minReplicas,omitempty" min:"-2147483648" max:"2147483647"`
	MaxReplicas    int32          `yaml:"maxReplicas" required:"true" min:"-2147483648" max:"2147483647"`
	Metrics        []beta1Metric  `yaml:"metrics,omitempty"`
}

// beta1Metric is a metric of v2beta1, and of the annotation of v1.
type beta1Metric struct {
	Type              string               `yaml:"type" required:"true" enum:"Resource,Pods,Object,External,ContainerResource"`
	Object            *beta1ObjectSource   `yaml:"object,omitempty"`
	Pods              *beta1PodsSource     `yaml:"pods,omitempty"`
	Resource          *beta1ResourceSource `yaml:"resource,omitempty"`
	ContainerResource *beta1ResourceSource `yaml:"containerResource,omitempty"`
	External          *beta1ExternalSource `yaml:"external,omitempty"`
}

type beta1ObjectSource struct {
	Target       crossReference `yaml:"target" required:"true"`
	MetricName   string         `yaml:"metricName" required:"true"`
	TargetValue  *quantity      `yaml:"targetValue,omitempty"`
	Selector     *selector      `yaml:"selector,omitempty"`
	AverageValue *quantity      `yaml:"averageValue,omitempty"`
}

type beta1PodsSource struct {
	MetricName         string    `yaml:"metricName" required:"true"`
	TargetAverageValue *quantity `yaml:"targetAverageValue" required:"true"`
	Selector           *selector `yaml:"selector,omitempty"`
}

type beta1ResourceSource struct {
	Name                     string    `yaml:"name" required:"true"`
	Container                string    `yaml:"container,omitempty"`
	TargetAverageUtilization *int32    `yaml:"targetAverageUtilization,omitempty" min:"-2147483648" max:"2147483647"`
	TargetAverageValue       *quantity `yaml:"targetAverageValue,omitempty"`
}

type beta1ExternalSource struct {
	MetricName         string    `yaml:"metricName" required:"true"`
	MetricSelector     *selector `yaml:"metricSelector,omitempty"`
	TargetValue        *quantity `yaml:"targetValue,omitempty"`
	TargetAverageValue *quantity `yaml:"targetAverageValue,omitempty"`
}

// first is autoscaling/v1.
type first = object[firstSpec]

type firstSpec struct {
	ScaleTargetRef                 crossReference `yaml:"scaleTargetRef" required:"true"`
	MinReplicas                    *int32         `yaml:"minReplicas,omitempty" min:"-2147483648" max:"2147483647"`
	MaxReplicas                    int32          `yaml:"maxReplicas" required:"true" min:"-2147483648" max:"2147483647"`
	TargetCPUUtilizationPercentage *int32         `yaml:"targetCPUUtilizationPercentage,omitempty" min:"-2147483648" max:"2147483647"`
}

// quantity is a number as Kubernetes writes it.
type quantity struct{ resource.Quantity }

// SetScalar reads q.
func (q *quantity) SetScalar(text string) bool {
	if !strictyaml.Bounded(text) {
		return false
	}
	parsed, err := resource.ParseQuantity(text)
	q.Quantity = parsed
	return err == nil
}

// Wanted says what a quantity is.
func (*quantity) Wanted() (kind, advice string) {
	return "a quantity", "write a number, with a suffix if you like: 10m is 0.01, 2k is 2000"
}
