package jsonlog

import (
	"log/slog"
	"strings"
	"time"
)

// The names that open every line.
const (
	keyEvent     = "event"
	keyLevel     = "level"
	keyLogger    = "logger"
	keyTimestamp = "timestamp"
)

// timestampLayout is RFC 3339 with microseconds, which is what Python's datetime has.
const timestampLayout = "2006-01-02T15:04:05.000000Z"

func appendLine(line []byte, event string, level slog.Level, at time.Time, attrs []slog.Attr) []byte {
	attrs = members(make([]slog.Attr, 0, len(attrs)), attrs)
	logger := ""
	for i := range attrs {
		switch attrs[i].Key {
		case keyLogger:
			if attrs[i].Value.Kind() == slog.KindString {
				logger = attrs[i].Value.String()
				attrs[i] = slog.Attr{} // it has its place
				continue
			}
			fallthrough
		case keyEvent, keyLevel, keyTimestamp:
			attrs[i].Key += "_"
		}
	}
	line = append(line, `{"event":`...)
	line = appendString(line, event)
	line = append(line, `,"level":"`...)
	line = append(line, levelName(level)...)
	line = append(line, `","logger":`...)
	line = appendString(line, logger)
	line = append(line, `,"timestamp":`...)
	line = appendTime(line, at)
	for i, a := range attrs {
		if a.Key == "" && a.Equal(slog.Attr{}) || repeated(a.Key, attrs[i+1:]) {
			continue
		}
		line = append(line, ',')
		line = appendMember(line, a)
	}
	return append(line, "}\n"...)
}

// levelName is one of structlog's.
func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warning"
	case l < slog.LevelError+4:
		return "error"
	default:
		return "critical"
	}
}

// members appends attrs to list as they appear in an object: resolved, the members of groups without a name in their
// place, without what [slog.Handler] says is ignored.
func members(list, attrs []slog.Attr) []slog.Attr {
	for _, a := range attrs {
		if a.Equal(slog.Attr{}) {
			continue
		}
		a.Key = strings.ToValidUTF8(a.Key, "\ufffd") // before names are compared
		a.Value = a.Value.Resolve()
		if a.Value.Kind() != slog.KindGroup {
			list = append(list, a)
			continue
		}
		inner := members(nil, a.Value.Group())
		switch {
		case len(inner) == 0:
		case a.Key == "":
			list = append(list, inner...)
		default:
			list = append(list, slog.Attr{Key: a.Key, Value: slog.GroupValue(inner...)})
		}
	}
	return list
}

// repeated reports whether a later attribute takes the place of the key.
func repeated(key string, later []slog.Attr) bool {
	for i := range later {
		if later[i].Key == key {
			return true
		}
	}
	return false
}

func appendMember(line []byte, a slog.Attr) []byte {
	line = appendString(line, a.Key)
	line = append(line, ':')
	return appendValue(line, a.Value)
}

func appendGroup(line []byte, attrs []slog.Attr) []byte {
	line = append(line, '{')
	first := true
	for i, a := range attrs {
		if repeated(a.Key, attrs[i+1:]) {
			continue
		}
		if !first {
			line = append(line, ',')
		}
		first = false
		line = appendMember(line, a)
	}
	return append(line, '}')
}
