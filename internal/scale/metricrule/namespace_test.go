package metricrule_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// owned is a source that a namespace owns.
func owned(namespace, name, text string) metricrule.Source {
	return metricrule.Source{Name: name, Namespace: namespace, Data: []byte(text)}
}

func TestEverySelectorOfASourceWithANamespaceIsBoundToIt(t *testing.T) {
	for _, test := range []struct{ name, query string }{
		{"one", `sum(http_requests_total) by (pod)`},
		{"with matchers of the request", `sum(rate(<<.Series>>{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)`},
		{"another namespace", `sum(http_requests_total{namespace="bank"}) by (pod)`},
		{"any namespace", `sum(http_requests_total{namespace=~".*"}) by (pod)`},
		{"all but its own", `sum(http_requests_total{namespace!="shop"}) by (pod)`},
		{"both sides", `sum(http_requests_total) by (pod) / on (pod) sum(http_requests_total) by (pod)`},
		{"a subquery", `max by (pod) (max_over_time(sum by (pod) (rate(http_requests_total[1m]))[5m:30s]))`},
		{"an offset", `sum(http_requests_total offset 1m) by (pod)`},
		{"a fixed time", `sum(http_requests_total @ 1200) by (pod)`},
		{"or", `sum by (pod) (absent_metric) or sum by (pod) (http_requests_total)`},
		{"unless", `sum by (pod) (http_requests_total) unless sum by (pod) (http_requests_total > 1e9)`},
		{"the name as a label", `sum({__name__="http_requests_total"}) by (pod)`},
		{"the parameter of an aggregation", `quantile by (pod) (scalar(max(http_requests_total)) * 0, http_requests_total)`},
		{"behind label_replace", `label_replace(sum by (pod, namespace) (http_requests_total), "namespace", "shop", "", "")`},
		{"absent", `absent(http_requests_total{pod="none"})`},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPrometheus(t, shop, 20*time.Minute)
			c := p.catalog(owned("shop", "rules.yaml", "rules:\n- seriesQuery: http_requests_total\n  resources: {template: <<.Resource>>}\n  name: {as: hits}\n  metricsQuery: '"+test.query+"'\n"))
			q, err := c.Query(metricrule.Request{Resource: pods, Namespace: "shop", Metric: "hits", All: true})
			if err != nil {
				t.Fatal(err)
			}
			allBound(t, q.Expr, "shop")
			samples, err := p.query(q.Expr)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range samples {
				if s.Value == 80*150 || s.Value == 76*150 || s.Value == 150/15 {
					t.Errorf("%s returns what the bank's pod has: %v", q.Expr, s)
				}
			}
		})
	}
}

// allBound checks that every selector of a query has the matcher of the namespace.
func allBound(t testing.TB, query, namespace string) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	found := 0
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			found++
			if !strings.Contains(s.String(), `namespace="`+namespace+`"`) {
				t.Errorf("%s is not bound to %s, in %s", s, namespace, query)
			}
		}
		return nil
	})
	if found == 0 {
		t.Errorf("no selector in %s", query)
	}
}

func TestASourceWithANamespaceServesItOnly(t *testing.T) {
	const rule = "rules:\n- seriesQuery: '{__name__=~\"http_.*\"}'\n  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}, verb: {resource: node}}}\n  name: {as: hits}\n  metricsQuery: "
	p := newPrometheus(t, shop, 20*time.Minute)
	c := p.catalog(
		owned("shop", "rules.yaml", rule+`sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)`+"\n"),
		owned("bank", "rules.yaml", rule+`sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) * 1000`+"\n"),
	)
	for namespace, factor := range map[string]float64{"shop": 80 * 18, "bank": 80 * 150 * 1000} {
		got := p.values(c, metricrule.Request{Resource: pods, Namespace: namespace, Metric: "hits", Names: []string{"web-0"}})
		equal(t, got, []metricrule.Value{{Name: "web-0", Value: factor, Time: p.at}})
		got = p.values(c, metricrule.Request{Resource: namespaces, Metric: "hits", Names: []string{namespace}})
		if len(got) != 1 || got[0].Name != namespace {
			t.Errorf("of the namespace itself: %+v", got)
		}
	}
	for _, r := range []metricrule.Request{
		{Resource: pods, Namespace: "other", Metric: "hits", All: true},
		{Resource: nodes, Metric: "hits", Names: []string{"GET"}},
		{Resource: namespaces, Metric: "hits", Names: []string{"other"}},
	} {
		if q, err := c.Query(r); err == nil {
			t.Errorf("%+v is asked as %s", r, q.Expr)
		}
	}
	for _, m := range c.Custom() {
		if m.Resource == nodes {
			t.Errorf("a namespace says something about nodes: %v", m)
		}
	}
	for _, d := range mustSet(t, owned("shop", "rules.yaml", rule+"sum(<<.Series>>)\n")).Discoveries() {
		if want := `{__name__=~"http_.*",namespace="shop"}`; d.Matcher != want {
			t.Errorf("discovery asks %s, want %s", d.Matcher, want)
		}
	}
}

