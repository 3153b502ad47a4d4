package metricrule

import (
	"time"

	"github.com/prometheus/common/model"
)

// ruleFields is one rule as it is written.
type ruleFields struct {
	// SeriesQuery selects the series that the rule is about, as PromQL's series selector.
	SeriesQuery string `yaml:"seriesQuery" required:"true"`
	// SeriesFilters take series out by their name; all of them must agree.
	SeriesFilters []filterFields `yaml:"seriesFilters,omitempty"`
	// Resources say which Kubernetes objects the labels of a series name.
	Resources resourceFields `yaml:"resources,omitempty"`
	// Name says what the metric is called.
	Name nameFields `yaml:"name,omitempty"`
	// MetricsQuery is the template of the query, between << and >>.
	MetricsQuery string `yaml:"metricsQuery" required:"true"`
	// Server names the Prometheus server that is asked; empty is the one of the command line. prometheus-adapter has no such field.
	Server string `yaml:"server,omitempty"`
}

// filterFields is a regular expression on the name of a series; exactly one of its fields is given. Like prometheus-adapter's it is
// not anchored.
type filterFields struct {
	// Is keeps the names that it is found in.
	Is string `yaml:"is,omitempty"`
	// IsNot keeps the names that it is not found in.
	IsNot string `yaml:"isNot,omitempty"`
}

// resourceFields says which label names which resource.
type resourceFields struct {
	// Template makes a label of a resource, as kube_<<.Group>>_<<.Resource>>.
	Template string `yaml:"template,omitempty"`
	// Overrides name the resource of a label and go before the template.
	Overrides map[string]groupResource `yaml:"overrides,omitempty"`
	// Namespaced is false for an external rule whose queries are not bound to the namespace of the request.
	Namespaced *bool `yaml:"namespaced,omitempty"`
}

// groupResource names a resource, in the plural or singular.
type groupResource struct {
	// Group is the API group; empty is the core group.
	Group string `yaml:"group,omitempty"`
	// Resource is its name.
	Resource string `yaml:"resource" required:"true"`
}

// nameFields makes the name of a metric from that of the series.
type nameFields struct {
	// Matches is a regular expression that must be found in the series' name. Left out it is .*
	Matches string `yaml:"matches,omitempty"`
	// As is the metric's name; $1 or ${name} stand for the groups of matches. Left out it is $0, or $1 if there is one group.
	As string `yaml:"as,omitempty"`
}

// resourceRules are the rules of metrics.k8s.io.
type resourceRules struct {
	// CPU is the rule of cpu.
	CPU resourceRule `yaml:"cpu,omitempty"`
	// Memory is the rule of memory.
	Memory resourceRule `yaml:"memory,omitempty"`
	// Window is what the API says that values are averaged over.
	Window duration `yaml:"window,omitempty"`
}

// resourceRule is the rule of one of them.
type resourceRule struct {
	// ContainerQuery is the template of a container's value.
	ContainerQuery string `yaml:"containerQuery,omitempty"`
	// NodeQuery is the template of a node's value.
	NodeQuery string `yaml:"nodeQuery,omitempty"`
	// Resources say which label names which resource.
	Resources resourceFields `yaml:"resources,omitempty"`
	// ContainerLabel is the label with the container's name.
	ContainerLabel string `yaml:"containerLabel,omitempty"`
}

// duration is a length of time as Prometheus writes it.
type duration time.Duration

func (d *duration) SetScalar(text string) bool {
	parsed, err := model.ParseDuration(text)
	*d = duration(parsed)
	return err == nil
}

func (*duration) Wanted() (kind, advice string) {
	return "a duration", "write a number and a unit: 30s, 2m, 1h"
}
