package metricrule_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	k8slabels "k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

const shop = `
load 15s
  http_requests_total{namespace="shop",pod="web-0",service="web",verb="GET"} 0+15x80
  http_requests_total{namespace="shop",pod="web-0",service="web",verb="PUT"} 0+3x80
  http_requests_total{namespace="shop",pod="web-1",service="web",verb="GET"} 0+30x80
  http_requests_total{namespace="bank",pod="web-0",service="web",verb="GET"} 0+150x80
  queue_depth{queue="a"} 7x80
  queue_depth{queue="b"} 9x80
  node_load1{node="n1"} 3x80
  {"temperature.celsius","k8s.namespace.name"="shop","k8s.pod.name"="web-0"} 21x80
`

func selector(t testing.TB, text string) k8slabels.Selector {
	t.Helper()
	s, err := k8slabels.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const webRule = `rules:
- seriesQuery: '{__name__=~"^http_.*",namespace!=""}'
  resources: {template: <<.Resource>>}
  name: {matches: "^(.*)_total$", as: "${1}_per_second"}
  metricsQuery: sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)
`

func TestTheQueryOfARequest(t *testing.T) {
	rate := func(matchers, by string) string {
		return `label_replace(sum by (` + by + `) (rate(http_requests_total{` + matchers + `}[2m])), "__truecount__", "value", "", "") or ` +
			`label_replace(max by (` + by + `) (timestamp(http_requests_total{` + matchers + `})), "__truecount__", "time0", "", "")`
	}
	for _, test := range []struct {
		name    string
		request metricrule.Request
		want    string
	}{
		{"all pods, without their names", metricrule.Request{Resource: pods, Namespace: "shop", All: true, Names: []string{"web-0", "web-1"}},
			rate(`namespace="shop"`, "pod")},
		{"one pod", metricrule.Request{Resource: pods, Namespace: "shop", Names: []string{"web-0"}}, rate(`namespace="shop",pod="web-0"`, "pod")},
		{"several pods", metricrule.Request{Resource: pods, Namespace: "shop", Names: []string{"web-0", "web.1"}},
			rate(`namespace="shop",pod=~"web-0|web\\.1"`, "pod")},
		{"a selector", metricrule.Request{Resource: pods, Namespace: "shop", All: true, Selector: selector(t, "verb=GET,code!=500,tier in (a,b.c),zone notin (x),canary,!old")},
			rate(`canary!="",code!="500",namespace="shop",old="",tier=~"a|b\\.c",verb="GET",zone!~"x"`, "pod")},
		{"a label in UTF-8", metricrule.Request{Resource: pods, Namespace: "shop", All: true, Selector: selector(t, "app.kubernetes.io/name=web")},
			rate(`"app.kubernetes.io/name"="web",namespace="shop"`, "pod")},
		{"the namespace itself", metricrule.Request{Resource: namespaces, Names: []string{"shop"}}, rate(`namespace="shop"`, "namespace")},
		{"a service", metricrule.Request{Resource: schema.GroupResource{Resource: "services"}, Namespace: "shop", Names: []string{"web"}},
			rate(`namespace="shop",service="web"`, "service")},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPrometheus(t, shop, 20*time.Minute)
			c := p.catalog(operator(webRule))
			test.request.Metric = "http_requests_per_second"
			q, err := c.Query(test.request)
			if err != nil {
				t.Fatal(err)
			}
			if q.Expr != test.want {
				t.Errorf("got\n%s\nwant\n%s", q.Expr, test.want)
			}
			if _, err := p.query(q.Expr); err != nil {
				t.Errorf("the server refuses it: %v", err)
			}
		})
	}
}

func TestWhatARequestCannotHaveIsToldAndNotAnswered(t *testing.T) {
	p := newPrometheus(t, shop, 20*time.Minute)
	c := p.catalog(operator(webRule))
	good := metricrule.Request{Resource: pods, Namespace: "shop", Metric: "http_requests_per_second", All: true}
	for _, test := range []struct {
		name   string
		change func(*metricrule.Request)
		want   string
	}{
		{"another metric", func(r *metricrule.Request) { r.Metric = "http_requests" }, "no rule makes this metric"},
		{"another resource", func(r *metricrule.Request) { r.Resource = nodes }, "no rule makes this metric"},
		{"greater than", func(r *metricrule.Request) { r.Selector = selector(t, "code>500") }, "the operator gt of the metric's selector has no counterpart in PromQL"},
		{"nothing", func(r *metricrule.Request) { r.Selector = k8slabels.Nothing() }, "selects nothing"},
		{"no namespace", func(r *metricrule.Request) { r.Namespace = "" }, "has no namespace"},
		{"no name", func(r *metricrule.Request) { r.All = false }, "names no object"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := good
			test.change(&r)
			q, err := c.Query(r)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %+v, %v; want %s", q, err, test.want)
			}
			if unknown := strings.HasPrefix(test.want, "no rule"); errors.Is(err, metricrule.ErrUnknownMetric) != unknown {
				t.Errorf("unknown is %v", !unknown)
			}
		})
	}
}

