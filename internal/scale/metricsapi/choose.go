package metricsapi

import (
	"math"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// few returns the sorted names of the objects that the selector chooses, if they can be found without looking at more than
// limit objects, or at all of a namespace with no more than that. Otherwise ok is false.
func (o *objects) few(namespace string, selector labels.Selector, limit int) (names []string, ok bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	g := o.byNamespace[namespace]
	if g == nil {
		return nil, true
	}
	candidates, counted := g.candidates(selector)
	if counted > limit {
		return nil, false
	}
	for name := range candidates {
		if selector.Matches(g.labels[name]) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, true
}

// names returns the sorted names of all objects that the selector chooses.
func (o *objects) names(namespace string, selector labels.Selector) []string {
	all, _ := o.few(namespace, selector, math.MaxInt)
	return all
}

// candidates returns the smallest set of names, by any requirement of the selector, that has every object which it chooses.
func (g *group) candidates(selector labels.Selector) (names func(yield func(string) bool), count int) {
	requirements, selectable := selector.Requirements()
	if !selectable {
		return func(func(string) bool) {}, 0
	}
	best, count := labels.Requirement{}, len(g.labels)
	for _, r := range requirements {
		switch r.Operator() {
		case selection.Equals, selection.DoubleEquals, selection.In:
			n := 0
			for _, value := range r.ValuesUnsorted() {
				n += len(g.byLabel[label{r.Key(), value}])
			}
			if n < count {
				best, count = r, n
			}
		}
	}
	if best.Key() == "" {
		return func(yield func(string) bool) {
			for name := range g.labels {
				if !yield(name) {
					return
				}
			}
		}, count
	}
	return func(yield func(string) bool) {
		for _, value := range best.ValuesUnsorted() {
			for name := range g.byLabel[label{best.Key(), value}] {
				if !yield(name) {
					return
				}
			}
		}
	}, count
}

// choose calls visit with a function that says whether the selector chooses the object of a name. The function holds as long
// as visit runs, and visit must not wait for anything.
func (o *objects) choose(namespace string, selector labels.Selector, visit func(chosen func(name string) bool)) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	g := o.byNamespace[namespace]
	if g == nil {
		visit(func(string) bool { return false })
		return
	}
	everything := selector.Empty()
	visit(func(name string) bool {
		set, exists := g.labels[name]
		return exists && (everything || selector.Matches(set))
	})
}
