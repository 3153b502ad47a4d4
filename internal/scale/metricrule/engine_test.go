package metricrule_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

var (
	pods       = schema.GroupResource{Resource: "pods"}
	namespaces = schema.GroupResource{Resource: "namespaces"}
	nodes      = schema.GroupResource{Resource: "nodes"}
)

// prometheus is a real engine over samples that a test gives in promqltest's language.
type prometheus struct {
	t      testing.TB
	engine *promql.Engine
	store  storage.Queryable
	at     time.Time
}

func newPrometheus(t testing.TB, load string, at time.Duration) *prometheus {
	t.Helper()
	store := promqltest.LoadedStorage(t, load)
	t.Cleanup(func() { store.Close() })
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true, Parser: parser.NewParser(parser.Options{})})
	t.Cleanup(func() { engine.Close() })
	return &prometheus{t: t, engine: engine, store: store, at: time.Unix(0, 0).Add(at)}
}

// query asks one instant query.
func (p *prometheus) query(expr string) ([]metricrule.Sample, error) {
	q, err := p.engine.NewInstantQuery(context.Background(), p.store, nil, expr, p.at)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	result := q.Exec(context.Background())
	if result.Err != nil {
		return nil, result.Err
	}
	vector, err := result.Vector()
	if err != nil {
		return nil, err
	}
	out := make([]metricrule.Sample, len(vector))
	for i, s := range vector {
		out[i] = metricrule.Sample{Labels: s.Metric, Time: time.UnixMilli(s.T), Value: s.F}
	}
	return out, nil
}

// found answers the discoveries of a set.
func (p *prometheus) found(set *metricrule.Set) map[metricrule.Discovery]*metricrule.Found {
	p.t.Helper()
	out := map[metricrule.Discovery]*metricrule.Found{}
	for _, d := range set.Discoveries() {
		f := &metricrule.Found{}
		for _, series := range p.series(d.Matcher) {
			f.Add(series)
		}
		out[d] = f
	}
	return out
}

func (p *prometheus) series(matcher string) []labels.Labels {
	p.t.Helper()
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(matcher)
	if err != nil {
		p.t.Fatalf("%s: %v", matcher, err)
	}
	q, err := p.store.Querier(0, p.at.UnixMilli())
	if err != nil {
		p.t.Fatal(err)
	}
	defer q.Close()
	var out []labels.Labels
	set := q.Select(context.Background(), true, nil, matchers...)
	for set.Next() {
		out = append(out, set.At().Labels())
	}
	if set.Err() != nil {
		p.t.Fatal(set.Err())
	}
	return out
}

// catalog loads one source and makes its catalog; mistakes end the test.
func (p *prometheus) catalog(sources ...metricrule.Source) *metricrule.Catalog {
	p.t.Helper()
	set, problems := metricrule.Load(metricrule.Options{}, sources...)
	for _, problem := range problems {
		p.t.Fatal(problem)
	}
	return metricrule.NewCatalog(set, metricrule.KnownResources(), p.found(set))
}

// operator is a source that may do all.
func operator(text string) metricrule.Source {
	return metricrule.Source{Name: "rules.yaml", Data: []byte(text)}
}

// values asks for a metric and reads the answer.
func (p *prometheus) values(c *metricrule.Catalog, r metricrule.Request) []metricrule.Value {
	p.t.Helper()
	q, err := c.Query(r)
	if err != nil {
		p.t.Fatal(err)
	}
	samples, err := p.query(q.Expr)
	if err != nil {
		p.t.Fatalf("%s: %v", q.Expr, err)
	}
	return q.Read(samples, p.at, 5*time.Minute)
}