func TestATemplateMayUseTheValuesOfLabels(t *testing.T) {
	const head = "rules:\n- seriesQuery: http_requests_total\n  resources: {template: <<.Resource>>}\n  name: {as: hits}\n  metricsQuery: "
	all := metricrule.Request{Resource: pods, Namespace: "shop", All: true, Names: []string{"web-0", "web.1"}, Metric: "hits"}
	for _, test := range []struct{ name, query, want string }{
		{"in a regular expression, literally", `max(x{p=~"<<.LabelValuesByName.pod>>"})`, `max(x{p=~"web-0|web\\.1"})`},
		{"in an equation", `max(x{ns="<<index .LabelValuesByName "namespace">>"})`, `max(x{ns="shop"})`},
		{"in a part of a text", `max(x{ns!="not-<<.LabelValuesByName.namespace>>"})`, `max(x{ns!="not-shop"})`},
		{"in a loop", `max(x{<<range $k, $v := .LabelValuesByName>><<if ne $k "pod">>my_<<$k>>="<<$v>>",<<end>><<end>>})`, `max(x{my_namespace="shop"})`},
		{"in a name", `max(of_<<.LabelValuesByName.namespace>>)`, `max(of_shop)`},
		{"only where they are", `max(x{a="b"<<if .LabelValuesByName.zone>>,zone="<<.LabelValuesByName.zone>>"<<end>>})`, `max(x{a="b"})`},
		{"as text of a function", `label_replace(x, "ns", "<<.LabelValuesByName.namespace>>", "", "")`, `label_replace(x, "ns", "shop", "", "")`},
		{"in a loop over the object's label", `max(x{<<range .GroupBySlice>><<range $k, $v := $.LabelValuesByName>><<if ne $k "pod">>my_<<$k>>="<<$v>>",<<end>><<end>><<end>>}) by (pod)`, `max by (pod) (x{my_namespace="shop"})`},
		{"the label by itself", `max(x) by (<<range .GroupBySlice>><<.>><<end>>)`, `max by (pod) (x)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPrometheus(t, shop, 20*time.Minute)
			quoted := "'" + strings.ReplaceAll(test.query, "'", "''") + "'"
			q, err := p.catalog(operator(head + quoted + "\n")).Query(all)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(q.Expr, test.want+`, "__truecount__", "value"`) {
				t.Errorf("got %s\nwant %s in it", q.Expr, test.want)
			}
			if uses := strings.Contains(test.query, "LabelValuesByName.pod"); q.NamesUsed != uses {
				t.Errorf("names are used: %v", q.NamesUsed)
			}
			if !q.NamesUsed {
				return
			}
			nameless := all
			nameless.Names = nil
			if q, err := p.catalog(operator(head + quoted + "\n")).Query(nameless); err == nil {
				t.Errorf("without names got %s", q.Expr)
			}
		})
	}
}

func TestNamesInUTF8AreAskedForInQuotes(t *testing.T) {
	p := newPrometheus(t, shop, 20*time.Minute)
	c := p.catalog(operator(`rules:
- seriesQuery: '{"temperature.celsius"}'
  resources: {overrides: {k8s.namespace.name: {resource: namespace}, k8s.pod.name: {resource: pod}}}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
`))
	got := p.values(c, metricrule.Request{Resource: pods, Namespace: "shop", Metric: "temperature_celsius", Names: []string{"web-0"}})
	equal(t, got, []metricrule.Value{{Name: "web-0", Value: 21, Time: p.at}})
}

func TestExternalMetricsAreBoundToTheNamespaceUnlessTheRuleSaysNo(t *testing.T) {
	p := newPrometheus(t, shop, 20*time.Minute)
	c := p.catalog(operator(`externalRules:
- seriesQuery: '{__name__="queue_depth",queue!=""}'
  resources: {namespaced: false}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (queue)
- seriesQuery: 'http_requests_total'
  resources: {overrides: {namespace: {resource: namespace}}}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>})
- seriesQuery: 'node_load1'
  metricsQuery: scalar(sum(<<.Series>>{<<.LabelMatchers>>}))
`))
	equal(t, c.External(), []string{"http_requests_total", "node_load1", "queue_depth"})
	ask := func(metric, selects string) []metricrule.Value {
		q, err := c.ExternalQuery(metricrule.ExternalRequest{Namespace: "shop", Metric: metric, Selector: selector(t, selects)})
		if err != nil {
			t.Fatal(err)
		}
		samples, err := p.query(q.Expr)
		if err != nil {
			t.Fatal(err)
		}
		return q.Read(samples, p.at, time.Minute)
	}
	everything := p.catalog(operator("externalRules:\n- seriesQuery: queue_depth\n  resources: {namespaced: false}\n  metricsQuery: sum({<<.LabelMatchers>>})\n"))
	if q, err := everything.ExternalQuery(metricrule.ExternalRequest{Namespace: "shop", Metric: "queue_depth"}); err == nil {
		t.Errorf("every series of the server is asked for: %s", q.Expr)
	}
	labels := labelsOf
	equal(t, ask("queue_depth", ""), []metricrule.Value{{Labels: labels("queue", "a"), Value: 7, Time: p.at}, {Labels: labels("queue", "b"), Value: 9, Time: p.at}})
	equal(t, ask("queue_depth", "queue=b"), []metricrule.Value{{Labels: labels("queue", "b"), Value: 9, Time: p.at}})
	equal(t, ask("http_requests_total", "verb=GET"), []metricrule.Value{{Value: 80*15 + 80*30, Time: p.at}})
	_, err := c.ExternalQuery(metricrule.ExternalRequest{Namespace: "shop", Metric: "node_load1"})
	if err == nil || !strings.Contains(err.Error(), "rules.yaml:8:3: the query cannot be bound to the namespace of the request: no label of the rule names namespaces") {
		t.Errorf("a rule without a label for the namespace: %v", err)
	}
}
