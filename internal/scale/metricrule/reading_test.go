package metricrule_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/metricrule"
)

// loads are samples of a metric m of one pod each, in the namespace shop: 20 minutes long unless they end.
var loads = `
load 15s
  m{namespace="shop",pod="fresh"} 5x80
  m{namespace="shop",pod="zero"} 0x80
  m{namespace="shop",pod="quiet"} 7x61
  m{namespace="shop",pod="ended"} 7x70 stale
  m{namespace="shop",pod="nan"} ` + strings.Repeat("NaN ", 81) + `
  m{namespace="shop",pod="infinite"} ` + strings.Repeat("+Inf ", 81) + `
  c_total{namespace="shop",pod="fresh"} 0+15x80
  c_total{namespace="shop",pod="quiet"} 0+15x76
  gone_total{namespace="shop",pod="fresh"} 0+15x40
  c_total{namespace="shop",pod="ended"} 0+15x76 stale
`

func values(t *testing.T, query string, maxAge time.Duration) []metricrule.Value {
	t.Helper()
	p := newPrometheus(t, loads, 20*time.Minute)
	c := p.catalog(operator("rules:\n- seriesQuery: m\n  resources: {template: <<.Resource>>}\n  metricsQuery: '" + query + "'\n"))
	q, err := c.Query(metricrule.Request{Resource: pods, Namespace: "shop", Metric: "m", All: true})
	if err != nil {
		t.Fatal(err)
	}
	samples, err := p.query(q.Expr)
	if err != nil {
		t.Fatal(err)
	}
	return q.Read(samples, p.at, maxAge)
}

// short writes values as name: number@age, or name: error.
func short(list []metricrule.Value) map[string]string {
	out := map[string]string{}
	for _, v := range list {
		if v.Err != nil {
			out[v.Name] = v.Err.Error()
			continue
		}
		out[v.Name] = time.Duration(v.Value*float64(time.Second)).Round(100*time.Microsecond).String() + "@" + time.Unix(1200, 0).Sub(v.Time).String()
	}
	return out
}

func TestK2K3AValueIsTrueAndOfItsOwnTimeOrAnErrorWithTheReason(t *testing.T) {
	got := short(values(t, `sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)`, 4*time.Minute))
	equal(t, got, map[string]string{
		"fresh": "5s@0s", "zero": "0s@0s", "nan": "the value is NaN", "infinite": "the value is infinite",
		"quiet": "the newest sample is 4m45s old, and older than 4m0s is not taken",
	})
	got = short(values(t, `sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)`, 0))
	if got["quiet"] != "7s@4m45s" {
		t.Errorf("without a limit: %q", got["quiet"])
	}
}

