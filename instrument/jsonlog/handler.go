package jsonlog

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Options of [New]. The zero value is usable.
type Options struct {
	// Logger names the logger in each line. Default: "root", as Python's logging names its own.
	Logger string
	// Level is the lowest level that is written. Default: [slog.LevelInfo].
	Level slog.Leveler
	// Now tells the time of records that have none. Default: [time.Now].
	Now func() time.Time
}

// Handler is a [slog.Handler]. Make it with [New]; it may be used concurrently.
type Handler struct {
	out    *output
	level  slog.Leveler
	now    func() time.Time
	scopes []scope // the first is the line itself, the others are open groups
}

// scope holds the attributes of an open group.
type scope struct {
	group string
	attrs []slog.Attr
}

type output struct {
	mu sync.Mutex
	w  io.Writer
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

// maxPooled keeps one huge line from staying in memory.
const maxPooled = 64 << 10

// New returns a handler that writes each record to w by one Write.
func New(w io.Writer, opts Options) *Handler {
	if opts.Logger == "" {
		opts.Logger = "root"
	}
	if opts.Level == nil {
		opts.Level = slog.LevelInfo
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Handler{
		out: &output{w: w}, level: opts.Level, now: opts.Now,
		scopes: []scope{{attrs: []slog.Attr{slog.String(keyLogger, opts.Logger)}}},
	}
}

// Enabled reports whether records of the level are written.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level.Level() }

// WithAttrs returns a handler whose lines have attrs, too.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	c := h.clone()
	last := &c.scopes[len(c.scopes)-1]
	last.attrs = append(slices.Clip(last.attrs), attrs...)
	return c
}

// WithGroup returns a handler that puts the attributes to come into an object of that name.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := h.clone()
	c.scopes = append(c.scopes, scope{group: name})
	return c
}

func (h *Handler) clone() *Handler {
	c := *h
	c.scopes = slices.Clone(h.scopes)
	return &c
}

// Handle writes the record as one line. The error is that of the writer.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	at := r.Time
	if at.IsZero() {
		at = h.now()
	}
	pooled := buffers.Get().(*[]byte)
	line := appendLine((*pooled)[:0], r.Message, r.Level, at, h.attrs(r))
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	defer func() {
		if cap(line) <= maxPooled {
			*pooled = line
			buffers.Put(pooled)
		}
	}()
	_, err := h.out.w.Write(line)
	return err
}

// attrs returns the attributes of a line, open groups as values of the last one.
func (h *Handler) attrs(r slog.Record) []slog.Attr {
	last := h.scopes[len(h.scopes)-1]
	attrs := make([]slog.Attr, 0, len(last.attrs)+r.NumAttrs())
	attrs = append(attrs, last.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	for i := len(h.scopes) - 1; i > 0; i-- {
		group := slog.Attr{Key: h.scopes[i].group, Value: slog.GroupValue(attrs...)}
		attrs = append(slices.Clip(h.scopes[i-1].attrs), group)
	}
	return attrs
}
