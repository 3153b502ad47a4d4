package metricsapi

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/internal/scale/metricrule"
)

// query writes the query of a request, which the rules of a namespace answer.
func (a *API) query(p *published, home string, request metricrule.Request) (*metricrule.Query, error) {
	return written(p, home, request.Selector, func(selector labels.Selector) (*metricrule.Query, error) {
		request.Selector = selector
		return p.catalog.Query(request)
	})
}

// externalQuery is query for external metrics.
func (a *API) externalQuery(p *published, request metricrule.ExternalRequest) (*metricrule.Query, error) {
	return written(p, request.Namespace, request.Selector, func(selector labels.Selector) (*metricrule.Query, error) {
		request.Selector = selector
		return p.catalog.ExternalQuery(request)
	})
}

// written returns the query that write gives for a selector of series. If there is one only without the selector, that is what is wrong with
// the request, and else the rule is.
func written(p *published, namespace string, selector labels.Selector, write func(labels.Selector) (*metricrule.Query, error)) (*metricrule.Query, error) {
	q, err := write(selector)
	if err != nil && selector != nil && !selector.Empty() {
		if _, other := write(nil); other == nil {
			return nil, &failure{badRequest, err}
		}
	}
	return q, queryError(p, namespace, err)
}

// queryError says why there is no query. A metric that is not known may be one whose series the servers have not told of yet.
func queryError(p *published, namespace string, err error) error {
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, metricrule.ErrUnknownMetric):
		return &failure{conflict, err}
	}
	if why := p.missing.in(namespace); why != nil {
		return failf(notKnownYet, "%w, but not all that the servers have is known yet: %w", err, why)
	}
	return &failure{noMetric, err}
}

// values asks a query. Those who ask the same at the same moment share the server's answer.
func (a *API) values(ctx context.Context, q *metricrule.Query) ([]metricrule.Value, error) {
	server, known := a.o.Servers[q.Server]
	if !known {
		return nil, failf(conflict, "%w", hint.Errorf("give --prometheus-server "+q.Server+"=URL", "%s: there is no server %s", q.Rule.Origin, q.Server))
	}
	var first atomic.Bool // the flight may outlast a caller that leaves
	samples, err := a.queries.do(ctx, q.Server+"\x00"+q.Expr, func(ctx context.Context) ([]promapi.Sample, error) {
		first.Store(true)
		return server.Query(ctx, q.Expr, time.Time{})
	})
	by := "request"
	if first.Load() {
		by = "server"
	}
	a.o.Metrics.shared.WithLabelValues(by).Inc()
	if err != nil {
		return nil, err
	}
	return q.Read(readable(samples), evaluated(samples, a.o.Now()), a.o.ValueMaxAge), nil
}

// evaluated is when the server evaluated a query, by its own clock: a difference between its clock and ours makes no sample old.
func evaluated(samples []promapi.Sample, now time.Time) time.Time {
	if len(samples) > 0 {
		return samples[0].Time
	}
	return now
}

func readable(samples []promapi.Sample) []metricrule.Sample {
	out := make([]metricrule.Sample, len(samples))
	for i, s := range samples {
		out[i] = metricrule.Sample{Labels: s.Labels, Time: s.Time, Value: s.Value}
	}
	return out
}

// checked returns the quantity of a value, or why there is none, with the name of the object.
func checked(v metricrule.Value) (*resource.Quantity, error) {
	err, kind := v.Err, badValue
	if err == nil {
		var exact *resource.Quantity
		if exact, err = quantity(v.Value); err == nil {
			return exact, nil
		}
	}
	if v.Old {
		kind = tooOld
	}
	if v.Name != "" {
		err = hint.Errorf(hint.Of(err), "%s: %w", v.Name, err)
	}
	return nil, &failure{kind, err}
}
