package metricsapi

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubelabels "k8s.io/apimachinery/pkg/labels"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/metrics/pkg/apis/external_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver/installer"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
	externalstorage "sigs.k8s.io/custom-metrics-apiserver/pkg/registry/external_metrics"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// installExternal serves external.metrics.k8s.io.
func installExternal(server *genericapiserver.GenericAPIServer, a *API) error {
	info := genericapiserver.NewDefaultAPIGroupInfo(external_metrics.GroupName, apiserver.Scheme, metav1.ParameterCodec, apiserver.Codecs)
	version := info.PrioritizedVersions[0]
	api := &installer.MetricsAPIGroupVersion{
		DynamicStorage:  externalstorage.NewREST(external{a}),
		APIGroupVersion: groupVersion(&info, version),
		ResourceLister:  provider.NewExternalMetricResourceLister(external{a}),
		Handlers:        &installer.EMHandlers{},
	}
	if err := api.InstallREST(server.Handler.GoRestfulContainer); err != nil {
		return fmt.Errorf("installing %s: %w", version, err)
	}
	announce(server, metav1.APIGroup{
		Name: external_metrics.GroupName, Versions: []metav1.GroupVersionForDiscovery{{GroupVersion: version.String(), Version: version.Version}},
	})
	return nil
}

// external answers requests for external metrics; it is the library's [provider.ExternalMetricsProvider].
type external struct{ a *API }

// ListAllExternalMetrics is the discovery. It waits for nothing.
func (e external) ListAllExternalMetrics() []provider.ExternalMetricInfo {
	names := e.a.published.Load().external
	all := make([]provider.ExternalMetricInfo, len(names))
	for i, name := range names {
		all[i].Metric = name
	}
	return all
}

// GetExternalMetric answers one request.
func (e external) GetExternalMetric(ctx context.Context, namespace string, selector kubelabels.Selector, info provider.ExternalMetricInfo) (*external_metrics.ExternalMetricValueList, error) {
	began := time.Now()
	ctx, cancel := e.a.within(ctx)
	defer cancel()
	list, err := e.a.external(ctx, namespace, selector, info.Metric)
	e.a.o.Metrics.duration.WithLabelValues("external").Observe(time.Since(began).Seconds())
	e.a.o.Metrics.requests.WithLabelValues("external", string(resultOf(err))).Inc()
	if err != nil {
		e.a.missed(namespace, info.Metric, err)
		return nil, apiError(fmt.Sprintf("%s in namespace %s", info.Metric, namespace), err)
	}
	return list, nil
}

func (a *API) external(ctx context.Context, namespace string, selector kubelabels.Selector, metric string) (*external_metrics.ExternalMetricValueList, error) {
	leave, err := a.admit()
	if err != nil {
		return nil, err
	}
	defer leave()
	p := a.published.Load()
	query, err := a.externalQuery(p, metricrule.ExternalRequest{Namespace: namespace, Metric: metric, Selector: selector})
	if err != nil {
		return nil, err
	}
	values, err := a.values(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(values) == 0 {
		return nil, failf(noData, "the server has no sample of it")
	}
	out := &external_metrics.ExternalMetricValueList{Items: make([]external_metrics.ExternalMetricValue, len(values))}
	for i, v := range values {
		exact, err := checked(v)
		if err != nil {
			return nil, err
		}
		out.Items[i] = external_metrics.ExternalMetricValue{
			MetricName: metric, MetricLabels: labelMap(v.Labels), Timestamp: metav1.NewTime(v.Time), Value: *exact,
		}
	}
	return out, nil
}

func labelMap(set labels.Labels) map[string]string {
	out := make(map[string]string, set.Len())
	set.Range(func(l labels.Label) { out[l.Name] = l.Value })
	return out
}
