package server

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
)

// password is the one of a URL, in any text.
var password = regexp.MustCompile(`(://[^/?#\s:@]*):[^/?#\s]*@`)

// redacting takes passwords in URLs out of log records: the libraries log remote-write addresses as they were written.
type redacting struct{ slog.Handler }

// Handle implements [slog.Handler].
func (h redacting) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, redact(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(redactAttr(a))
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

// WithAttrs implements [slog.Handler].
func (h redacting) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = redactAttr(a)
	}
	return redacting{h.Handler.WithAttrs(clean)}
}

// WithGroup implements [slog.Handler].
func (h redacting) WithGroup(name string) slog.Handler { return redacting{h.Handler.WithGroup(name)} }

func redactAttr(a slog.Attr) slog.Attr {
	switch a.Value = a.Value.Resolve(); a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, redact(a.Value.String()))
	case slog.KindGroup:
		group := a.Value.Group()
		clean := make([]slog.Attr, len(group))
		for i, member := range group {
			clean[i] = redactAttr(member)
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(clean...)}
	case slog.KindAny:
		if text := fmt.Sprint(a.Value.Any()); password.MatchString(text) {
			return slog.String(a.Key, redact(text))
		}
	}
	return a
}

func redact(text string) string { return password.ReplaceAllString(text, "$1:<secret>@") }
