package instrument

import (
	"fmt"
	"net/http"
	"sync"
)

// failure is how a handler ended that did not return. The value is nil if its goroutine ended (runtime.Goexit).
type failure struct{ value any }

// status is what a request is counted with, whose handler sent the status given; 0 is none.
func (f *failure) status(sent int) int {
	if f == nil || f.aborted() && sent != 0 {
		return sent
	}
	return http.StatusInternalServerError
}

// aborted says that the handler cut the connection on purpose, as a proxy does when its origin breaks off.
func (f *failure) aborted() bool { return f.value == http.ErrAbortHandler }

// maxPanicTypes bounds the values of the label type. A program has a fixed number of types, but package reflect makes more.
const maxPanicTypes = 100

// panics counts panics. It is asked rarely, so that a lock and a lookup by labels do.
type panics struct {
	count func(route, kind string)

	mu     sync.Mutex
	types  folded
	routes folded
}

func newPanics(d *httpDeclaration, metric string, count func(route, kind string)) *panics {
	return &panics{
		count:  count,
		types:  folded{known: map[string]bool{}, other: labelOther, bound: d.bound(metric, maxPanicTypes, "types of panics should be few")},
		routes: folded{known: map[string]bool{}, other: labelOverflow, bound: d.seriesBound(metric)},
	}
}

func (p *panics) add(route string, value any) {
	kind := sanitized(bounded(fmt.Sprintf("%T", value)))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count(p.routes.fold(route), p.types.fold(kind))
}

// folded are values of a label.
type folded struct {
	known map[string]bool
	other string
	bound *bound
}

// fold returns value while there are few, and other for those beyond the limit.
func (f *folded) fold(value string) string {
	if f.known[value] || value == f.other {
		return value
	}
	if len(f.known) >= f.bound.limit {
		f.bound.exceeded(value)
		return f.other
	}
	f.known[value] = true
	return value
}

// panicked counts a panic, unless it is none in people's sense: a connection cut on purpose, a goroutine that ended.
func (h *httpMetrics) panicked(s *series, r *http.Request, failed *failure) {
	if failed.value == nil || failed.aborted() {
		return
	}
	h.panics.add(s.route, failed.value)
	if c, ok := r.Context().Value(chainKey{h}).(*chain); ok {
		c.panicCounted.Store(true)
	}
}
