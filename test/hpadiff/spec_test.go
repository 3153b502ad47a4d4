package hpadiff

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/apis/autoscaling"
	kubernetesv2 "k8s.io/kubernetes/pkg/apis/autoscaling/v2"
	"k8s.io/kubernetes/pkg/apis/autoscaling/validation"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// containers are those of every pod.
var containers = []string{"web", "proxy"}

// anyMetric returns a metric that is told apart from the others by its number, unless it is of a resource.
func anyMetric(r *rand.Rand, number int, local bool) autoscalingv2.MetricSpec {
	id := autoscalingv2.MetricIdentifier{Name: fmt.Sprintf("metric-%d", number)}
	amount := resource.MustParse(pick(r, "10", "1", "10m", "7m", "1500m", "0.333", "250k", "1Gi"))
	value := autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: &amount}
	average := autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &amount}
	object := func(t autoscalingv2.MetricTarget) autoscalingv2.MetricSpec {
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ObjectMetricSourceType, Object: &autoscalingv2.ObjectMetricSource{
			DescribedObject: autoscalingv2.CrossVersionObjectReference{APIVersion: "v1", Kind: "Service", Name: service}, Metric: id, Target: t,
		}}
	}
	external := func(t autoscalingv2.MetricTarget) autoscalingv2.MetricSpec {
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{Metric: id, Target: t}}
	}
	kinds := 9
	if local {
		kinds = 6
	}
	switch r.IntN(kinds) {
	case 0:
		return object(value)
	case 1:
		return object(average)
	case 2:
		return external(value)
	case 3:
		return external(average)
	case 4, 5:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{Metric: id, Target: average}}
	case 6:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ContainerResourceMetricSourceType, ContainerResource: &autoscalingv2.ContainerResourceMetricSource{
			Name: anyResource(r), Container: containers[0], Target: anyResourceTarget(r),
		}}
	default:
		return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: anyResource(r), Target: anyResourceTarget(r),
		}}
	}
}

func anyResource(r *rand.Rand) corev1.ResourceName {
	return pick(r, corev1.ResourceCPU, corev1.ResourceCPU, corev1.ResourceMemory)
}

func anyResourceTarget(r *rand.Rand) autoscalingv2.MetricTarget {
	if r.IntN(3) == 0 {
		amount := resource.MustParse(pick(r, "100m", "1", "333m"))
		return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &amount}
	}
	percent := pick[int32](r, 80, 50, 100, 140, 33)
	return autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent}
}

// anyBehavior returns rules for both directions. Those for someone who tries out have one policy each and no window, so
// that what policies remember decides.
func anyBehavior(r *rand.Rand, trying bool) *autoscalingv2.HorizontalPodAutoscalerBehavior {
	b := &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: anyRules(r), ScaleDown: anyRules(r)}
	if trying {
		b.ScaleUp, b.ScaleDown = tryingRules(r), tryingRules(r)
	}
	return b
}

func tryingRules(r *rand.Rand) *autoscalingv2.HPAScalingRules {
	policy := autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PodsScalingPolicy, Value: 1 + r.Int32N(8), PeriodSeconds: pick[int32](r, 7, 10, 30, 120, 300)}
	return &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32), Policies: []autoscalingv2.HPAScalingPolicy{policy}}
}

func anyRules(r *rand.Rand) *autoscalingv2.HPAScalingRules {
	if r.IntN(6) == 0 {
		return nil
	}
	rules := &autoscalingv2.HPAScalingRules{}
	if r.IntN(4) > 0 {
		window := pick[int32](r, 0, 0, 0, 0, 15, 30, 45, 60, 100, 300)
		rules.StabilizationWindowSeconds = &window
	}
	if r.IntN(3) > 0 {
		choice := pick(r, autoscalingv2.MaxChangePolicySelect, autoscalingv2.MinChangePolicySelect, autoscalingv2.MinChangePolicySelect,
			autoscalingv2.MaxChangePolicySelect, autoscalingv2.DisabledPolicySelect)
		rules.SelectPolicy = &choice
	}
	if r.IntN(3) == 0 {
		tolerance := resource.MustParse(pick(r, "0", "0.05", "0.1", "0.25", "33m", "1"))
		rules.Tolerance = &tolerance
	}
	for range r.IntN(4) {
		policy := autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PodsScalingPolicy, Value: 1 + r.Int32N(5),
			PeriodSeconds: pick[int32](r, 15, 30, 30, 45, 60, 60, 90, 120, 10, 7)}
		if r.IntN(2) == 0 {
			policy.Type, policy.Value = autoscalingv2.PercentScalingPolicy, pick[int32](r, 1, 10, 33, 50, 100, 200)
		}
		rules.Policies = append(rules.Policies, policy)
	}
	return rules
}

// defaulted returns the autoscaler with the spec as the API server keeps it.
func defaulted(spec *autoscalingv2.HorizontalPodAutoscalerSpec) *autoscalingv2.HorizontalPodAutoscaler {
	object := &autoscalingv2.HorizontalPodAutoscaler{Spec: *spec.DeepCopy()}
	object.Name, object.Namespace = service, namespace
	kubernetesv2.SetObjectDefaults_HorizontalPodAutoscaler(object)
	return object
}

// types is for turning what users write into what Kubernetes validates.
var types = sync.OnceValues(func() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	return scheme, errors.Join(autoscaling.AddToScheme(scheme), kubernetesv2.AddToScheme(scheme))
})

// checkSpec says what is wrong if a history made up a spec that cannot be.
func checkSpec(spec *autoscalingv2.HorizontalPodAutoscalerSpec, scaleToZero bool) error {
	if err := hpa.Validate(spec); err != nil {
		return fmt.Errorf("hpa.Validate refuses the spec: %w", err)
	}
	scheme, err := types()
	if err != nil {
		return err
	}
	var internal autoscaling.HorizontalPodAutoscaler
	if err := scheme.Convert(defaulted(spec), &internal, nil); err != nil {
		return err
	}
	options := validation.HorizontalPodAutoscalerSpecValidationOptions{MinReplicasLowerBound: 1}
	options.ObjectMetricsValidationOptions.AllowEmptyAPIGroup = true // as the API server's strategy
	if scaleToZero {
		options.MinReplicasLowerBound = 0
	}
	if errs := validation.ValidateHorizontalPodAutoscaler(&internal, options); len(errs) > 0 {
		return fmt.Errorf("Kubernetes refuses the spec: %w", errs.ToAggregate())
	}
	return nil
}
