package metricrule

import (
	"maps"
	"slices"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/strictyaml"
)

// declaredMetric is a metric that an application's signal is: it is there without any series.
type declaredMetric struct {
	name string
	expr string
}

// podLabel is the label that names the pod in the signals of applications.
const podLabel = "pod"

// application reads a document of the application file: each signal is a metric.
func (r *reader) application(doc *strictyaml.Document) {
	s, size := r.newSlot("applications", doc.Root())
	a, errs := application.ParseDocument(doc)
	if len(errs) > 0 {
		r.refuse(s, errs...)
	}
	if len(errs) > 0 || a == nil {
		return
	}
	if r.source.Namespace != "" && a.Metadata.Namespace != r.source.Namespace {
		r.refuse(s, doc.Errorf("metadata.namespace", "write namespace: "+r.source.Namespace+", or move it to the namespace "+a.Metadata.Namespace,
			"the application is in namespace %s and its source in %s, where only metrics of that namespace may come from", a.Metadata.Namespace, r.source.Namespace))
		return
	}
	if !r.admit(doc, "spec.signals", s, costOfRules(len(a.Spec.Signals), size)) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(a.Spec.Signals)) {
		for _, kind := range kindsOf(a, name) {
			s.rules = append(s.rules, r.signal(doc, a, name, kind))
		}
	}
}

// kindsOf says which APIs a signal is asked for by, as [application.Application.HPASpec] has it; one that nothing scales on is a metric
// of pods if its series have the label pod.
func kindsOf(a *application.Application, signal string) []Kind {
	var out []Kind
	for _, m := range a.HPASpec().Metrics {
		kind := Custom
		if m.External != nil {
			kind = External
		}
		named := m.Pods != nil && m.Pods.Metric.Name == signal || m.External != nil && m.External.Metric.Name == signal
		if named && !slices.Contains(out, kind) {
			out = append(out, kind)
		}
	}
	if len(out) > 0 {
		return out
	}
	if a.PerPod(signal) {
		return []Kind{Custom}
	}
	return []Kind{External}
}

func (r *reader) signal(doc *strictyaml.Document, a *application.Application, name string, kind Kind) *Rule {
	path := strictyaml.Join("spec.signals", name)
	query := a.Spec.Signals[name].Query
	return &Rule{
		Kind: kind, Origin: doc.Where(path), Source: r.source.Name, Namespace: a.Metadata.Namespace, MetricsQuery: query,
		declared: &declaredMetric{name: name, expr: query},
	}
}

// expression returns the parsed query, of which the application's check has made sure that it is one.
func (d *declaredMetric) expression() (parser.Expr, error) { return parseExpr(d.expr) }
