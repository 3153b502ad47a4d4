package migrate

import (
	"fmt"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/hpamanifest"
	"github.com/truecount/truecount/internal/scale/metricrule"
)

// Report is what a configuration would serve, and what differs. Its fields are the JSON of the command.
type Report struct {
	// Asked says that the metrics are those of a server's series, and not supposed.
	Asked bool `json:"asked"`
	// Rules are the rules in their order.
	Rules []Rule `json:"rules"`
	// Differences are those of this configuration: what is served otherwise than by prometheus-adapter, or may surprise.
	Differences []Difference `json:"differences"`
	// General are the differences that any configuration meets.
	General []Difference `json:"general"`
	// Autoscalers are the manifests, converted.
	Autoscalers []Autoscaler `json:"autoscalers"`
}

// Rule is one rule and what it makes.
type Rule struct {
	Where       string   `json:"where"`
	Kind        string   `json:"kind"`
	SeriesQuery string   `json:"seriesQuery"`
	Metrics     []Metric `json:"metrics"`
	// Note says why there are no metrics, or what was supposed.
	Note string `json:"note,omitempty"`
}

// Metric is one metric of a rule.
type Metric struct {
	Name     string `json:"name"`
	Resource string `json:"resource,omitempty"` // empty for external metrics
	Series   string `json:"series"`
	// Query is what a request for all objects of a namespace would ask, without the question for times; empty if it is an error.
	Query string `json:"query,omitempty"`
	Error string `json:"error,omitempty"`
}

// Difference is one thing that is not as with prometheus-adapter, or that gives other values than it seems.
type Difference struct {
	// ID names it; docs/reference/adapter-rules.md explains each.
	ID string `json:"id"`
	// Where is file:line:column, or empty for what is about no place.
	Where string `json:"where,omitempty"`
	What  string `json:"what"`
	Hint  string `json:"hint,omitempty"`
}

// Autoscaler is one manifest.
type Autoscaler struct {
	Name    string   `json:"name"`
	Where   string   `json:"where"`
	Version string   `json:"version"`
	Changes []string `json:"changes"`
	// Metrics says of each metric that these rules could serve whether they do.
	Metrics []Wanted `json:"metrics"`
	// YAML is the manifest in autoscaling/v2.
	YAML string `json:"yaml"`
}

// Wanted is a metric that an autoscaler asks for.
type Wanted struct {
	Name     string `json:"name"`
	Resource string `json:"resource,omitempty"`
	// State is served, not served, or error with what it says.
	State string `json:"state"`
}

// Report says what the plan would serve. The mapper knows the cluster's resources, or metricrule.KnownResources. Found has what a
// server answered to the plan's discoveries; nil if none was asked: then each rule's series is supposed.
func (p *Plan) Report(mapper meta.RESTMapper, found map[metricrule.Discovery]*metricrule.Found) (*Report, error) {
	r := &Report{Asked: found != nil, Rules: []Rule{}, Differences: []Difference{}, General: general, Autoscalers: []Autoscaler{}}
	if found == nil {
		found = p.suppose(mapper)
	}
	catalog := metricrule.NewCatalog(p.Rules, mapper, found)
	for _, rule := range p.Rules.Rules() {
		r.Rules = append(r.Rules, r.rule(catalog, rule))
		for _, remark := range rule.Remarks() {
			r.differ(remark.ID, rule.Origin, remark.Hint, "%s: %s", remark.Field, remark.What)
		}
	}
	for _, problem := range p.Rules.Problems() {
		at := fmt.Sprintf("%s:%d:%d", problem.Err.File, problem.Err.Line, problem.Err.Column)
		r.differ("refused", at, problem.Err.Hint, "%s", strings.TrimPrefix(problem.Err.Path+": "+problem.Err.Message, ": "))
	}
	for _, at := range p.Rules.ResourceRules() {
		r.differ("resource-rules", at, "keep metrics-server: it serves metrics.k8s.io", "resourceRules are read and not served")
	}
	for _, message := range catalog.Problems() {
		r.differ(idOf(message), "", "", "%s", message)
	}
	for _, m := range p.Autoscalers {
		a, err := autoscaler(catalog, mapper, m)
		if err != nil {
			return nil, err
		}
		r.Autoscalers = append(r.Autoscalers, a)
	}
	return r, nil
}

// idOf tells the problems of a catalog apart by what they say.
func idOf(problem string) string {
	for id, part := range map[string]string{
		"conflict": "two rules make this metric", "two-overrides": "name one resource", "no-namespace-label": "cannot be bound to the namespace",
		"unknown-resource": "the cluster has no resource",
	} {
		if strings.Contains(problem, part) {
			return id
		}
	}
	return "no-metric"
}

func (r *Report) differ(id, where, advice, format string, args ...any) {
	d := Difference{ID: id, Where: where, What: fmt.Sprintf(format, args...), Hint: advice}
	if !slices.Contains(r.Differences, d) {
		r.Differences = append(r.Differences, d)
	}
}

