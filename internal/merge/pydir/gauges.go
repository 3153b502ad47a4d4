package pydir

import (
	"cmp"
	"math"
	"slices"

	"github.com/truecount/truecount/internal/merge"
)

// gauge puts a gauge together from the values of the files. It is false if there is none: of the files that could be read
// none has it, or it is the most recent one and was never set.
func (s *slot) gauge() (value float64, ok bool) {
	mode := s.child.family.mode
	// Python's client adds floating point numbers in the order of the files; in another one the last digit may differ.
	slices.SortFunc(s.parts, func(a, b part) int { return cmp.Compare(a.file.base, b.file.base) })
	newest, living := 0.0, false
	for _, p := range s.parts {
		if p.file.bad != "" {
			continue
		}
		v := math.Float64frombits(p.file.values[p.entry])
		switch {
		case mode == merge.GaugeMostRecent:
			stamp := 0.0
			if p.file.stamps != nil {
				stamp = math.Float64frombits(p.file.stamps[p.entry])
			}
			if stamp > newest {
				value, newest, ok = v, stamp, true
			}
			continue
		case mode == merge.GaugeAll: // a pid that is used again has a file of the living and files of the dead
			if p.file.retired && living {
				continue
			}
			value, living = v, !p.file.retired
		case !ok:
			value = v
		case mode == merge.GaugeMin:
			value = lesser(value, v)
		case mode == merge.GaugeMax:
			value = -lesser(-value, -v)
		default:
			value += v
		}
		ok = true
	}
	return value, ok
}

// lesser prefers any number to NaN.
func lesser(a, b float64) float64 {
	if math.IsNaN(a) || b < a {
		return b
	}
	return a
}

// without takes a file's values out of a gauge. A gauge of one worker alone goes with it.
func (t *table) without(s *slot, f *file) {
	s.parts = slices.DeleteFunc(s.parts, func(p part) bool { return p.file == f })
	c := s.child
	c.changed = true
	if len(s.parts) == 0 && c.family.mode == merge.GaugeAll && c.family.children[c.key] == c {
		delete(c.family.children, c.key)
		c.family.sorted = nil
		t.slots--
	}
}
