// Package exact adds floating point numbers without any error, so that a sum depends neither on the order of its parts nor
// on how often one of them was added and taken away again.
package exact

import "math"

// Sum is a sum of finite numbers without any error: non-overlapping partial sums in ascending magnitude, as in
// Shewchuk, "Adaptive Precision Floating-Point Arithmetic" (1997), and as Python's math.fsum. Its value is rounded once,
// correctly, so it does not depend on the order of additions, taking a number away is the exact opposite of adding it,
// and adding a positive number never lowers it. Whole numbers up to 2^53 take one partial. The zero value is 0.
type Sum struct {
	partials  []float64
	saturated float64 // ±MaxFloat64 once the sum went beyond it, and for ever
}

// Add adds x, which must be finite.
func (e *Sum) Add(x float64) {
	if e.saturated != 0 || x == 0 {
		return
	}
	kept := e.partials[:0]
	for _, y := range e.partials {
		if math.Abs(x) < math.Abs(y) {
			x, y = y, x
		}
		hi := x + y
		if math.IsInf(hi, 0) {
			e.partials, e.saturated = nil, math.Copysign(math.MaxFloat64, hi)
			return
		}
		if lo := y - (hi - x); lo != 0 {
			kept = append(kept, lo)
		}
		x = hi
	}
	e.partials = append(kept, x)
}

// Value is the sum, rounded once.
func (e *Sum) Value() float64 {
	n := len(e.partials)
	switch {
	case e.saturated != 0:
		return e.saturated
	case n == 0:
		return 0
	}
	n--
	hi, lo := e.partials[n], 0.0
	for n > 0 && lo == 0 {
		n--
		x, y := hi, e.partials[n]
		hi = x + y
		lo = y - (hi - x)
	}
	// hi was rounded half to even; the partials below decide a tie.
	if n > 0 && (lo < 0 && e.partials[n-1] < 0 || lo > 0 && e.partials[n-1] > 0) {
		if y := lo * 2; (hi+y)-hi == y {
			hi += y
		}
	}
	if math.IsInf(hi, 0) {
		return math.Copysign(math.MaxFloat64, hi)
	}
	return hi
}

// Partials are finite numbers whose exact sum it is, or one infinity if it is saturated. They must not be changed. Whoever
// adds them to a zero Sum with [Sum.Restore] has this sum again.
func (e *Sum) Partials() []float64 {
	if e.saturated != 0 {
		return []float64{math.Copysign(math.Inf(1), e.saturated)}
	}
	return e.partials
}

// Restore adds one of another Sum's Partials.
func (e *Sum) Restore(partial float64) {
	if math.IsInf(partial, 0) {
		e.partials, e.saturated = nil, math.Copysign(math.MaxFloat64, partial)
		return
	}
	e.Add(partial)
}
