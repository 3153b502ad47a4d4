package metricrule

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/truecount/truecount/internal/hint"
)

// ErrUnknownMetric is the error of a request for a metric that no rule makes.
var ErrUnknownMetric = errors.New("no rule makes this metric")

// Metric is a metric about objects.
type Metric struct {
	// Resource is what it is about, by the API's own name, as pods.
	Resource schema.GroupResource
	// Name is the metric's name.
	Name string
}

// Catalog says which metrics there are and how they are asked for. It does not change.
type Catalog struct {
	namespaceLabel string
	custom         map[Metric][]*entry
	external       map[string][]*entry
	problems       []string
}

// entry is one way to come by a metric.
type entry struct {
	rule           *Rule
	series         string // empty for a declared metric
	label          string // that names the object; empty for external metrics
	namespaceLabel string // of the rule; empty if it has none
	err            error  // why the metric is known and has no query
}

// NewCatalog says which metrics the rules of a set make of what was found. The mapper knows the cluster's resources, or [KnownResources].
// A discovery that was not answered is left out of found: then its metrics are not there, so keep what was found before.
func NewCatalog(set *Set, mapper meta.RESTMapper, found map[Discovery]*Found) *Catalog {
	c := &Catalog{namespaceLabel: set.namespaceLabel, custom: map[Metric][]*entry{}, external: map[string][]*entry{}}
	shapes := map[Discovery][]shape{}
	for _, r := range set.Rules() {
		if r.declared != nil {
			c.declare(r)
			continue
		}
		d := r.discovery(set.namespaceLabel)
		if _, known := shapes[d]; !known {
			shapes[d] = found[d].sorted()
		}
		c.add(r, r.assoc.in(mapper), shapes[d])
	}
	return c
}

// declare adds the metric of an application's signal.
func (c *Catalog) declare(r *Rule) {
	e := &entry{rule: r, namespaceLabel: c.namespaceLabel}
	if r.Kind == External {
		c.external[r.declared.name] = append(c.external[r.declared.name], e)
		return
	}
	e.label = podLabel
	m := Metric{schema.GroupResource{Resource: "pods"}, r.declared.name}
	c.custom[m] = append(c.custom[m], e)
}

// add adds the metrics that a rule makes of the series that were found.
func (c *Catalog) add(r *Rule, a *associator, shapes []shape) {
	for _, label := range a.unknown {
		c.problems = append(c.problems, fmt.Sprintf("%s: resources.overrides.%s: the cluster has no resource %s", r.Origin, label, r.assoc.overrides[label]))
	}
	type made struct {
		resource schema.GroupResource
		series   string
	}
	seen, told := map[made]bool{}, map[string]bool{}
	for _, s := range shapes {
		if !r.keeps(s.series) {
			continue
		}
		name, err := r.name.nameOf(s.series)
		if err != nil {
			if !told[s.series] {
				told[s.series] = true
				c.problems = append(c.problems, fmt.Sprintf("%s: the series %s: %v", r.Origin, s.series, err))
			}
			continue
		}
		if r.Kind == External {
			if !seen[made{series: s.series}] {
				seen[made{series: s.series}] = true
				c.external[name] = append(c.external[name], externalEntry(r, a, s.series))
			}
			continue
		}
		for _, label := range s.labels {
			resource, ok := a.resourceOf(label)
			if !ok || seen[made{resource, s.series}] || r.Namespace != "" && !Namespaced(resource) && resource != namespaces {
				continue // a source with a namespace says nothing about nodes
			}
			seen[made{resource, s.series}] = true
			m := Metric{resource, name}
			c.custom[m] = append(c.custom[m], customEntry(r, a, s.series, resource))
		}
	}
}

func externalEntry(r *Rule, a *associator, series string) *entry {
	e := &entry{rule: r, series: series}
	if !r.namespaced {
		return e
	}
	if e.namespaceLabel, e.err = a.labelOf(namespaces); e.err != nil {
		e.err = hint.Errorf("add resources: {overrides: {namespace: {resource: namespace}}}, or resources: {namespaced: false} if it is of no namespace",
			"%s: the query cannot be bound to the namespace of the request: %w", r.Origin, e.err)
	}
	return e
}

func customEntry(r *Rule, a *associator, series string, resource schema.GroupResource) *entry {
	e := &entry{rule: r, series: series}
	if e.label, e.err = a.labelOf(resource); e.err == nil && Namespaced(resource) {
		e.namespaceLabel, e.err = a.labelOf(namespaces)
	}
	if e.err != nil {
		advice := "add the label to resources.overrides"
		if ambiguous := (*ambiguousLabels)(nil); errors.As(e.err, &ambiguous) {
			advice = "leave one of them; prometheus-adapter takes a random one"
		}
		e.err = hint.Errorf(advice, "%s: %w", r.Origin, e.err)
	}
	return e
}

// Has says whether there is a metric about objects, in whatever namespace.
func (c *Catalog) Has(m Metric) bool { return len(c.custom[m]) > 0 }

// Custom returns the metrics about objects, sorted.
func (c *Catalog) Custom() []Metric {
	return slices.SortedFunc(maps.Keys(c.custom), func(a, b Metric) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Resource.String(), b.Resource.String()))
	})
}

// External returns the names of the external metrics, sorted.
func (c *Catalog) External() []string { return slices.Sorted(maps.Keys(c.external)) }

// Problems says what was found that gives no metric, and metrics that give an error, on one line each.
func (c *Catalog) Problems() []string {
	out := slices.Clone(c.problems)
	for _, m := range c.Custom() {
		out = append(out, problemsOf(fmt.Sprintf("%s/%s", m.Resource, m.Name), c.custom[m])...)
	}
	for _, name := range c.External() {
		out = append(out, problemsOf("external metric "+name, c.external[name])...)
	}
	return out
}

// problemsOf returns what is wrong with a metric in some namespace.
func problemsOf(what string, entries []*entry) []string {
	var out []string
	spaces := map[string]bool{}
	for _, e := range entries {
		spaces[e.rule.Namespace] = true
	}
	for _, space := range slices.Sorted(maps.Keys(spaces)) {
		if _, err := choose(entries, space); err != nil && !errors.Is(err, ErrUnknownMetric) {
			if message := what + ": " + err.Error(); !slices.Contains(out, message) {
				out = append(out, message)
			}
		}
	}
	return out
}

// choose returns the one way to come by a metric for a request in a namespace.
func choose(entries []*entry, namespace string) (*entry, error) {
	var found []*entry
	for _, e := range entries {
		if e.rule.Namespace == "" || e.rule.Namespace == namespace {
			found = append(found, e)
		}
	}
	switch {
	case len(found) == 0:
		return nil, ErrUnknownMetric
	case len(found) > 1:
		return nil, hint.Errorf("give one of them another name, or take its series out by seriesFilters",
			"two rules make this metric: %s and %s", found[0].origin(), found[1].origin())
	}
	return found[0], found[0].err
}

// origin says which rule and series an entry is of.
func (e *entry) origin() string {
	if e.series == "" {
		return e.rule.Origin
	}
	return fmt.Sprintf("%s of the series %q", e.rule.Origin, e.series)
}
