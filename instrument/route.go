package instrument

import (
	"net/http"
	"strings"
	"unicode/utf8"
)

// maxRouteBytes bounds a label value that an application's own Options.Route returns.
const maxRouteBytes = 200

// Pattern returns the pattern of [http.ServeMux] that r matched, without its method: "/walks/{id}".
// It is "" if none matched, and for CONNECT, where the mux may report the raw path of a redirect as the pattern.
//
// The mux sets r.Pattern on the request it was given. An intermediate handler that clones the request hides it from
// those further out; see [Routed].
func Pattern(r *http.Request) string {
	if r.Method == http.MethodConnect {
		return ""
	}
	pattern := r.Pattern
	// "[METHOD ][HOST]/[PATH]": a blank before the path ends a method.
	for i := range len(pattern) {
		switch pattern[i] {
		case '/':
			return pattern
		case ' ', '\t':
			for i++; i < len(pattern) && (pattern[i] == ' ' || pattern[i] == '\t'); {
				i++
			}
			return pattern[i:]
		}
	}
	return pattern
}

// Routed carries the route of next's requests to [Metrics.Middleware] where something between the two
// clones the request, as every use of [http.Request.WithContext] does. Wrap the mux in it:
//
//	m.Middleware(authenticate(instrument.Routed(mux)))
//
// A router that sets the pattern on a copy of its own, as chi does, has it as its first middleware.
// It works through every response writer in between that has an Unwrap method, as [http.ResponseController] does.
func Routed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Deferred, so that a request that panics has its route, too.
		defer func() {
			for rec := recorderOf(w); rec != nil; rec = recorderOf(rec.ResponseWriter) {
				rec.detail().request = r
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// SetRoute names the route of a request, for routers that don't set the request's pattern: call it in a middleware of
// the router, or in the handler. It has precedence over Options.Route. The route must have few values, "/walks/:id" and
// never "/walks/7"; "" changes nothing.
//
// It finds [Metrics.Middleware] through every response writer in between that has an Unwrap method, as [http.ResponseController]
// does, and reports whether there is one. Package contrib/routers has examples.
func SetRoute(w http.ResponseWriter, route string) bool {
	found := false
	for rec := recorderOf(w); rec != nil; rec = recorderOf(rec.ResponseWriter) {
		if found = true; route != "" {
			rec.detail().route = bounded(route)
		}
	}
	return found
}

// recorderOf returns the next recorder that w writes through. There is one for each Metrics that measures the request, and
// for each Outermost.
func recorderOf(w http.ResponseWriter) *recorder {
	for w != nil {
		switch v := w.(type) {
		case interface{ self() *recorder }:
			return v.self()
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return nil
		}
	}
	return nil
}

// bounded cuts a route so that an application's mistake cannot fill memory with label values.
func bounded(route string) string {
	if len(route) <= maxRouteBytes {
		return route
	}
	cut := maxRouteBytes
	for cut > maxRouteBytes-utf8.UTFMax && !utf8.RuneStart(route[cut]) {
		cut--
	}
	return route[:cut]
}

// sanitized makes a route a valid label value, of memory of its own.
func sanitized(route string) string {
	return strings.Clone(strings.ToValidUTF8(route, "\uFFFD"))
}
