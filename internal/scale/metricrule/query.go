package metricrule

import (
	"fmt"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	k8slabels "k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/truecount/truecount/internal/hint"
)

// Request asks for the values of a metric about objects.
type Request struct {
	// Resource is what the objects are, by the API's own name, as pods.
	Resource schema.GroupResource
	// Namespace is where they are; empty for resources that no namespace holds ([Namespaced]).
	Namespace string
	// Metric is the metric's name.
	Metric string
	// Names are the objects' names. With All they are needed only by templates that use them ([Query.NamesUsed]).
	Names []string
	// All asks for whatever objects have a value; what is not wanted is left out by the caller. The query then says nothing about
	// names, is the same for all callers and short.
	All bool
	// Selector is the metric's selector; nil selects everything.
	Selector k8slabels.Selector
}

// ExternalRequest asks for the values of an external metric.
type ExternalRequest struct {
	// Namespace is that of the request.
	Namespace string
	// Metric is the metric's name.
	Metric string
	// Selector is the metric's selector; nil selects everything.
	Selector k8slabels.Selector
}

// Query is what has to be asked, and how its answer is read.
type Query struct {
	// Server is the name of the server; empty is the one of the command line.
	Server string
	// Expr is the PromQL of an instant query.
	Expr string
	// Asks is the part of Expr that gives the values, without the question for their times.
	Asks string
	// Label is the label that holds the object's name; empty for external metrics.
	Label string
	// NamesUsed says that Expr depends on the names of the request although it asks for all.
	NamesUsed bool
	// Rule is the rule that it comes from.
	Rule *Rule

	namespaceLabel, namespace string
	branches                  bool
	window                    time.Duration
	windows                   []time.Duration
	spread                    spread
}

// Query returns the query for a request. Errors are [ErrUnknownMetric], a conflict of rules, or what the request cannot have.
func (c *Catalog) Query(r Request) (*Query, error) {
	namespace := r.Namespace
	if r.Resource == namespaces && !r.All && len(r.Names) == 1 {
		namespace = r.Names[0] // its own rules may speak of the namespace itself
	}
	e, err := choose(c.custom[Metric{r.Resource, r.Metric}], namespace)
	if err != nil {
		return nil, err
	}
	if !r.All && len(r.Names) == 0 {
		return nil, fmt.Errorf("a request for the metric %s names no object", r.Metric)
	}
	b := blank{series: e.series, label: e.label, objects: r.Names, all: r.All}
	if Namespaced(r.Resource) {
		if r.Namespace == "" {
			return nil, fmt.Errorf("a request for the metric %s of %s has no namespace", r.Metric, r.Resource)
		}
		b.namespaceLabel, b.namespace = e.namespaceLabel, r.Namespace
	}
	return c.finish(e, b, r.Selector)
}

// ExternalQuery returns the query for a request of an external metric; see [Catalog.Query] for the errors.
func (c *Catalog) ExternalQuery(r ExternalRequest) (*Query, error) {
	e, err := choose(c.external[r.Metric], r.Namespace)
	if err != nil {
		return nil, err
	}
	b := blank{series: e.series}
	if e.rule.namespaced && r.Namespace != "" {
		b.namespaceLabel, b.namespace = e.namespaceLabel, r.Namespace
	}
	return c.finish(e, b, r.Selector)
}

// maxAsked is how long a query may be with all values of a request in it, in bytes. Five thousand names of pods, written where a template
// writes matchers and once more for their times, take less than a quarter.
const maxAsked = 4 << 20

// finish writes the query of an entry.
func (c *Catalog) finish(e *entry, b blank, selector k8slabels.Selector) (*Query, error) {
	var err error
	if b.selector, err = conditions(selector); err != nil {
		return nil, err
	}
	var expr parser.Expr
	used := false
	if e.rule.declared != nil {
		if len(b.selector) > 0 {
			return nil, hint.Errorf("leave the selector out of the HPA, or write it into the signal's query", "%s: the metric of a signal takes no selector", e.rule.Origin)
		}
		expr, err = e.rule.declared.expression()
	} else {
		expr, used, err = e.rule.query.write(b)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.rule.Origin, err)
	}
	if b.all && used && len(b.objects) == 0 {
		return nil, fmt.Errorf("%s: the query needs the objects' names, and the request has none", e.rule.Origin)
	}
	if e.rule.Namespace != "" {
		bind(expr, c.namespaceLabel, e.rule.Namespace)
	}
	if kind := expr.Type(); kind != parser.ValueTypeVector && (kind != parser.ValueTypeScalar || b.label != "") {
		return nil, fmt.Errorf("%s: the query gives a %s, not a value for each object", e.rule.Origin, parser.DocumentedType(kind))
	}
	d := withTimes(expr, b.label)
	if len(d.text) > maxAsked {
		return nil, hint.Errorf("write the values less often in metricsQuery, or ask for fewer of them", "%s: with the values of the request the query has %d bytes, and %d is the most that is asked",
			e.rule.Origin, len(d.text), maxAsked)
	}
	return &Query{
		Server: e.rule.Server, Expr: d.text, Asks: d.value, Label: b.label, NamesUsed: b.all && used, Rule: e.rule,
		namespaceLabel: b.namespaceLabel, namespace: b.namespace, branches: d.branches, window: d.window, windows: d.windows, spread: d.spread,
	}, nil
}
