package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/internal/scale/metricrule"
	"github.com/truecount/truecount/internal/scale/replay"
	"github.com/truecount/truecount/internal/scale/signal"
)

// byRules asks for a metric as the adapter would with the same rules: series are found in the history, and the query is written for
// the objects that the autoscaler asks about.
func (t *replayTarget) byRules(ctx context.Context, o *replay.Options, m *autoscalingv2.MetricSpec, source *openSource) (replay.Question, error) {
	catalog, err := t.catalog(ctx, o, source)
	if err != nil {
		return replay.Question{}, err
	}
	query, err := ruleQuery(catalog, o.Namespace, m)
	if err != nil {
		return replay.Question{}, hint.Errorf("does the history have its series in this time? another way: --query", "%s: %w", t.rules, err)
	}
	return replay.Question{Expr: query.Expr, Read: func(answer []promapi.Sample, at time.Time) []signal.Sample {
		samples := make([]metricrule.Sample, len(answer))
		for i, s := range answer {
			samples[i] = metricrule.Sample{Labels: s.Labels, Time: s.Time, Value: s.Value}
		}
		var out []signal.Sample
		for _, v := range query.Read(samples, at, 0) {
			out = append(out, signal.Sample{Pod: v.Name, Value: v.Value, Time: v.Time, Err: v.Err})
		}
		return out
	}}, nil
}

// catalog reads the rules and finds the series of the time that is replayed.
func (t *replayTarget) catalog(ctx context.Context, o *replay.Options, source *openSource) (*metricrule.Catalog, error) {
	data, err := os.ReadFile(t.rules)
	if err != nil {
		return nil, hint.Errorf("--rules names a file", "%w", err)
	}
	set, problems := metricrule.Load(metricrule.Options{}, metricrule.Source{Name: t.rules, Data: data})
	for _, p := range problems {
		source.tell(p.String()) // a bad rule hides no other
	}
	found := map[metricrule.Discovery]*metricrule.Found{}
	for _, d := range set.Discoveries() {
		f := &metricrule.Found{}
		err := source.Series(ctx, []string{d.Matcher}, o.From, o.To, func(l labels.Labels) error {
			f.Add(l)
			return nil
		})
		if err != nil {
			return nil, err
		}
		found[d] = f
	}
	return metricrule.NewCatalog(set, metricrule.KnownResources(), found), nil
}

func ruleQuery(c *metricrule.Catalog, namespace string, m *autoscalingv2.MetricSpec) (*metricrule.Query, error) {
	var id *autoscalingv2.MetricIdentifier
	request := metricrule.Request{Namespace: namespace}
	switch m.Type {
	case autoscalingv2.ExternalMetricSourceType:
		selector, err := metav1.LabelSelectorAsSelector(m.External.Metric.Selector)
		if err != nil {
			return nil, err
		}
		if m.External.Metric.Selector == nil {
			selector = nil
		}
		return c.ExternalQuery(metricrule.ExternalRequest{Namespace: namespace, Metric: m.External.Metric.Name, Selector: selector})
	case autoscalingv2.ObjectMetricSourceType:
		id = &m.Object.Metric
		gv, err := schema.ParseGroupVersion(m.Object.DescribedObject.APIVersion)
		if err != nil {
			return nil, err
		}
		mapping, err := metricrule.KnownResources().RESTMapping(schema.GroupKind{Group: gv.Group, Kind: m.Object.DescribedObject.Kind})
		if err != nil {
			return nil, hint.Errorf("another way: --query", "the resource of %s is not known: %w", m.Object.DescribedObject.Kind, err)
		}
		request.Resource, request.Names = mapping.Resource.GroupResource(), []string{m.Object.DescribedObject.Name}
		if request.Resource.String() == "namespaces" {
			request.Names = []string{namespace} // the controller asks about the autoscaler's own, whatever its manifest says
		} else if !metricrule.Namespaced(request.Resource) {
			return nil, fmt.Errorf("the controller asks for %s in the autoscaler's namespace, where they have no metrics", request.Resource)
		}
	default:
		id = &m.Pods.Metric
		request.Resource, request.All = schema.GroupResource{Resource: "pods"}, true
	}
	request.Metric = id.Name
	if id.Selector != nil {
		selector, err := metav1.LabelSelectorAsSelector(id.Selector)
		if err != nil {
			return nil, err
		}
		request.Selector = selector
	}
	return c.Query(request)
}
