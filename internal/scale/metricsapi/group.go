package metricsapi

import (
	"slices"
	"strings"
	"unique"
)

// group is what a namespace has; cluster-wide resources are in the group of "".
type group struct {
	labels  map[string]labelSet
	byLabel map[label]map[string]struct{} // names by what they are labelled
}

type label struct{ name, value string }

// labelSet is sorted by name. An object has few labels: a scan is faster than a map, and a fifth of its size.
type labelSet []label

// Lookup implements [labels.Labels].
func (s labelSet) Lookup(name string) (string, bool) {
	for i := range s {
		if s[i].name == name {
			return s[i].value, true
		}
	}
	return "", false
}

// Has implements [labels.Labels].
func (s labelSet) Has(name string) bool { _, has := s.Lookup(name); return has }

// Get implements [labels.Labels].
func (s labelSet) Get(name string) string { value, _ := s.Lookup(name); return value }

func newGroup() *group {
	return &group{labels: map[string]labelSet{}, byLabel: map[label]map[string]struct{}{}}
}

// put adds an object, or changes its labels.
func (g *group) put(name string, all map[string]string) {
	set := make(labelSet, 0, len(all))
	for k, v := range all {
		// Pods of a Deployment have the same labels: one copy of each text.
		set = append(set, label{unique.Make(k).Value(), unique.Make(v).Value()})
	}
	slices.SortFunc(set, func(a, b label) int { return strings.Compare(a.name, b.name) })
	old, exists := g.labels[name]
	if exists && slices.Equal(old, set) {
		return // a pod changes often, its labels hardly ever
	}
	if exists {
		g.remove(name)
	}
	g.labels[name] = set
	for _, l := range set {
		names := g.byLabel[l]
		if names == nil {
			names = map[string]struct{}{}
			g.byLabel[l] = names
		}
		names[name] = struct{}{}
	}
}

// remove takes an object out, if it is there.
func (g *group) remove(name string) {
	for _, l := range g.labels[name] {
		delete(g.byLabel[l], name)
		if len(g.byLabel[l]) == 0 {
			delete(g.byLabel, l)
		}
	}
	delete(g.labels, name)
}
