package metricsapi

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// published is what requests are answered by. It does not change; another one takes its place.
type published struct {
	catalog  *metricrule.Catalog
	mapper   meta.RESTMapper
	missing  unanswered
	custom   []metav1.APIResource
	external []string
}

// publish makes the catalog of what is known now. It is called when rules, series or the cluster's resources have changed.
func (a *API) publish() {
	a.publishing.Lock()
	defer a.publishing.Unlock()
	set, found, missing := a.model.snapshot()
	p := &published{mapper: a.o.Resources.Mapper(), missing: missing}
	p.catalog = metricrule.NewCatalog(set, p.mapper, found)
	metrics := p.catalog.Custom()
	p.custom = make([]metav1.APIResource, len(metrics))
	for i, m := range metrics {
		p.custom[i] = metav1.APIResource{
			Name: m.Resource.String() + "/" + m.Name, Namespaced: metricrule.Namespaced(m.Resource), Kind: "MetricValueList", Verbs: metav1.Verbs{"get"},
		}
	}
	p.external = p.catalog.External()
	a.tellCatalog(p)
	a.published.Store(p)
}

// tellCatalog logs what has become wrong with metrics since the catalog before.
func (a *API) tellCatalog(p *published) {
	var before []string
	if old := a.published.Load(); old != nil {
		before = old.catalog.Problems()
	}
	problems := p.catalog.Problems()
	for _, problem := range problems {
		if !slices.Contains(before, problem) {
			a.o.Logger.Error("a metric is answered with an error, or left out", "problem", problem)
		}
	}
	a.o.Metrics.metrics.WithLabelValues("custom").Set(float64(len(p.custom)))
	a.o.Metrics.metrics.WithLabelValues("external").Set(float64(len(p.external)))
	a.o.Metrics.conflicts.Set(float64(len(problems)))
}

// listCustom is the discovery of custom metrics. It waits for nothing.
func (a *API) listCustom() []metav1.APIResource { return a.published.Load().custom }