func TestTheTimeOfAValueIsThatOfTheNewestSampleBehindIt(t *testing.T) {
	for _, test := range []struct {
		name, query string
		want        map[string]string
	}{
		{"a rate", `sum(rate(c_total{<<.LabelMatchers>>}[2m])) by (<<.GroupBy>>)`,
			// The one that ended has no newest sample any more: one failed scrape must not be an error, and it is in the range.
			map[string]string{"fresh": "1s@0s", "quiet": "562.5ms@1m0s", "ended": "562.5ms@2m0s"}},
		{"moved on purpose", `sum(rate(c_total{<<.LabelMatchers>>,pod="fresh"}[2m] offset 5m)) by (<<.GroupBy>>)`, map[string]string{"fresh": "1s@0s"}},
		{"two parts", `sum(m{<<.LabelMatchers>>,pod="fresh"}) by (<<.GroupBy>>) + on (<<.GroupBy>>) sum(m{<<.LabelMatchers>>} offset 0s) by (<<.GroupBy>>)`,
			map[string]string{"fresh": "10s@0s"}},
		{"two parts of one object, the older one counts", `sum(m{<<.LabelMatchers>>,pod="quiet"}) by (<<.GroupBy>>) + on (<<.GroupBy>>) sum(increase(c_total{<<.LabelMatchers>>}[15m])) by (<<.GroupBy>>) * 0`,
			map[string]string{"quiet": "7s@4m45s"}},
		{"two parts, of which one is in its range only", `sum(rate(c_total{<<.LabelMatchers>>,pod="fresh"}[2m])) by (<<.GroupBy>>) + on (<<.GroupBy>>) sum(rate(gone_total{<<.LabelMatchers>>}[15m])) by (<<.GroupBy>>) * 0`,
			map[string]string{"fresh": "1s@15m0s"}},
		{"one part or another", `sum(rate(c_total{<<.LabelMatchers>>,pod="fresh"}[2m])) by (<<.GroupBy>>) or sum(rate(gone_total{<<.LabelMatchers>>}[15m])) by (<<.GroupBy>>)`,
			map[string]string{"fresh": "1s@0s"}},
		{"unless something is", `sum(rate(c_total{<<.LabelMatchers>>,pod="fresh"}[2m])) by (<<.GroupBy>>) + on (<<.GroupBy>>) sum(rate(gone_total{<<.LabelMatchers>>}[15m])) by (<<.GroupBy>>) * 0 unless on (<<.GroupBy>>) m{<<.LabelMatchers>>,pod="quiet"}`,
			map[string]string{"fresh": "1s@15m0s"}},
		{"unless something was", `sum(rate(c_total{<<.LabelMatchers>>,pod="fresh"}[2m])) by (<<.GroupBy>>) unless sum(rate(gone_total{<<.LabelMatchers>>,pod="quiet"}[15m])) by (<<.GroupBy>>)`,
			map[string]string{"fresh": "1s@0s"}},
		{"a subquery", `max by (<<.GroupBy>>) (max_over_time(m{<<.LabelMatchers>>,pod="fresh"}[5m:1m]))`, map[string]string{"fresh": "5s@0s"}},
		{"another label", `sum by (pod) (label_replace(m{<<.LabelMatchers>>,pod="quiet"}, "pod", "renamed", "", ""))`, map[string]string{"renamed": "7s@0s"}},
		{"the label of another object", `sum by (pod) (label_replace(m{<<.LabelMatchers>>,pod="fresh"}, "pod", "quiet", "", "") or m{<<.LabelMatchers>>,pod="zero"} or m{<<.LabelMatchers>>,pod="quiet"} > 8)`,
			map[string]string{"quiet": "5s@0s", "zero": "0s@0s"}},
		{"a fixed time", `sum by (pod) (m{<<.LabelMatchers>>,pod="fresh"} @ end())`, map[string]string{"fresh": "5s@0s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			equal(t, short(values(t, test.query, 0)), test.want)
		})
	}
}

