package metricrule

import (
	"slices"

	"github.com/truecount/truecount/internal/strictyaml"
)

// DefaultNamespaceLabel is the label that holds the namespace of a series.
const DefaultNamespaceLabel = "namespace"

// Options of a [Set].
type Options struct {
	// NamespaceLabel is the label that holds the namespace of a series on every server; sources with a namespace are bound to theirs
	// by it. Empty is [DefaultNamespaceLabel].
	NamespaceLabel string
	// NamedServers are the servers that rules of sources with a namespace may name; those of the operator may name any.
	NamedServers []string
}

// Set is the rules of several sources. It does not change: [Set.Replace] and [Set.Remove] return another one.
type Set struct {
	namespaceLabel string
	namedServers   []string
	sources        []*loaded // sorted by key
}

// NewSet returns a set without rules.
func NewSet(o Options) *Set {
	if o.NamespaceLabel == "" {
		o.NamespaceLabel = DefaultNamespaceLabel
	}
	return &Set{namespaceLabel: o.NamespaceLabel, namedServers: slices.Clone(o.NamedServers)}
}

// with returns the set with other sources.
func (s *Set) with(sources []*loaded) *Set {
	out := *s
	out.sources = sources
	return &out
}

// Load returns the set of several sources, and what is wrong with them.
func Load(o Options, sources ...Source) (*Set, []Problem) {
	s := NewSet(o)
	for _, source := range sources {
		s = s.Replace(source)
	}
	return s, s.Problems()
}

// Replace returns the set with a source added, or read again. What is wrong in it is left out, with a [Problem]: of a rule, the last
// good one in its place between the same neighbours stays, of a source that cannot be read at all, all of it. So it is with rules
// that there is no room for in their namespace.
func (s *Set) Replace(source Source) *Set { return s.place(source).refill(s, source.key()) }

// place is Replace without a look at the other sources of the namespace.
func (s *Set) place(source Source) *Set {
	old, rest := s.without(source.key())
	fresh := read(source, s.namedServers, s.cost(source.Namespace, source.key()))
	if old != nil {
		fresh.keep(old)
	}
	out := s.with(append(rest, fresh))
	slices.SortStableFunc(out.sources, func(a, b *loaded) int { return compareKeys(a.source.key(), b.source.key()) })
	return out
}

// Remove returns the set without a source.
func (s *Set) Remove(namespace, name string) *Set {
	_, rest := s.without(key{namespace, name})
	return s.with(rest).refill(s, key{namespace, name})
}

// without returns the source of a key, and a copy of the others.
func (s *Set) without(k key) (*loaded, []*loaded) {
	var old *loaded
	var rest []*loaded
	for _, l := range s.sources {
		if l.source.key() == k {
			old = l
		} else {
			rest = append(rest, l)
		}
	}
	return old, rest
}

// Problems returns what is wrong in the sources, in their order.
func (s *Set) Problems() []Problem {
	var out []Problem
	for _, l := range s.sources {
		out = append(out, l.allProblems()...)
	}
	return out
}

// Rules returns the rules that are served, in their order.
func (s *Set) Rules() []*Rule {
	var out []*Rule
	for _, l := range s.sources {
		for _, slot := range l.slots {
			out = append(out, slot.rules...)
		}
	}
	return out
}

// Discoveries returns what has to be asked of the servers, each question once, in the order of the rules.
func (s *Set) Discoveries() []Discovery {
	var out []Discovery
	seen := map[Discovery]bool{}
	for _, r := range s.Rules() {
		if r.declared != nil {
			continue
		}
		if d := r.discovery(s.namespaceLabel); !seen[d] {
			seen[d] = true
			out = append(out, d)
		}
	}
	return out
}

// ResourceRules says where the sources have resourceRules, which are read and not served: metrics.k8s.io belongs to metrics-server.
func (s *Set) ResourceRules() []string {
	var out []string
	for _, l := range s.sources {
		if l.resourceRules != "" {
			out = append(out, l.resourceRules)
		}
	}
	return out
}

// loaded is a source that was read.
type loaded struct {
	source        Source
	slots         []*slot
	problems      []Problem // of no single rule
	more          int       // that are not told
	unreadable    bool      // nothing could be read
	spent         cost      // of its namespace, with it
	resourceRules string    // where they are, or empty
}

// slot is one place in a source where a rule or an application is written.
type slot struct {
	section string // of the source: slots are compared within one
	wording wording
	rules   []*Rule
	cost    cost // of rules
	refused bool
	errs    strictyaml.Errors // why it is refused
	more    int               // that are not told
	crowded bool              // there was no room for it
	kept    bool
}

// keep takes over from the version before what this one has only badly.
func (l *loaded) keep(old *loaded) {
	if l.unreadable {
		l.resourceRules = old.resourceRules
		for i := range l.problems {
			l.problems[i].Kept = len(old.slots) > 0
		}
		l.slots = nil
		for _, s := range old.slots {
			l.slots = append(l.slots, &slot{section: s.section, wording: s.wording, rules: s.rules, cost: s.cost}) // their problems are those of another text
		}
		return
	}
	for fresh, before := range align(old.slots, l.slots) {
		if !fresh.refused || len(fresh.rules) > 0 || len(before.rules) == 0 {
			continue
		}
		if all := l.spent.plus(before.cost); l.source.Namespace == "" || all.fits() {
			fresh.rules, fresh.cost, fresh.kept, l.spent = before.rules, before.cost, true, all
		}
	}
}
