package accesslog

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

// Fields is a set of what may appear in a line besides what always does.
type Fields uint

const (
	// Host is the client's address without its port, host. See Options.Client.
	Host Fields = 1 << iota
	// User is the name that the client gave for basic authentication, user. See Options.User.
	User
	// Time is when the request arrived, time; the line's own time is that of its end.
	Time
	// Request is the first line of the request, request: "GET /walks/7?page=2 HTTP/1.1", with those parameters of the
	// query that Options.Query names.
	Request
	// Referer is the page that led here, referer, with the same parameters and without user and password. Its path is
	// as the client sent it.
	Referer
	// Agent is the client's name for itself, agent.
	Agent
	// Path is the path that was asked for, path, which has more values than route.
	Path

	// Combined is what the combined log format has.
	Combined = Host | User | Time | Request | Referer | Agent
)

// Options of [New] and [NewCombined]. Only Logger is needed.
type Options struct {
	// Logger is written to. Default: nobody. [NewCombined] has no use for it.
	Logger *slog.Logger
	// Event is the message of each line. Default: "request".
	Event string

	// Fields are what may appear besides method, route, status, size, duration and trace_id. Default: nothing.
	Fields Fields
	// Query names the parameters of the query that may appear, in an object query, and in request and referer where
	// these are allowed. Default: none.
	Query []string
	// Headers names the request headers that may appear, in an object headers. Default: none.
	Headers []string
	// Redact says of the name of a parameter, a header or a wildcard of the route ("token" of /reset/{token}, or of
	// /reset/:token) that its value is a secret. A path is known by its route alone: one that no route matched, or the
	// route of a mux around the one with the wildcard, hides nothing. Default: [Secret].
	Redact func(name string) bool

	// Client returns the client's address where a proxy that is trusted says it in a header. Default: the address of
	// the connection.
	Client func(*http.Request) string
	// User returns the name of the user who is logged in. Default: that of basic authentication, which the handler
	// may have refused.
	User func(*http.Request) string

	// Level is the level of a line. Default: [Level].
	Level func(instrument.Served) slog.Level
	// Skip says of a request that it is not logged; see [Healthy]. Default: all are.
	Skip func(*http.Request, instrument.Served) bool
	// Every logs one of so many requests of level info and lower, whose lines have the number as sampled. Others are
	// all logged. Default: 1.
	Every int

	// Failures counts the lines that could not be written. It is yours to register. Default: not counted.
	Failures prometheus.Counter

	// Now tells the time. Default: [time.Now].
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Event == "" {
		o.Event = "request"
	}
	if o.Redact == nil {
		o.Redact = Secret
	}
	if o.Client == nil {
		o.Client = remoteHost
	}
	if o.User == nil {
		o.User = basicUser
	}
	if o.Level == nil {
		o.Level = Level
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Level is error for a status of 500 and above and for panics, warning for 400 and above, as Django's request logger
// has it, and info for the rest.
func Level(s instrument.Served) slog.Level {
	switch {
	case s.Panicked || s.Status >= http.StatusInternalServerError:
		return slog.LevelError
	case s.Status >= http.StatusBadRequest:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}

// Healthy is for Options.Skip: requests of the routes are not logged unless they fail. It suits probes and scrapes.
func Healthy(routes ...string) func(*http.Request, instrument.Served) bool {
	set := make(map[string]bool, len(routes))
	for _, route := range routes {
		set[route] = true
	}
	return func(_ *http.Request, s instrument.Served) bool {
		return set[s.Route] && !s.Panicked && s.Status < http.StatusBadRequest
	}
}
