package metricrule

import (
	"maps"
	"time"
)

// Kept is what was found earlier and holds for a while beside what is found now, each name with its labels until a time of its own. The
// zero value holds nothing.
type Kept struct {
	shapes map[string]keptShape
}

type keptShape struct {
	shape
	until time.Time
}

// Keep has all that f has found hold until then. What holds already and is not in f goes on as before.
func (k *Kept) Keep(f *Found, until time.Time) {
	if k.shapes == nil {
		k.shapes = map[string]keptShape{}
	}
	for key, s := range f.shapes {
		k.shapes[key] = keptShape{s, until}
	}
}

// Extend has all hold for so much longer.
func (k *Kept) Extend(by time.Duration) {
	for key, s := range k.shapes {
		s.until = s.until.Add(by)
		k.shapes[key] = s
	}
}

// With returns what f has found and what holds beside it, and forgets what no longer does. The number of series is that of f, which is not
// changed.
func (k *Kept) With(f *Found, now time.Time) *Found {
	maps.DeleteFunc(k.shapes, func(_ string, s keptShape) bool { return !now.Before(s.until) })
	if len(k.shapes) == 0 {
		return f
	}
	both := &Found{shapes: make(map[string]shape, len(f.shapes)+len(k.shapes)), Series: f.Series}
	for key, s := range k.shapes {
		both.shapes[key] = s.shape
	}
	maps.Copy(both.shapes, f.shapes)
	return both
}