func TestK3EachSeriesOfAnExternalMetricHasATimeOfItsOwn(t *testing.T) {
	const queues = `
load 15s
  depth{namespace="shop",queue="a",shard="1"} 5x80
  depth{namespace="shop",queue="a",shard="2"} 1x61
  depth{namespace="shop",queue="b",shard="1"} 7x61
  jobs_total{namespace="shop",queue="a",shard="1"} 0+15x80
  jobs_total{namespace="shop",queue="b",shard="1"} 0+15x61
`
	p := newPrometheus(t, queues, 20*time.Minute)
	const old = "the newest sample is 4m45s old, and older than 4m0s is not taken"
	for name, test := range map[string]struct {
		query string
		want  map[string]string // by queue and shard
	}{
		"all that there are":     {`depth{<<.LabelMatchers>>}`, map[string]string{"a1": "5 0s", "a2": old, "b1": old}},
		"moved on purpose":       {`depth{<<.LabelMatchers>>} offset 1m`, map[string]string{"a1": "5 0s", "a2": "1 3m45s", "b1": "7 3m45s"}},
		"rates":                  {`-(rate(jobs_total{<<.LabelMatchers>>}[10m])) * 2`, map[string]string{"a1": "-2 0s", "b1": old}},
		"by queue":               {`sum by (queue) (depth{<<.LabelMatchers>>})`, map[string]string{"a": "6 0s", "b": old}},
		"by queue, twice":        {`max by (queue) (sum by (queue, shard) (depth{<<.LabelMatchers>>}))`, map[string]string{"a": "5 0s", "b": old}},
		"the largest":            {`topk(1, depth{<<.LabelMatchers>>})`, map[string]string{"b1": old}},
		"in proportion":          {`sum by (queue) (depth{<<.LabelMatchers>>}) / sum by (queue) (depth{<<.LabelMatchers>>})`, map[string]string{"a": "1 0s", "b": old}},
		"of each, in proportion": {`depth{<<.LabelMatchers>>} / depth{<<.LabelMatchers>>}`, map[string]string{"a1": "1 0s", "a2": old, "b1": old}},
		"in all":                 {`sum(depth{<<.LabelMatchers>>})`, map[string]string{"": "13 0s"}},
		"by what is not theirs":  {`label_replace(depth{<<.LabelMatchers>>,queue="b"}, "queue", "c", "", "")`, map[string]string{"c1": old}},
		"without a label":        {`sum without (shard, namespace) (depth{<<.LabelMatchers>>})`, map[string]string{"a": "6 0s", "b": "7 0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := p.catalog(operator("externalRules:\n- seriesQuery: depth\n  resources: {template: <<.Resource>>}\n  metricsQuery: '" + test.query + "'\n"))
			q, err := c.ExternalQuery(metricrule.ExternalRequest{Namespace: "shop", Metric: "depth"})
			if err != nil {
				t.Fatal(err)
			}
			samples, err := p.query(q.Expr)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, v := range q.Read(samples, p.at, 4*time.Minute) {
				said := fmt.Sprintf("%.4g %s", v.Value, p.at.Sub(v.Time))
				if v.Err != nil {
					said = v.Err.Error()
				}
				got[v.Labels.Get("queue")+v.Labels.Get("shard")] = said
			}
			equal(t, got, test.want)
		})
	}
}

func TestSeveralSeriesOfOneObjectAreAnErrorWithAHint(t *testing.T) {
	p := newPrometheus(t, shop, 20*time.Minute)
	c := p.catalog(operator("rules:\n- seriesQuery: http_requests_total\n  resources: {template: <<.Resource>>}\n  metricsQuery: <<.Series>>{<<.LabelMatchers>>}\n"))
	got := p.values(c, metricrule.Request{Resource: pods, Namespace: "shop", Metric: "http_requests_total", All: true})
	if len(got) != 2 || got[0].Err == nil || got[0].Err.Error() != "the query gives 2 series for web-0" || hint.Of(got[0].Err) == "" || got[1].Err != nil {
		t.Errorf("got %+v", got)
	}
	if err := metricrule.FirstError(got); err == nil || err.Error() != "web-0: the query gives 2 series for web-0" || hint.Of(err) == "" {
		t.Errorf("the first error is %v", err)
	}
}

func TestASampleOfAnotherNamespaceOrOfNoObjectIsLeftOut(t *testing.T) {
	p := newPrometheus(t, shop, 20*time.Minute)
	// The operator's query does not use the matchers.
	c := p.catalog(operator("rules:\n- seriesQuery: http_requests_total\n  resources: {template: <<.Resource>>}\n  metricsQuery: sum(http_requests_total) by (namespace, pod) or vector(1)\n"))
	got := p.values(c, metricrule.Request{Resource: pods, Namespace: "bank", Metric: "http_requests_total", All: true})
	equal(t, got, []metricrule.Value{{Name: "web-0", Value: 80 * 150, Time: p.at}})
}

func TestAnAnswerWithoutTimesIsTakenAsOfNow(t *testing.T) {
	q := &metricrule.Query{Label: "pod"}
	at := time.Unix(1000, 0)
	got := q.Read([]metricrule.Sample{{Labels: labelsOf("pod", "a"), Time: at, Value: 1}, {Labels: labelsOf("pod", "b"), Time: at, Value: math.Inf(-1)}}, at, time.Second)
	if len(got) != 2 || got[0] != (metricrule.Value{Name: "a", Value: 1, Time: at}) || got[1].Err == nil {
		t.Errorf("got %+v", got)
	}
}
