package ruledifference

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	pmodel "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"k8s.io/apimachinery/pkg/api/meta"
	k8slabels "k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	prom "sigs.k8s.io/prometheus-adapter/pkg/client"
	"sigs.k8s.io/prometheus-adapter/pkg/config"
	"sigs.k8s.io/prometheus-adapter/pkg/naming"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// metric is one that an adapter serves; of external ones the resource is empty.
type metric struct {
	resource schema.GroupResource
	name     string
}

// request is what is asked of a metric.
type request struct {
	namespace string
	names     []string
	all       bool
	selector  k8slabels.Selector
}

// adapter is one of both: which metrics there are, how many ways lead to each, and the query of a request.
type adapter struct {
	custom, external map[metric]int
	query            func(metric, request) (string, error)
	externalQuery    func(string, request) (string, error)
}

// peer runs prometheus-adapter's own code.
func peer(text string, mapper meta.RESTMapper, series []labels.Labels) (*adapter, error) {
	cfg, err := config.FromYAML([]byte(text))
	if err != nil {
		return nil, err
	}
	custom, err := naming.NamersFromConfig(cfg.Rules, mapper)
	if err != nil {
		return nil, err
	}
	external, err := naming.NamersFromConfig(cfg.ExternalRules, mapper)
	if err != nil {
		return nil, err
	}
	type source struct {
		namer  naming.MetricNamer
		series string
	}
	sources, externalSources := map[metric][]source{}, map[metric][]source{}
	add := func(to map[metric][]source, m metric, s source) {
		if !slices.Contains(to[m], s) {
			to[m] = append(to[m], s)
		}
	}
	for _, n := range custom {
		for _, s := range n.FilterSeries(matching(string(n.Selector()), series)) {
			resources, _ := n.ResourcesForSeries(s)
			name, err := n.MetricNameForSeries(s)
			if err != nil {
				continue // as the peer does
			}
			for _, r := range resources {
				add(sources, metric{r, name}, source{n, s.Name})
			}
		}
	}
	for _, n := range external {
		for _, s := range n.FilterSeries(matching(string(n.Selector()), series)) {
			if name, err := n.MetricNameForSeries(s); err == nil {
				add(externalSources, metric{name: name}, source{n, s.Name})
			}
		}
	}
	out := &adapter{custom: map[metric]int{}, external: map[metric]int{}}
	for m, list := range sources {
		out.custom[m] = len(list)
	}
	for m, list := range externalSources {
		out.external[m] = len(list)
	}
	out.query = func(m metric, r request) (string, error) {
		s := sources[m][0]
		q, err := s.namer.QueryForSeries(s.series, m.resource, r.namespace, r.selector, r.names...)
		return string(q), err
	}
	out.externalQuery = func(name string, r request) (string, error) {
		s := externalSources[metric{name: name}][0]
		q, err := s.namer.QueryForExternalSeries(s.series, r.namespace, r.selector)
		return string(q), err
	}
	return out, nil
}

// matching is what a server answers to a series query.
func matching(selector string, series []labels.Labels) []prom.Series {
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
	if err != nil {
		return nil
	}
	var out []prom.Series
	for _, s := range series {
		if !matches(matchers, s) {
			continue
		}
		found := prom.Series{Name: s.Get(pmodel.MetricNameLabel), Labels: pmodel.LabelSet{}}
		s.Range(func(l labels.Label) {
			if l.Name != pmodel.MetricNameLabel {
				found.Labels[pmodel.LabelName(l.Name)] = pmodel.LabelValue(l.Value)
			}
		})
		out = append(out, found)
	}
	return out
}

func matches(matchers []*labels.Matcher, s labels.Labels) bool {
	return !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.Get(m.Name)) })
}

// ours runs internal/scale/metricrule.
func ours(t testing.TB, text string, mapper meta.RESTMapper, series []labels.Labels) (*adapter, error) {
	set, problems := metricrule.Load(metricrule.Options{}, metricrule.Source{Name: "config.yaml", Data: []byte(text)})
	if len(problems) > 0 {
		return nil, fmt.Errorf("%v", problems)
	}
	found := map[metricrule.Discovery]*metricrule.Found{}
	for _, d := range set.Discoveries() {
		matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(d.Matcher)
		if err != nil {
			t.Fatalf("%s: %v", d.Matcher, err)
		}
		found[d] = &metricrule.Found{}
		for _, s := range series {
			if matches(matchers, s) {
				found[d].Add(s)
			}
		}
	}
	catalog := metricrule.NewCatalog(set, mapper, found)
	out := &adapter{custom: map[metric]int{}, external: map[metric]int{}}
	for _, m := range catalog.Custom() {
		out.custom[metric{m.Resource, m.Name}] = 1
		if strings.Contains(strings.Join(catalog.Problems(), "\n"), fmt.Sprintf("%s/%s: two rules make this metric", m.Resource, m.Name)) {
			out.custom[metric{m.Resource, m.Name}] = 2
		}
	}
	for _, name := range catalog.External() {
		out.external[metric{name: name}] = 1
		if strings.Contains(strings.Join(catalog.Problems(), "\n"), fmt.Sprintf("external metric %s: two rules make this metric", name)) {
			out.external[metric{name: name}] = 2
		}
	}
	out.query = func(m metric, r request) (string, error) {
		q, err := catalog.Query(metricrule.Request{Resource: m.resource, Namespace: r.namespace, Metric: m.name, Names: r.names, All: r.all, Selector: r.selector})
		if err != nil {
			return "", err
		}
		return q.Expr, nil
	}
	out.externalQuery = func(name string, r request) (string, error) {
		q, err := catalog.ExternalQuery(metricrule.ExternalRequest{Namespace: r.namespace, Metric: name, Selector: r.selector})
		if err != nil {
			return "", err
		}
		return q.Expr, nil
	}
	return out, nil
}
