package metricsapi

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/metrics/pkg/apis/custom_metrics"
)

// storage hands requests for custom metrics on to answer. It implements what custom-metrics-apiserver's handlers ask of a
// storage, in place of the library's own, so that an answer can bring the bytes it is written in.
type storage struct {
	answer func(context.Context, question) (*answer, error)
}

// New implements rest.Storage.
func (*storage) New() runtime.Object { return &custom_metrics.MetricValue{} }

// Destroy implements rest.Storage.
func (*storage) Destroy() {}

// NewList implements rest.ListerWithOptions.
func (*storage) NewList() runtime.Object { return &custom_metrics.MetricValueList{} }

// NewListOptions implements rest.ListerWithOptions.
func (*storage) NewListOptions() (options runtime.Object, hasPath bool, pathField string) {
	return &custom_metrics.MetricListOptions{}, true, "metricName"
}

// List implements rest.ListerWithOptions.
func (s *storage) List(ctx context.Context, options *metainternalversion.ListOptions, extra runtime.Object) (runtime.Object, error) {
	q, err := asked(ctx, options, extra)
	if err != nil {
		return nil, err
	}
	a, err := s.answer(ctx, q)
	if err != nil {
		return nil, err // an untyped nil, or the handler would write it
	}
	return a, nil
}

// asked reads a request. In its path the API server finds a resource, a name and a subresource: the object and the metric.
func asked(ctx context.Context, options *metainternalversion.ListOptions, extra runtime.Object) (question, error) {
	info, found := request.RequestInfoFrom(ctx)
	if !found {
		return question{}, apierrors.NewBadRequest("the request names no resource and no metric")
	}
	q := question{
		namespace: request.NamespaceValue(ctx), resource: schema.ParseGroupResource(info.Resource), metric: info.Subresource,
		selector: labels.Everything(), metricSelector: labels.Everything(),
	}
	if q.metric == "" {
		return question{}, apierrors.NewBadRequest("the request names no metric")
	}
	if options != nil && options.LabelSelector != nil {
		q.selector = options.LabelSelector
	}
	if options != nil && options.FieldSelector != nil {
		// The handler puts the name of the path here.
		if name, exact := options.FieldSelector.RequiresExactMatch("metadata.name"); exact && name != "*" {
			q.name = name
		}
	}
	if o, ok := extra.(*custom_metrics.MetricListOptions); ok && o.MetricLabelSelector != "" {
		selector, err := labels.Parse(o.MetricLabelSelector)
		if err != nil {
			return question{}, apierrors.NewBadRequest("metricLabelSelector: " + err.Error())
		}
		q.metricSelector = selector
	}
	return q, nil
}
