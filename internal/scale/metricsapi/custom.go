package metricsapi

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/metrics/pkg/apis/custom_metrics"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// narrow is how many objects are asked for by name. Of more, all of the namespace are asked for and those that are not wanted
// are left out: the query is then short, and the same for all autoscalers of the namespace.
const narrow = 50

// custom answers one request for custom metrics.
func (a *API) custom(ctx context.Context, q question) (*answer, error) {
	began := time.Now()
	ctx, cancel := a.within(ctx)
	defer cancel()
	answer, err := a.admitted(ctx, q)
	a.o.Metrics.duration.WithLabelValues("custom").Observe(time.Since(began).Seconds())
	a.o.Metrics.requests.WithLabelValues("custom", string(resultOf(err))).Inc()
	if err != nil {
		a.missed(q.home(), q.metric, err)
		a.o.Logger.Debug("no value", "of", q.String(), "err", err)
		return nil, apiError(q.String(), err)
	}
	return answer, nil
}

// within ends the time for an answer when it is up since the request came: what it took to find out who asks, and whether they may, is
// part of it.
func (a *API) within(ctx context.Context) (context.Context, context.CancelFunc) {
	came, known := apirequest.ReceivedTimestampFrom(ctx)
	if !known {
		came = time.Now()
	}
	return context.WithDeadline(ctx, came.Add(a.o.ValueTimeout))
}

// admit takes one of the places for requests, which leave gives back.
func (a *API) admit() (leave func(), err error) {
	select {
	case a.slots <- struct{}{}:
		return func() { <-a.slots }, nil
	default:
		return nil, failf(tooMany, "more than %d requests at once", a.o.MaxRequests)
	}
}

// admitted lets a bounded number of requests in. Equal ones share an answer.
func (a *API) admitted(ctx context.Context, q question) (*answer, error) {
	leave, err := a.admit()
	if err != nil {
		return nil, err
	}
	defer leave()
	return a.lists.do(ctx, q.key(), func(ctx context.Context) (*answer, error) { return a.evaluate(ctx, q) })
}

// evaluate finds out what the metric is, now, for the objects of the question.
func (a *API) evaluate(ctx context.Context, q question) (*answer, error) {
	p := a.published.Load()
	resource, kind, err := resolve(p, q.resource)
	if err != nil {
		return nil, err
	}
	q.resource = resource
	if err := inPlace(q); err != nil {
		return nil, err
	}
	request := metricrule.Request{Resource: resource, Namespace: q.namespace, Metric: q.metric, Selector: q.metricSelector}
	var of *objects
	if q.name != "" {
		request.Names = []string{q.name}
	} else if !p.catalog.Has(metricrule.Metric{Resource: resource, Name: q.metric}) {
		return nil, queryError(p, q.home(), metricrule.ErrUnknownMetric) // whoever asks for anything must not begin a watch of it
	} else if of, err = a.selected(ctx, q, &request); err != nil {
		return nil, err
	}
	query, err := a.query(p, q.home(), request)
	if err != nil {
		return nil, err
	}
	if query.NamesUsed {
		// The rule writes the names into its query: they are asked for one by one after all.
		request.All, request.Names = false, of.names(q.namespace, q.selector)
		if len(request.Names) == 0 {
			return nil, failf(noObjects, "there is none")
		}
		if query, err = a.query(p, q.home(), request); err != nil {
			return nil, err
		}
	}
	values, err := a.values(ctx, query)
	if err != nil {
		return nil, err
	}
	values = chosen(values, of, q)
	if len(values) == 0 {
		return nil, failf(noData, "the server has no sample of it")
	}
	return list(values, q, kind)
}

// resolve returns the API's own name of a resource, as pods for pod, and its kind.
func resolve(p *published, resource schema.GroupResource) (schema.GroupResource, schema.GroupVersionKind, error) {
	full, err := p.mapper.ResourceFor(resource.WithVersion(""))
	if err != nil {
		return resource, schema.GroupVersionKind{}, failf(noMetric, "the cluster has no such resource: %w", err)
	}
	kind, err := p.mapper.KindFor(full)
	if err != nil {
		return resource, schema.GroupVersionKind{}, failf(noMetric, "the cluster has no kind of it: %w", err)
	}
	return full.GroupResource(), kind, nil
}

// inPlace refuses a question that is asked in a namespace and is about something outside of it, or the other way round: who may ask
// was judged by the namespace of the path.
func inPlace(q question) error {
	switch inNamespace := metricrule.Namespaced(q.resource); {
	case inNamespace && q.namespace == "":
		return failf(noMetric, "%s are asked for in a namespace", q.resource)
	case !inNamespace && q.namespace != "":
		return failf(noMetric, "%s are of no namespace and not asked for in one", q.resource)
	}
	return nil
}

// selected fills in which objects are asked for: few by name, more by asking for all.
func (a *API) selected(ctx context.Context, q question, request *metricrule.Request) (*objects, error) {
	of, err := a.watches.of(ctx, q.resource)
	if err != nil {
		return nil, &failure{notKnownYet, err}
	}
	names, few := of.few(q.namespace, q.selector, narrow)
	switch {
	case !few:
		request.All, request.Names = true, []string{"any"} // by some name it is seen whether the rule needs them
	case len(names) == 0:
		return nil, failf(noObjects, "there is none")
	default:
		request.Names = names
	}
	return of, nil
}

// chosen leaves out the values of objects that were not asked for.
func chosen(values []metricrule.Value, of *objects, q question) []metricrule.Value {
	kept := values[:0]
	if of == nil {
		for _, v := range values {
			if v.Name == q.name {
				kept = append(kept, v)
			}
		}
		return kept
	}
	of.choose(q.namespace, q.selector, func(wanted func(string) bool) {
		for _, v := range values {
			if wanted(v.Name) {
				kept = append(kept, v)
			}
		}
	})
	return kept
}

// list writes values as the API has them. One that is not known makes an error of the whole list: without it an autoscaler
// would take the object for one that only has not been measured yet, and scale by the others.
func list(values []metricrule.Value, q question, kind schema.GroupVersionKind) (*answer, error) {
	metric := custom_metrics.MetricIdentifier{Name: q.metric}
	if !q.metricSelector.Empty() {
		selector, err := metav1.ParseToLabelSelector(q.metricSelector.String())
		if err != nil {
			return nil, failf(badRequest, "the selector of the metric: %w", err)
		}
		metric.Selector = selector
	}
	described := custom_metrics.ObjectReference{APIVersion: kind.Group + "/" + kind.Version, Kind: kind.Kind, Namespace: q.namespace}
	out := &custom_metrics.MetricValueList{Items: make([]custom_metrics.MetricValue, len(values))}
	for i, v := range values {
		exact, err := checked(v)
		if err != nil {
			return nil, err
		}
		described.Name = v.Name
		out.Items[i] = custom_metrics.MetricValue{DescribedObject: described, Metric: metric, Timestamp: metav1.NewTime(v.Time), Value: *exact}
	}
	return &answer{list: out}, nil
}
