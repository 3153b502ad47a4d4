package metricrule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

const clicksApplication = `apiVersion: truecount/v1alpha1
kind: Application
metadata: {name: clicks, namespace: shop}
spec:
  command: [clicks]
  signals:
    hits: {query: 'sum by (pod) (rate(http_requests_total[2m]))'}
    total: {query: 'sum(http_requests_total)'}
    depth: {query: 'sum(queue_depth)'}
    unused: {query: 'avg by (pod) (http_requests_total)'}
  scale:
    max: 3
    on: [{signal: hits, averageValue: 10m}, {signal: total, averageValue: 10}, {signal: depth, value: 10}]
`

func TestTheSignalsOfAnApplicationAreMetricsWithoutAnySeries(t *testing.T) {
	p := newPrometheus(t, shop, 20*time.Minute)
	c := p.catalog(owned("shop", "clicks.yaml", clicksApplication))
	var custom []string
	for _, m := range c.Custom() {
		custom = append(custom, m.Resource.String()+"/"+m.Name)
	}
	equal(t, custom, []string{"pods/hits", "pods/unused"})
	equal(t, c.External(), []string{"depth", "total"})

	got := p.values(c, metricrule.Request{Resource: pods, Namespace: "shop", Metric: "hits", All: true})
	equal(t, got, []metricrule.Value{{Name: "web-0", Value: 18. / 15, Time: p.at}, {Name: "web-1", Value: 2, Time: p.at}})
	q, err := c.ExternalQuery(metricrule.ExternalRequest{Namespace: "shop", Metric: "total"})
	if err != nil {
		t.Fatal(err)
	}
	allBound(t, q.Expr, "shop")
	for _, r := range []metricrule.Request{
		{Resource: pods, Namespace: "bank", Metric: "hits", All: true},
		{Resource: pods, Namespace: "shop", Metric: "hits", All: true, Selector: selector(t, "verb=GET")},
	} {
		if q, err := c.Query(r); err == nil {
			t.Errorf("%+v is asked as %s", r, q.Expr)
		}
	}
}

func TestAnApplicationBelongsToTheNamespaceOfItsSource(t *testing.T) {
	_, problems := metricrule.Load(metricrule.Options{}, owned("bank", "clicks.yaml", clicksApplication))
	want := "clicks.yaml:3:37: metadata.namespace: the application is in namespace shop and its source in bank, where only metrics of that namespace may come from"
	if len(problems) != 1 || problems[0].String() != want {
		t.Errorf("got %v\nwant %s", problems, want)
	}
	_, problems = metricrule.Load(metricrule.Options{}, owned("shop", "clicks.yaml", strings.Replace(clicksApplication, "max: 3", "max: -1", 1)))
	if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), "clicks.yaml:12:10: spec.scale.max: ") {
		t.Errorf("got %v", problems)
	}
	set := mustSet(t, operator(clicksApplication)) // the operator's own file: the application's namespace
	if r := set.Rules(); len(r) != 4 || r[0].Namespace != "shop" {
		t.Errorf("got %+v", r)
	}
}
