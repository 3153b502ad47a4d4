// Package accesslog writes a line for each request that a service has served, with the very route, status, size and
// duration that package instrument counted.
//
//	m, err := instrument.New(instrument.Options{
//		Registry: prometheus.NewRegistry(),
//		Served: accesslog.New(accesslog.Options{
//			Logger: logger.With("logger", "dogwalk.access"),
//			Skip:   accesslog.Healthy("/metrics", "/health/"),
//		}),
//	})
//
// With package jsonlog a line is
//
//	{"event":"request","level":"info","logger":"dogwalk.access","timestamp":"2026-11-20T09:07:15.089925Z",
//	 "method":"GET","route":"/walks/{id}","status":200,"size":512,"duration":0.0021,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}
//
// # What appears
//
// Method, route, status, size, duration, trace id: nothing of it is the client's to choose. Everything else a request
// holds may be a secret or somebody's data, and appears only where Options.Fields, Query and Headers allow it by
// name; what is allowed and absent is null. [Combined] allows what the combined log format of Apache and nginx has:
// host, user, time, request, status, size, referer, agent.
//
// What is allowed is still redacted: parameters, headers and path values whose names say that they are secret
// ([Secret]) appear as "[redacted]", other parameters of the query don't appear at all, and URLs lose their user and
// password.
//
// # What clients can't do
//
// Control characters, separators of lines, marks that turn text around and invalid UTF-8 are written as escapes
// (\x0a), so that no request forges a line or steers a terminal, whatever handler the logger has. Each value is cut
// at 1,024 bytes.
//
// A logger that fails or panics loses its line, counted by Options.Failures, and never the request. It is called by
// the request's own goroutine after the handler has returned: a logger that blocks holds the connection.
package accesslog
