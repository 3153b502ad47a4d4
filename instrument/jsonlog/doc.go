// Package jsonlog writes logs as JSON lines with the names that structlog's users know: event, level, logger,
// timestamp.
//
//	{"event":"walk started","level":"info","logger":"dogwalk.walks","timestamp":"2026-11-20T09:07:15.089925Z","walk":7}
//
// It is a [slog.Handler]; everything else stays log/slog:
//
//	logger := slog.New(jsonlog.New(os.Stderr, jsonlog.Options{Logger: "dogwalk"}))
//	walks := logger.With("logger", "dogwalk.walks")
//	walks.Info("walk started", "walk", 7)
//
// # The four names
//
// They open every line, in this order, and occur once:
//
//   - event is the message;
//   - level is debug, info, warning, error or critical, as structlog's add_log_level says it: what lies between two of
//     slog's levels has the lower one's name, what is four or more above [slog.LevelError] is critical;
//   - logger is Options.Logger, or the string of the last attribute of that name outside of groups;
//   - timestamp is in UTC with six digits of the second.
//
// An attribute that collides with one of them is not lost: event, level, timestamp, and a logger that is not a
// string, appear with an underscore appended, event_. Of attributes with one name the last one counts, as a JSON
// object with a name twice is read differently by different programs. Groups are objects.
//
// # Values
//
// Errors appear as their text, durations as seconds, times as timestamp does, values with a String method as what it
// returns (unless they know JSON or text themselves), everything else as encoding/json has it. What can't be
// marshalled, or panics when it is asked, appears as a string that begins with "!ERROR:" or "!PANIC:". Whatever is
// logged, a line is one valid JSON object in valid UTF-8 without control characters.
package jsonlog