// A caller that wants all names some object, for templates that need one: that is no namespace whose rules are asked.
func TestAllNamespacesAreTheOperatorsToAnswer(t *testing.T) {
	const rule = "rules:\n- seriesQuery: http_requests_total\n  resources: {template: <<.Resource>>}\n  name: {as: hits}\n  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)"
	p := newPrometheus(t, strings.ReplaceAll(shop, `namespace="bank"`, `namespace="any"`), 20*time.Minute)
	c := p.catalog(operator(rule+"\n"), owned("any", "rules.yaml", rule+" * 1000\n"))
	got := p.values(c, metricrule.Request{Resource: namespaces, Metric: "hits", Names: []string{"any"}, All: true})
	if len(got) != 2 || got[0].Name != "any" || got[0].Value != 80*150 {
		t.Errorf("got %+v", got)
	}
}

func mustSet(t *testing.T, sources ...metricrule.Source) *metricrule.Set {
	t.Helper()
	set, problems := metricrule.Load(metricrule.Options{}, sources...)
	for _, p := range problems {
		t.Fatal(p)
	}
	return set
}

func TestK12MetricsThatTwoRulesOrSeriesMakeAreErrorsThatNameBoth(t *testing.T) {
	p := newPrometheus(t, `
load 15s
  {"a.b",namespace="shop",pod="web-0"} 1x80
  a_b{namespace="shop",pod="web-0"} 2x80
  alone{namespace="shop",pod="web-0"} 3x80
`, 20*time.Minute)
	const rule = "- seriesQuery: '{namespace!=\"\"}'\n  resources: {template: <<.Resource>>}\n  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)\n"
	request := metricrule.Request{Resource: pods, Namespace: "shop", Metric: "a_b", All: true}

	c := p.catalog(operator("rules:\n" + rule))
	_, err := c.Query(request)
	if want := `two rules make this metric: rules.yaml:2:3 of the series "a.b" and rules.yaml:2:3 of the series "a_b"`; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	request.Metric = "alone"
	equal(t, p.values(c, request), []metricrule.Value{{Name: "web-0", Value: 3, Time: p.at}})

	twice := "- seriesQuery: alone\n  resources: {template: <<.Resource>>}\n  name: {as: alone}\n  metricsQuery: max(alone)\n"
	c = p.catalog(operator("rules:\n" + rule + twice))
	_, err = c.Query(request)
	if want := `two rules make this metric: rules.yaml:2:3 of the series "alone" and rules.yaml:5:3 of the series "alone"`; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if problems := c.Problems(); !slices.ContainsFunc(problems, func(s string) bool { return strings.Contains(s, "pods/alone: two rules") }) {
		t.Errorf("the conflict is not told: %q", problems)
	}

	c = p.catalog(operator("rules:\n"+rule), owned("bank", "configmap bank/rules: rules.yaml", "rules:\n"+twice))
	equal(t, p.values(c, request), []metricrule.Value{{Name: "web-0", Value: 3, Time: p.at}})
}

func TestTwoOverridesOfOneResourceAreAnError(t *testing.T) {
	p := newPrometheus(t, shop, 20*time.Minute)
	c := p.catalog(operator("rules:\n- seriesQuery: http_requests_total\n  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}, service: {resource: pods}}}\n" +
		"  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)\n"))
	_, err := c.Query(metricrule.Request{Resource: pods, Namespace: "shop", Metric: "http_requests_total", All: true})
	if want := "rules.yaml:2:3: the overrides pod and service name one resource, pods"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
