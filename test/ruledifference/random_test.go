package ruledifference

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	k8slabels "k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

var (
	configurations = flag.Int("configurations", 400, "random configurations")
	firstSeed      = flag.Uint64("first", 1, "seed of the first one")
)

func TestRandomConfigurations(t *testing.T) {
	var total seen
	for i := range *configurations {
		seed := *firstSeed + uint64(i)
		ok := t.Run(fmt.Sprint(seed), func(t *testing.T) {
			g := &generator{rand.New(rand.NewPCG(seed, 5))}
			series := g.series()
			c := compare(t, g.configuration(), mapper(), series, func(metric) []request { return g.requests() })
			total.configurations += c.configurations
			total.refused += c.refused
			total.metrics += c.metrics
			total.conflicts += c.conflicts
			total.requests += c.requests
			total.notCompared += c.notCompared
		})
		if !ok {
			break // the first one is enough to look at
		}
	}
	t.Logf("%+v", total)
	if n := total.configurations; n >= 400 && (total.metrics < 2*n || total.refused < n/50 || total.conflicts < n/20 || total.requests < 5*n || total.notCompared > total.requests/10) {
		t.Errorf("the configurations have become tame")
	}
}

type generator struct{ *rand.Rand }

func (g *generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g *generator) configuration() string {
	var b strings.Builder
	section := func(name string, external bool) {
		fmt.Fprintf(&b, "%s:\n", name)
		for range 1 + g.IntN(3) {
			g.rule(&b, external)
		}
	}
	section("rules", false)
	if g.IntN(2) == 0 {
		section("externalRules", true)
	}
	return b.String()
}

func (g *generator) rule(b *strings.Builder, external bool) {
	fmt.Fprintf(b, "- seriesQuery: '%s'\n", g.one(`{__name__=~"^http_.*"}`, `{__name__=~"^container_.*",container!="POD"}`, `http_requests_total`,
		`{namespace!="",__name__!~"^container_.*"}`, `{__name__=~"^(queue|http)_.*",pod!=""}`, `up{job="web"}`))
	if g.IntN(2) == 0 {
		fmt.Fprintf(b, "  seriesFilters: [%s]\n", g.one(`{isNot: "_total$"}`, `{is: "requests"}, {isNot: "^x"}`, `{is: "^http"}`, `{isNot: "(bytes|sum)"}`))
	}
	if g.IntN(40) == 0 {
		fmt.Fprintf(b, "  seriesFilters: [%s]\n", g.one(`{is: "a", isNot: "b"}`, `{}`, `{is: "("}`))
	}
	fmt.Fprintf(b, "  resources: %s\n", g.one(`{template: <<.Resource>>}`, `{template: "kube_<<.Resource>>"}`,
		`{overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}`,
		`{overrides: {kube_namespace: {resource: namespaces}, kube_pod: {resource: pods}, deployment: {group: apps, resource: deployment}}}`,
		`{template: <<.Resource>>, overrides: {kube_namespace: {resource: namespace}}}`,
		`{overrides: {namespace: {resource: namespace}, brand: {group: cheese.io, resource: brand}, node: {resource: node}}}`,
		`{template: "<<.Group>>_<<.Resource>>", overrides: {namespace: {resource: namespace}}}`))
	if g.IntN(3) > 0 {
		fmt.Fprintf(b, "  name: %s\n", g.one(`{matches: "^(.*)_total$"}`, `{matches: "^(.*)_total$", as: "${1}_per_second"}`, `{as: "my-metric"}`, `{matches: "", as: ""}`,
			`{matches: "^http_(?P<rest>.*)$", as: "web.${rest}"}`, `{matches: requests, as: "hits"}`, `{matches: "(http)_(.*)", as: "$2"}`, `{as: "a-$0"}`))
	} else if g.IntN(20) == 0 {
		fmt.Fprintf(b, "  name: %s\n", g.one(`{matches: "(a)(b)"}`, `{matches: "["}`))
	}
	query := g.one(`sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)`, `sum(rate(<<.Series>>{<<.LabelMatchers>>,container!="POD"}[2m])) by (<<.GroupBy>>)`,
		`max_over_time(<<.Series>>{<<.LabelMatchers>>}[5m:30s] offset 1m)`, `count(<<.Series>>{sharp="true"})`,
		`sum by (<<.GroupBy>>) (rate(<<.Series>>{<<.LabelMatchers>>}[1m])) / on (<<.GroupBy>>) group_left sum by (<<.GroupBy>>) (up{<<.LabelMatchers>>})`,
		`histogram_quantile(0.99, sum(rate({__name__="<<.Series>>",<<.LabelMatchers>>}[5m])) by (le, <<.GroupBy>>))`,
		`sum({__name__=~"<<.Series>>.*",<<.LabelMatchers>>}) by (<<range .GroupBySlice>><<.>><<end>>)`,
		`sum(<<.Series>>{<<range $k, $v := .LabelValuesByName>>my_<<$k>>=~"<<$v>>",<<end>>a="b"})`,
		`label_replace(<<.Series>>{<<.LabelMatchers>>}, "pod", "$1", "name", "(.*)")`, `avg(<<.Series>>{<<.LabelMatchers>>} @ end()) by (<<.GroupBy>>) > bool 1`)
	if g.IntN(60) == 0 {
		query = g.one(`<<.Series`, `<<if>>`)
	}
	if external {
		query = strings.ReplaceAll(query, " by (<<.GroupBy>>)", g.one("", " by (queue)"))
	}
	fmt.Fprintf(b, "  metricsQuery: '%s'\n", query)
}

func (g *generator) series() []labels.Labels {
	var out []labels.Labels
	for range 3 + g.IntN(12) {
		b := labels.NewBuilder(labels.FromStrings("__name__", g.one("http_requests_total", "http_requests", "http_request_duration_seconds_sum", "queue_depth",
			"container_cpu_usage_seconds_total", "container_memory_bytes", "up", "http_a:b", "cheddar")))
		for _, label := range []string{"namespace", "pod", "kube_namespace", "kube_pod", "deployment", "node", "brand", "job", "apps_deployment", "_service", "persistentvolume", "unknown"} {
			if g.IntN(3) == 0 {
				b.Set(label, g.one("web", "x", "POD"))
			}
		}
		out = append(out, b.Labels())
	}
	return out
}

func (g *generator) requests() []request {
	var out []request
	for range 3 {
		r := request{namespace: "shop", all: g.IntN(2) == 0, selector: g.selector()}
		for i := range 2 + g.IntN(2) {
			r.names = append(r.names, fmt.Sprintf("web%s%d", g.one("-", "."), i))
		}
		if !r.all {
			r.names = r.names[:1+g.IntN(len(r.names))]
		}
		out = append(out, r)
	}
	return out
}

func (g *generator) selector() k8slabels.Selector {
	s := k8slabels.NewSelector()
	for i := range g.IntN(3) {
		operator, values := selection.Exists, []string(nil)
		switch g.IntN(6) {
		case 0:
			operator = selection.DoesNotExist
		case 1:
			operator, values = selection.In, []string{"a.b", "c"}[:1+g.IntN(2)]
		case 2:
			operator, values = selection.NotIn, []string{"d", "e.f"}[:1+g.IntN(2)]
		case 3:
			operator, values = selection.Equals, []string{"g.h"}
		case 4:
			operator, values = selection.NotEquals, []string{"i"}
		}
		requirement, err := k8slabels.NewRequirement(fmt.Sprintf("%s%d", g.one("zone", "verb"), i), operator, values)
		if err != nil {
			panic(err)
		}
		s = s.Add(*requirement)
	}
	return s
}
