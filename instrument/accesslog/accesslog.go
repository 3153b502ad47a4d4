package accesslog

import (
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/truecount/truecount/instrument"
)

// New returns a function for Served of [instrument.Options] that logs each request. It may be called concurrently.
func New(opts Options) func(*http.Request, instrument.Served) {
	opts = opts.withDefaults()
	handler := opts.Logger.Handler()
	write := func(r *http.Request, s instrument.Served, sampled int) error {
		level := opts.Level(s)
		if !handler.Enabled(r.Context(), level) {
			return nil
		}
		e := newEntry(&opts, r, s, opts.Now())
		rec := slog.NewRecord(e.end, level, opts.Event, 0)
		rec.AddAttrs(e.attrs(&opts)...)
		if sampled > 1 {
			rec.AddAttrs(slog.Int("sampled", sampled))
		}
		return handler.Handle(r.Context(), rec)
	}
	return guarded(opts, write)
}

// guarded calls write for the requests that are to be logged, and keeps its failures from the request.
func guarded(opts Options, write func(r *http.Request, s instrument.Served, sampled int) error) func(*http.Request, instrument.Served) {
	var count atomic.Uint64
	return func(r *http.Request, s instrument.Served) {
		written := false
		defer func() {
			if p := recover(); (p != nil || !written) && opts.Failures != nil {
				opts.Failures.Inc()
			}
		}()
		if opts.Skip != nil && opts.Skip(r, s) {
			written = true
			return
		}
		sampled := 1
		if opts.Every > 1 && opts.Level(s) <= slog.LevelInfo {
			sampled = opts.Every
			if count.Add(1)%uint64(sampled) != 1 {
				written = true
				return
			}
		}
		written = write(r, s, sampled) == nil
	}
}

// entry is what a line says, redacted, and not yet made safe for one kind of line.
type entry struct {
	served                                    instrument.Served
	begin, end                                time.Time
	host, user, request, path, referer, agent string
	query, headers                            []pair
}

type pair struct{ name, value string }

func newEntry(o *Options, r *http.Request, s instrument.Served, now time.Time) *entry {
	e := &entry{served: s, begin: now.Add(-s.Duration), end: now}
	allows := func(f Fields) bool { return o.Fields&f != 0 }
	if len(o.Query) > 0 {
		e.query = o.allowedQuery(r.URL.Query())
	}
	for _, name := range o.Headers {
		if values := r.Header.Values(name); len(values) > 0 {
			e.headers = append(e.headers, pair{name, o.shown(name, values)})
		}
	}
	if allows(Host) {
		e.host = o.Client(r)
	}
	if allows(User) {
		e.user = o.User(r)
	}
	if allows(Path) {
		e.path = o.shownPath(r, s.Route)
	}
	if allows(Request) {
		e.request = r.Method + " " + o.shownPath(r, s.Route) + encoded(e.query) + " " + r.Proto
	}
	if allows(Referer) {
		e.referer = o.shownURL(r.Referer())
	}
	if allows(Agent) {
		e.agent = withoutUserinfo(r.UserAgent())
	}
	return e
}

// attrs are the entry's attributes in their order: that of the combined format, which is also the order of what is to
// be read first.
func (e *entry) attrs(o *Options) []slog.Attr {
	list := make([]slog.Attr, 0, 16)
	text := func(f Fields, name, value string) {
		if o.Fields&f != 0 {
			list = append(list, orNull(name, value))
		}
	}
	text(Host, "host", e.host)
	text(User, "user", e.user)
	if o.Fields&Time != 0 {
		list = append(list, slog.Time("time", e.begin))
	}
	text(Request, "request", e.request)
	list = append(list, slog.String("method", clean(e.served.Method)), slog.String("route", clean(e.served.Route)))
	if e.served.Status == 0 {
		list = append(list, slog.Any("status", nil))
	} else {
		list = append(list, slog.Int("status", e.served.Status))
	}
	list = append(list, slog.Int64("size", e.served.Size), slog.Float64("duration", e.served.Duration.Seconds()))
	text(Referer, "referer", e.referer)
	text(Agent, "agent", e.agent)
	text(Path, "path", e.path)
	list = append(list, object("query", e.query)...)
	list = append(list, object("headers", e.headers)...)
	if e.served.TraceID != "" {
		list = append(list, slog.String("trace_id", clean(e.served.TraceID)))
	}
	if e.served.SpanID != "" {
		list = append(list, slog.String("span_id", clean(e.served.SpanID)))
	}
	if e.served.Panicked {
		list = append(list, slog.Bool("panicked", true))
	}
	return slices.Clip(list)
}

func orNull(name, value string) slog.Attr {
	if value == "" || value == "-" {
		return slog.Any(name, nil)
	}
	return slog.String(name, clean(value))
}

func object(name string, pairs []pair) []slog.Attr {
	if len(pairs) == 0 {
		return nil
	}
	members := make([]slog.Attr, len(pairs))
	for i, p := range pairs {
		members[i] = slog.String(p.name, clean(p.value))
	}
	return []slog.Attr{{Key: name, Value: slog.GroupValue(members...)}}
}
