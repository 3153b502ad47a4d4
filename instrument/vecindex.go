package instrument

import (
	"maps"
	"sync/atomic"
)

// index finds series by label values. Only the map for the metric's number of labels is used: an array of strings as a
// key costs neither a hash of our own nor an allocation.
type index[M any] struct {
	labels int
	one    atomic.Pointer[map[string]M]
	two    atomic.Pointer[map[[2]string]M]
	three  atomic.Pointer[map[[3]string]M]
	four   atomic.Pointer[map[[4]string]M]
	many   atomic.Pointer[map[string]M] // by joined
}

func (x *index[M]) init(labels int) {
	x.labels = labels
	x.one.Store(&map[string]M{})
	x.two.Store(&map[[2]string]M{})
	x.three.Store(&map[[3]string]M{})
	x.four.Store(&map[[4]string]M{})
	x.many.Store(&map[string]M{})
}

// find takes as many values as there are labels.
func (x *index[M]) find(values []string) (series M, ok bool) {
	switch len(values) {
	case 1:
		series, ok = (*x.one.Load())[values[0]]
	case 2:
		series, ok = (*x.two.Load())[[2]string(values)]
	case 3:
		series, ok = (*x.three.Load())[[3]string(values)]
	case 4:
		series, ok = (*x.four.Load())[[4]string(values)]
	default:
		var room [128]byte
		series, ok = (*x.many.Load())[string(joined(room[:0], values))]
	}
	return series, ok
}

// replace adds and removes series. It is called by one goroutine at a time.
func (x *index[M]) replace(added map[string]entry[M], removed []string) {
	switch x.labels {
	case 1:
		replaceMap(&x.one, added, removed, func(v []string) string { return v[0] })
	case 2:
		replaceMap(&x.two, added, removed, func(v []string) [2]string { return [2]string(v) })
	case 3:
		replaceMap(&x.three, added, removed, func(v []string) [3]string { return [3]string(v) })
	case 4:
		replaceMap(&x.four, added, removed, func(v []string) [4]string { return [4]string(v) })
	default:
		replaceMap(&x.many, added, removed, func(v []string) string { return string(joined(nil, v)) })
	}
}

func replaceMap[K comparable, M any](p *atomic.Pointer[map[K]M], added map[string]entry[M], removed []string, key func(values []string) K) {
	old := *p.Load()
	replaced := make(map[K]M, len(old)+len(added))
	maps.Copy(replaced, old)
	for _, e := range added {
		replaced[key(e.values)] = e.series
	}
	if removed != nil {
		delete(replaced, key(removed))
	}
	p.Store(&replaced)
}
