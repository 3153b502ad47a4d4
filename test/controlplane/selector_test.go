package controlplane

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// foreign is a value that only the other tenant has.
const foreign = "424242"

func TestK6NoSelectorReadsAnotherNamespace(t *testing.T) {
	t.Parallel()
	c := running(t)
	theAdapter(t, c)
	together(t)
	mine, theirs := newTenant(t, c, "k6", 1, "k6_load", "k6_total"), newTenant(t, c, "k6-other", 1, "k6_load")
	// The tenant writes its own rules: a query that asks for all must not get all.
	mine.ruleText(t, `rules:
- seriesQuery: k6_load
  resources: {template: "<<.Resource>>"}
  metricsQuery: max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
- seriesQuery: k6_load
  resources: {template: "<<.Resource>>"}
  name: {as: k6_total}
  metricsQuery: max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) + on() group_left() max(k6_load)
- seriesQuery: k6_load{namespace=~".*"}
  resources: {template: "<<.Resource>>"}
  name: {as: k6_any}
  metricsQuery: max(k6_load{namespace=~".+"}) by (<<.GroupBy>>)
`)
	expose(t, append(mine.series("k6_load", 1, "1"), theirs.series("k6_load", 1, foreign)...)...)
	mine.awaitValues(t, "k6_load", 1)
	theirs.awaitValues(t, "k6_load", 1)
	if got := mine.awaitValues(t, "k6_total", 1)[0].Value; got != "2" {
		t.Errorf("1 and the maximum of the namespace are %s", got)
	}
	if got := mine.awaitValues(t, "k6_any", 1)[0].Value; got != "1" {
		t.Errorf("any namespace answers %s", got)
	}

	base := "/apis/custom.metrics.k8s.io/v1beta2/namespaces/"
	for i, injected := range []string{
		`"} or up{x="`, `k6-other"`, `k6",namespace="k6-other`, `k6|k6-other`, `.*`, `k6-other`, `*`, `..`, `../k6-other`, `k6%22%7D%20or%20k6_load%7Bx%3D%22`,
		"k6\x00", "k6\n", `k6\"} or k6_load{namespace=\"k6-other`, "`} or k6_load{x=`", `'} or k6_load{x='`, `<<.Series>>`, `{{.}}`, `$1`, `__truecount__`,
	} {
		quoted := url.PathEscape(injected)
		for _, path := range []string{
			base + "k6/pods/*/k6_load?labelSelector=" + url.QueryEscape("app="+injected),
			base + "k6/pods/*/k6_load?labelSelector=" + url.QueryEscape("app in ("+injected+")"),
			base + "k6/pods/*/k6_load?metricLabelSelector=" + url.QueryEscape("namespace="+injected),
			base + "k6/pods/*/k6_load?metricLabelSelector=" + url.QueryEscape("namespace in (k6-other,"+injected+")"),
			base + "k6/pods/*/k6_load?metricLabelSelector=" + url.QueryEscape(injected+"=1"),
			base + "k6/pods/" + quoted + "/k6_load",
			base + "k6/pods/*/" + quoted,
			base + "k6/pods/*/k6_load" + quoted,
			base + "k6/" + quoted + "/web-0/k6_load",
		} {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				out, problem := mine.get(t, path)
				if strings.Contains(out, foreign) || strings.Contains(problem, foreign) {
					t.Errorf("%s reads the other namespace: %s%s", path, out, problem)
				}
			})
		}
	}
	// And it is there to be read.
	if items, problem := theirs.values(t, "k6_load"); problem != "" || items[0].Value != foreign {
		t.Errorf("the other tenant reads %v %s", items, problem)
	}
}
