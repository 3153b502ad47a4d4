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
	// counted is what routes has few of: routes, or pairs of route and type where these are labels of one metric.
	counted func(route, kind string) [2]string

	mu            sync.Mutex
	types, routes places
}

func (p *panics) add(route string, value any) {
	kind := sanitized(bounded(fmt.Sprintf("%T", value)))
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.types.take([2]string{kind}, kind) {
		kind = labelOther
	}
	if route != labelOverflow && !p.routes.take(p.counted(route, kind), route) {
		route = labelOverflow
	}
	p.count(route, kind)
}

func typesBound(d *httpDeclaration, metric string) places {
	return newPlaces(d.bound(metric, maxPanicTypes, "types of panics should be few"))
}

// places are for label values, as many as the bound says.
type places struct {
	taken map[[2]string]bool
	bound *bound
}

func newPlaces(b *bound) places { return places{map[[2]string]bool{}, b} }

// take reports whether there is a place for the key; value is what the log says if not.
func (p *places) take(key [2]string, value string) bool {
	switch {
	case p.taken[key]:
	case len(p.taken) >= p.bound.limit:
		p.bound.exceeded(value)
		return false
	default:
		p.taken[key] = true
	}
	return true
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