// suppose answers the discoveries without a server.
func (p *Plan) suppose(mapper meta.RESTMapper) map[metricrule.Discovery]*metricrule.Found {
	found := map[metricrule.Discovery]*metricrule.Found{}
	for _, rule := range p.Rules.Rules() {
		if series, ok := rule.Suppose(mapper); ok {
			d := p.Rules.Discovery(rule)
			if found[d] == nil {
				found[d] = &metricrule.Found{}
			}
			found[d].Add(series)
		}
	}
	return found
}

// rule lists what a rule makes.
func (r *Report) rule(catalog *metricrule.Catalog, rule *metricrule.Rule) Rule {
	out := Rule{Where: rule.Origin, Kind: string(rule.Kind), SeriesQuery: rule.SeriesQuery, Metrics: []Metric{}}
	for _, made := range catalog.MadeBy(rule) {
		m := Metric{Name: made.Name, Resource: made.Resource.String(), Series: made.Series}
		query, err := example(catalog, rule, made)
		if err != nil {
			m.Error = err.Error()
		} else {
			m.Query = query.Asks
		}
		out.Metrics = append(out.Metrics, m)
	}
	switch {
	case len(out.Metrics) == 0 && r.Asked:
		out.Note = "the server has no series that this rule makes a metric of"
	case len(out.Metrics) == 0:
		out.Note = "the metrics depend on the series that a server has: ask one with --prometheus-url"
	case !r.Asked:
		out.Note = "supposed, if the series has the labels that the rule names"
	}
	return out
}

// example is the query of a request for all objects in the namespace NAMESPACE.
func example(catalog *metricrule.Catalog, rule *metricrule.Rule, made metricrule.Made) (*metricrule.Query, error) {
	namespace := "NAMESPACE"
	if rule.Namespace != "" {
		namespace = rule.Namespace
	}
	if rule.Kind == metricrule.External {
		return catalog.ExternalQuery(metricrule.ExternalRequest{Namespace: namespace, Metric: made.Name})
	}
	request := metricrule.Request{Resource: made.Resource, Metric: made.Name, Names: []string{"NAME"}, All: metricrule.Namespaced(made.Resource)}
	if metricrule.Namespaced(made.Resource) {
		request.Namespace = namespace
	}
	return catalog.Query(request)
}

// autoscaler describes a manifest.
func autoscaler(catalog *metricrule.Catalog, mapper meta.RESTMapper, m *hpamanifest.Manifest) (Autoscaler, error) {
	text, err := m.YAML()
	if err != nil {
		return Autoscaler{}, err
	}
	out := Autoscaler{Name: m.HPA.Name, Where: m.Where, Version: m.Version, Changes: []string{}, Metrics: []Wanted{}, YAML: string(text)}
	for _, c := range m.Changes {
		out.Changes = append(out.Changes, c.String())
	}
	namespace := m.HPA.Namespace
	if namespace == "" {
		namespace = "default"
	}
	for _, metric := range m.HPA.Spec.Metrics {
		if w, ok := wanted(catalog, mapper, namespace, metric); ok {
			out.Metrics = append(out.Metrics, w)
		}
	}
	return out, nil
}

// wanted says whether a rule makes a metric of an autoscaler; false for those of metrics.k8s.io.
func wanted(catalog *metricrule.Catalog, mapper meta.RESTMapper, namespace string, metric autoscalingv2.MetricSpec) (Wanted, bool) {
	var w Wanted
	var err error
	ask := func(resource schema.GroupResource, names []string) {
		w.Resource = resource.String()
		request := metricrule.Request{Resource: resource, Metric: w.Name, Names: names, Namespace: namespace}
		if !metricrule.Namespaced(resource) {
			request.Namespace = ""
		}
		_, err = catalog.Query(request)
	}
	switch {
	case metric.Pods != nil:
		w.Name = metric.Pods.Metric.Name
		ask(schema.GroupResource{Resource: "pods"}, []string{"NAME"})
	case metric.Object != nil:
		w.Name = metric.Object.Metric.Name
		group, _ := schema.ParseGroupVersion(metric.Object.DescribedObject.APIVersion)
		mapping, unknown := mapper.RESTMapping(schema.GroupKind{Group: group.Group, Kind: metric.Object.DescribedObject.Kind})
		if unknown != nil {
			w.State = "error: the cluster has no kind " + metric.Object.DescribedObject.Kind
			return w, true
		}
		ask(mapping.Resource.GroupResource(), []string{metric.Object.DescribedObject.Name})
	case metric.External != nil:
		w.Name = metric.External.Metric.Name
		_, err = catalog.ExternalQuery(metricrule.ExternalRequest{Namespace: namespace, Metric: w.Name})
	default:
		return Wanted{}, false
	}
	switch {
	case err == nil:
		w.State = "served"
	case err == metricrule.ErrUnknownMetric:
		w.State = "not served"
	default:
		w.State = "error: " + err.Error()
		if h := hint.Of(err); h != "" {
			w.State += " (" + h + ")"
		}
	}
	return w, true
}
