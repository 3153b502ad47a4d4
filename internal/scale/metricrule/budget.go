package metricrule

import (
	"fmt"

	"github.com/truecount/truecount/internal/expression"
	"github.com/truecount/truecount/internal/strictyaml"
)

// What all sources of one namespace may bring. Whoever may write there writes them, and the adapter's memory and the time of the
// servers, which are asked for the series of every rule, are those of all namespaces.
const (
	// MaxOwnedRules is how many rules they may have.
	MaxOwnedRules = 500
	maxOwnedBytes = 8 << 20
)

// cost is what rules take: the bytes are those of memory, roughly.
type cost struct{ rules, bytes int }

func (c cost) plus(o cost) cost  { return cost{c.rules + o.rules, c.bytes + o.bytes} }
func (c cost) minus(o cost) cost { return cost{c.rules - o.rules, c.bytes - o.bytes} }
func (c cost) fits() bool        { return c.rules <= MaxOwnedRules && c.bytes <= maxOwnedBytes }

// costOfRules is that of rules that are written in a text. By measurement a rule has 2 to 9 kB with the parts that are not its regular
// expressions, and up to 20 bytes for each of its text, as [writer] writes it.
func costOfRules(n, text int) cost { return cost{n, n*4<<10 + 20*text} }

// costOfRule is that of one rule, before it is compiled.
func costOfRule(text int, f ruleFields) cost {
	c := costOfRules(1, text)
	if len(f.SeriesQuery) <= maxQuery {
		c.bytes += expression.Regexes(f.SeriesQuery)
	}
	patterns := []string{f.Name.Matches}
	for _, filter := range f.SeriesFilters[:min(len(f.SeriesFilters), maxParts)] {
		patterns = append(patterns, filter.Is, filter.IsNot)
	}
	for _, pattern := range patterns {
		if len(pattern) <= maxRegex { // else it is refused
			c.bytes += expression.RegexSize(pattern)
		}
	}
	return c
}

// admit says whether a namespace has room for the rules of a slot, which are at path. The operator's own sources have.
func (r *reader) admit(doc *strictyaml.Document, path string, s *slot, c cost) bool {
	all := r.spent.plus(c)
	if r.source.Namespace != "" && !all.fits() {
		s.crowded = true
		what := fmt.Sprintf("would take more than %d MiB of memory", maxOwnedBytes>>20)
		if all.rules > MaxOwnedRules {
			what = fmt.Sprintf("are more than %d", MaxOwnedRules)
		}
		r.refuse(s, doc.Errorf(path, "leave others of the namespace out, use patterns in seriesQuery, or write shorter regular expressions",
			"there is no room for it: with it all rules of the namespace %s %s", r.source.Namespace, what))
		return false
	}
	s.cost, r.spent = c, all
	return true
}

// giveBack takes back what admit has given.
func (r *reader) giveBack(s *slot) { s.cost, r.spent = cost{}, r.spent.minus(s.cost) }

// cost returns what the rules of a namespace take, without those of one source.
func (s *Set) cost(namespace string, without key) cost {
	var c cost
	for _, l := range s.sources {
		if k := l.source.key(); k.namespace == namespace && k != without {
			c = c.plus(l.cost())
		}
	}
	return c
}

func (l *loaded) cost() cost {
	var c cost
	for _, s := range l.slots {
		c = c.plus(s.cost)
	}
	return c
}

// crowded says whether there was no room for some of the rules.
func (l *loaded) crowded() bool {
	for _, s := range l.slots {
		if s.crowded {
			return true
		}
	}
	return false
}

// refill reads the sources of a namespace again that had no room in it, after one source has changed or gone and takes less than before.
func (s *Set) refill(before *Set, changed key) *Set {
	now, then := s.cost(changed.namespace, key{}), before.cost(changed.namespace, key{})
	if changed.namespace == "" || now.rules >= then.rules && now.bytes >= then.bytes {
		return s
	}
	for _, l := range s.sources {
		if k := l.source.key(); k.namespace == changed.namespace && k != changed && l.crowded() {
			s = s.place(l.source)
		}
	}
	return s
}
