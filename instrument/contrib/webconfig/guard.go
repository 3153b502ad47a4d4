package webconfig

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// guard stands around exporter-toolkit's handler, which reads the file for each request, asks for the password and
// serves. What it adds: a file that changes in the moment of a request, or asks nobody any more, lets nobody in;
// comparisons of passwords are bounded; and what became of requests is counted.
type guard struct {
	file        *file
	metrics     *metrics
	ownListener bool
	toolkit     http.Handler
	lanes       *lanes
}

// attempts is how often a request is judged if the file changes meanwhile.
const attempts = 3

// visit is one request on its way through the toolkit's handler.
type visit struct {
	writer  http.ResponseWriter
	file    stamp
	ticket  ticket
	changed bool
	passed  bool
}

type visitKey struct{}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for range attempts {
		state := g.file.read()
		// Waiting first spares the toolkit's rate limit a second try.
		if wait := state.stamp.settles(); state.problem == nil && wait > 0 {
			if !waited(r.Context(), wait) {
				return
			}
			state = g.file.read()
		}
		problem := state.problem
		if problem == nil && !g.file.authenticates(state, g.ownListener) {
			problem = g.file.nobodyAsked()
		}
		if problem != nil {
			g.fail(w, problem)
			return
		}
		if g.judge(w, r, state) {
			return
		}
	}
	g.fail(w, fmt.Errorf("the web configuration file %s changes too often to be read", g.file.path))
}

// waited reports whether the client waits, too.
func waited(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (g *guard) fail(w http.ResponseWriter, problem error) {
	g.file.report(problem)
	g.metrics.count(misconfigured)
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}

// judge passes the request on, and reports whether it was answered.
func (g *guard) judge(w http.ResponseWriter, r *http.Request, s state) bool {
	ticket, ok := g.lanes.enter(r.Header.Get("Authorization"), s)
	if !ok {
		g.metrics.count(busy)
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many passwords to compare", http.StatusServiceUnavailable)
		return true
	}
	defer g.lanes.leave(ticket)
	v := &visit{writer: w, file: s.stamp, ticket: ticket}
	verdict := &verdict{ResponseWriter: w}
	g.toolkit.ServeHTTP(verdict, r.WithContext(context.WithValue(r.Context(), visitKey{}, v)))
	switch {
	case v.changed:
		return false
	case v.passed:
	case verdict.status == http.StatusUnauthorized:
		g.file.report(nil)
		g.metrics.count(unauthorized)
	case verdict.status == http.StatusTooManyRequests:
		g.metrics.count(rateLimited)
	default:
		g.file.report(fmt.Errorf("the web configuration file %s is refused; %s", g.file.path, checkHint))
		g.metrics.count(misconfigured)
	}
	return true
}

// passed is the handler that the toolkit lets a request through to.
func (g *guard) passed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		v, ok := r.Context().Value(visitKey{}).(*visit)
		if !ok {
			return
		}
		// The toolkit has read the file by itself: only if it was the same before and after, and could not have been
		// another in between, is it known what was read.
		if !v.file.same(g.file.version()) || v.file.settles() > 0 {
			v.changed = true
			return
		}
		v.passed = true
		g.lanes.remember(v.ticket)
		g.lanes.leave(v.ticket) // serving is not comparing
		g.file.report(nil)
		g.metrics.count(served)
		r.Header = r.Header.Clone()
		r.Header.Del("Authorization") // the password goes no further
		next.ServeHTTP(v.writer, r)
	})
}

// verdict remembers the status of an answer that the toolkit gives by itself.
type verdict struct {
	http.ResponseWriter
	status int
}

func (v *verdict) WriteHeader(status int) {
	v.status = status
	v.ResponseWriter.WriteHeader(status)
}
