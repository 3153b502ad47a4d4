package metricrule_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	k8slabels "k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// FuzzLoad reads any text as the operator's rules and as a tenant's: what is served then makes queries that can be parsed, the
// tenant's bound to its namespace, and mistakes have their place.
func FuzzLoad(f *testing.F) {
	values, err := os.ReadFile("../../../deploy/clicks/helm-values/prometheus-adapter.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(values), webRule, clicksApplication, "rules: {default: true}", "externalRules:\n- seriesQuery: a\n  metricsQuery: b{<<.LabelMatchers>>}\n",
		"resourceRules: {window: 1m}\n", "rules: [*a]", "rules:\n- &a {seriesQuery: a, metricsQuery: 'a{b=\"<<.LabelValuesByName.pod>>\"}', resources: {template: <<.Resource>>}}\n- *a\n"} {
		f.Add(seed)
	}
	series := []labels.Labels{labels.FromStrings("__name__", "http_requests_total", "namespace", "shop", "pod", "a"), labels.FromStrings("__name__", "a.b", "namespace", "shop", "pod", "a")}
	f.Fuzz(func(t *testing.T, text string) {
		for _, namespace := range []string{"", "shop"} {
			set, problems := metricrule.Load(metricrule.Options{}, metricrule.Source{Name: "fuzz.yaml", Namespace: namespace, Data: []byte(text)})
			for _, p := range problems {
				if p.Err.Line < 1 || p.Err.Column < 1 || strings.Contains(p.String(), "\n") {
					t.Errorf("no place, or several lines: %q", p)
				}
			}
			found := map[metricrule.Discovery]*metricrule.Found{}
			for _, d := range set.Discoveries() {
				found[d] = &metricrule.Found{}
				for _, s := range series {
					found[d].Add(s)
				}
			}
			c := metricrule.NewCatalog(set, metricrule.KnownResources(), found)
			c.Problems()
			for _, m := range c.Custom() {
				r := metricrule.Request{Resource: m.Resource, Metric: m.Name, Names: []string{"a"}, All: true}
				if metricrule.Namespaced(m.Resource) {
					r.Namespace = "shop"
				}
				if q, err := c.Query(r); err == nil {
					parses(t, q.Expr)
					if namespace != "" {
						allBoundIfAny(t, q.Expr, namespace)
					}
				}
			}
			for _, name := range c.External() {
				if q, err := c.ExternalQuery(metricrule.ExternalRequest{Namespace: "shop", Metric: name}); err == nil {
					parses(t, q.Expr)
				}
			}
		}
	})
}

func parses(t *testing.T, query string) {
	t.Helper()
	if _, err := parser.NewParser(parser.Options{}).ParseExpr(query); err != nil {
		t.Errorf("the server refuses %s: %v", query, err)
	}
}

func allBoundIfAny(t *testing.T, query, namespace string) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		return // told by parses
	}
	for _, s := range parser.ExtractSelectors(expr) {
		bound := false
		for _, m := range s {
			bound = bound || m.Name == "namespace" && m.Type == labels.MatchEqual && m.Value == namespace
		}
		if !bound {
			t.Errorf("%v is not bound to %s, in %s", s, namespace, query)
		}
	}
}

// FuzzK6ARequestNeverReachesAnotherNamespace asks with any namespace, name and selector: every selector of the query has the namespace's
// matcher as it was asked, and a real engine with the samples of two tenants returns nothing of the other one.
func FuzzK6ARequestNeverReachesAnotherNamespace(f *testing.F) {
	for _, attack := range []string{`shop`, "a__truecount_value99__b", "a__truecount_value0__b", "a__truecount_name99__b", `"} or up{x="`, `shop"} or http_requests_total{namespace="bank`, `.*`, `shop|bank`, "\\", "\x00", "bank", "__truecount_value0__", "__truecount_matchers__", "", "a\nb", `'`, "\xff"} {
		f.Add(attack, "web-0", "verb", "GET")
		f.Add("shop", attack, "verb", "GET")
		f.Add("shop", "web-0", attack, "GET")
		f.Add("shop", "web-0", "verb", attack)
	}
	queries := []string{
		`sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)`,
		`sum(http_requests_total{<<.LabelMatchers>>,verb=~".*|<<.LabelValuesByName.verb>>"}) by (pod) + on (pod) sum(rate(http_requests_total{<<.LabelMatchers>>}[1m])) by (pod)`,
		`sum(http_requests_total{namespace="<<.LabelValuesByName.namespace>>",pod=~"<<.LabelValuesByName.pod>>"<<range $k, $v := .LabelValuesByName>>,<<$k>>=~"<<$v>>"<<end>>}) by (pod)`,
	}
	p := newPrometheus(f, shop, 20*time.Minute)
	f.Fuzz(func(t *testing.T, namespace, name, label, value string) {
		for i, query := range queries {
			for _, tenant := range []string{"", namespace} {
				set, problems := metricrule.Load(metricrule.Options{}, metricrule.Source{Name: fmt.Sprint(i), Namespace: tenant, Data: []byte(
					"rules:\n- seriesQuery: http_requests_total\n  resources: {template: <<.Resource>>}\n  name: {as: hits}\n  metricsQuery: '" + query + "'\n")})
				if len(problems) > 0 {
					t.Fatal(problems)
				}
				found := map[metricrule.Discovery]*metricrule.Found{}
				for _, d := range set.Discoveries() {
					found[d] = &metricrule.Found{}
					found[d].Add(labels.FromStrings("__name__", "http_requests_total", "namespace", "shop", "pod", "web-0"))
				}
				c := metricrule.NewCatalog(set, metricrule.KnownResources(), found)
				for _, all := range []bool{true, false} {
					q, err := c.Query(metricrule.Request{Resource: pods, Namespace: namespace, Metric: "hits", Names: []string{name, "x"}, All: all, Selector: anySelector(label, value)})
					if err != nil {
						continue
					}
					allBoundIfAny(t, q.Expr, namespace)
					samples, err := p.query(q.Expr)
					if err != nil {
						continue // refused as a whole
					}
					for _, v := range q.Read(samples, p.at, 0) {
						if namespace != "bank" && v.Value >= 80*150 {
							t.Errorf("%q %q %q %q reads the bank's %v by %s", namespace, name, label, value, v, q.Expr)
						}
						if namespace != "shop" && namespace != "bank" {
							t.Errorf("%q reads %v by %s", namespace, v, q.Expr)
						}
					}
				}
			}
		}
	})
}

// anySelector is a selector that no validation has seen: requests come through the API server's, which this package does not rely on.
type unchecked struct {
	k8slabels.Selector
	requirements k8slabels.Requirements
}

func (u unchecked) Requirements() (k8slabels.Requirements, bool) { return u.requirements, true }

func anySelector(label, value string) k8slabels.Selector {
	for _, values := range [][]string{{value}, {"GET"}} {
		for _, name := range []string{label, "verb"} {
			if r, err := k8slabels.NewRequirement(name, selection.In, values); err == nil {
				return unchecked{k8slabels.Everything(), k8slabels.Requirements{*r}}
			}
		}
	}
	return nil
}
