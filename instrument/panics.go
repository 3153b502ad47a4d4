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
	types  map[string]bool
	routes map[string]bool
}

func newPanics() *panics { return &panics{types: map[string]bool{}, routes: map[string]bool{}} }

func (p *panics) add(route string, value any, maxRoutes int) {
	kind := sanitized(bounded(fmt.Sprintf("%T", value)))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count(fold(p.routes, route, maxRoutes, labelOverflow), fold(p.types, kind, maxPanicTypes, labelOther))
}

// fold returns value while there are few, and other for those beyond the limit.
func fold(known map[string]bool, value string, limit int, other string) string {
	if known[value] {
		return value
	}
	if len(known) >= limit {
		return other
	}
	known[value] = true
	return value
}

// panicked counts a panic, unless it is none in people's sense: a connection cut on purpose, a goroutine that ended.
func (h *httpMetrics) panicked(s *series, r *http.Request, failed *failure) {
	if failed.value == nil || failed.aborted() {
		return
	}
	h.panics.add(s.route, failed.value, h.maxSeries)
	if c, ok := r.Context().Value(chainKey{h}).(*chain); ok {
		c.panicCounted.Store(true)
	}
}
