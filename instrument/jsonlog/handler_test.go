package jsonlog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/truecount/truecount/instrument/jsonlog"
)

var noon = time.Date(2026, 11, 20, 10, 7, 15, 89925000, time.FixedZone("CET", 3600))

// stopped is a handler whose clock stands still.
type stopped struct{ slog.Handler }

func (s stopped) Handle(ctx context.Context, r slog.Record) error {
	r.Time = noon
	return s.Handler.Handle(ctx, r)
}
func (s stopped) WithAttrs(a []slog.Attr) slog.Handler { return stopped{s.Handler.WithAttrs(a)} }
func (s stopped) WithGroup(g string) slog.Handler      { return stopped{s.Handler.WithGroup(g)} }

// logged returns the line that log makes, without the four names where they are as expected.
func logged(t *testing.T, log func(*slog.Logger)) string {
	t.Helper()
	var out bytes.Buffer
	log(slog.New(stopped{jsonlog.New(&out, jsonlog.Options{Logger: "l"})}))
	line := out.String()
	check(t, line)
	rest, ok := strings.CutPrefix(line, `{"event":"e","level":"info","logger":"l","timestamp":"2026-11-20T09:07:15.089925Z"`)
	if !ok {
		return line
	}
	return strings.TrimSuffix(strings.TrimPrefix(rest, ","), "}\n")
}

// check is what holds for every line: one valid JSON object with the four names, each name once, in valid UTF-8
// without control characters.
func check(t *testing.T, line string) {
	t.Helper()
	if !strings.HasSuffix(line, "\n") || strings.Count(line, "\n") != 1 {
		t.Fatalf("not one line: %q", line)
	}
	if !utf8.ValidString(line) {
		t.Fatalf("not UTF-8: %q", line)
	}
	for _, r := range strings.TrimSuffix(line, "\n") {
		if r < ' ' || r >= 0x7f && r <= 0x9f || r == '\u2028' || r == '\u202e' {
			t.Fatalf("has %U: %q", r, line)
		}
	}
	names := map[string]int{}
	dec := json.NewDecoder(strings.NewReader(line))
	if _, err := dec.Token(); err != nil {
		t.Fatalf("%v: %q", err, line)
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		names[name.(string)]++
		var value any
		if err := dec.Decode(&value); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if _, isString := value.(string); !isString && (name == "event" || name == "level" || name == "logger" || name == "timestamp") {
			t.Fatalf("%s is no string: %q", name, line)
		}
	}
	if _, err := dec.Token(); err != nil {
		t.Fatalf("%v: %q", err, line)
	}
	for _, name := range []string{"event", "level", "logger", "timestamp"} {
		if names[name] == 0 {
			t.Errorf("no %s: %q", name, line)
		}
	}
	for name, n := range names {
		if n != 1 {
			t.Errorf("%q occurs %d times: %q", name, n, line)
		}
	}
}

func TestALineHasTheFourNamesAsTheTutorialHasThem(t *testing.T) {
	var out bytes.Buffer
	slog.New(stopped{jsonlog.New(&out, jsonlog.Options{Logger: "dogwalk.walks"})}).Info("walk_started", "walk", 7)
	want := `{"event":"walk_started","level":"info","logger":"dogwalk.walks","timestamp":"2026-11-20T09:07:15.089925Z","walk":7}` + "\n"
	if out.String() != want {
		t.Errorf("got  %swant %s", out.String(), want)
	}
}

func TestLevelsHaveStructlogsNames(t *testing.T) {
	for level, want := range map[slog.Level]string{
		-100: "debug", slog.LevelDebug: "debug", -1: "debug", slog.LevelInfo: "info", 3: "info", slog.LevelWarn: "warning",
		slog.LevelError: "error", slog.LevelError + 4: "critical", 100: "critical",
	} {
		var out bytes.Buffer
		slog.New(jsonlog.New(&out, jsonlog.Options{Level: slog.Level(-200)})).Log(t.Context(), level, "e")
		check(t, out.String())
		if !strings.Contains(out.String(), `"level":"`+want+`"`) {
			t.Errorf("level %d: %s", level, out.String())
		}
	}
}

func TestLevelsBelowTheLowestAreNotWritten(t *testing.T) {
	var out bytes.Buffer
	level := new(slog.LevelVar)
	logger := slog.New(jsonlog.New(&out, jsonlog.Options{Level: level}))
	logger.Debug("no")
	level.Set(slog.LevelDebug)
	logger.Debug("yes")
	if got := out.String(); strings.Contains(got, "no") || !strings.Contains(got, "yes") {
		t.Error(got)
	}
}

func TestTheLoggerIsNamedByOptionOrAttribute(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts jsonlog.Options
		log  func(*slog.Logger)
		want string
	}{
		{"neither", jsonlog.Options{}, func(l *slog.Logger) { l.Info("e") }, `"logger":"root"`},
		{"option", jsonlog.Options{Logger: "a"}, func(l *slog.Logger) { l.Info("e") }, `"logger":"a"`},
		{"With", jsonlog.Options{Logger: "a"}, func(l *slog.Logger) { l.With("logger", "b").Info("e") }, `"logger":"b"`},
		{"the last one counts", jsonlog.Options{Logger: "a"}, func(l *slog.Logger) { l.With("logger", "b").Info("e", "logger", "c") }, `"logger":"c"`},
		{"With before a group", jsonlog.Options{}, func(l *slog.Logger) { l.With("logger", "b").WithGroup("g").Info("e", "logger", "c") }, `"g":{"logger":"c"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			tt.log(slog.New(jsonlog.New(&out, tt.opts)))
			check(t, out.String())
			if !strings.Contains(out.String(), tt.want) {
				t.Errorf("got %s, want %s", out.String(), tt.want)
			}
		})
	}
}

type (
	stringer  struct{ s string }
	panicking struct{ with any }
	badBytes  struct{}
	secret    struct{}
)

func (s *stringer) String() string { return "<" + s.s + ">" }
func (p panicking) String() string { panic(p.with) }
func (badBytes) MarshalJSON() ([]byte, error) {
	return []byte("{\"a\":\"\xff\x7f\u0085\",\n\"b\":1}"), nil
}
func (secret) LogValue() slog.Value           { return slog.StringValue("[redacted]") }
func group(attrs ...any) func(*slog.Logger)   { return func(l *slog.Logger) { l.Info("e", attrs...) } }
func value(v any) func(*slog.Logger)          { return group("v", v) }
func nilPointer() (p *stringer, e *url.Error) { return nil, nil }
func cyclic() map[string]any                  { m := map[string]any{}; m["m"] = m; return m }
func text(s string) func(*slog.Logger)        { return func(l *slog.Logger) { l.Info(s) } }
func message(s string) string {
	return `{"event":` + s + `,"level":"info","logger":"l","timestamp":"2026-11-20T09:07:15.089925Z"}` + "\n"
}

func TestAnyValueMakesOneValidLine(t *testing.T) {
	nilStringer, nilError := nilPointer()
	for _, tt := range []struct {
		name string
		log  func(*slog.Logger)
		want string
	}{
		{"string", value("a"), `"v":"a"`},
		{"numbers", group("a", 1, "b", uint64(1<<63), "c", 1.5, "d", int8(-1)), `"a":1,"b":9223372036854775808,"c":1.5,"d":-1`},
		{"floats as encoding/json has them", group("a", 1e-7, "b", 1e21, "c", 0.0, "d", 123456789.0), `"a":1e-07,"b":1e+21,"c":0,"d":123456789`},
		{"not a number", group("a", math.NaN(), "b", math.Inf(-1)), `"a":"NaN","b":"-Inf"`},
		{"bool and nil", group("a", true, "b", nil), `"a":true,"b":null`},
		{"duration in seconds", value(1500 * time.Microsecond), `"v":0.0015`},
		{"time", value(noon), `"v":"2026-11-20T09:07:15.089925Z"`},
		{"error", value(errors.New("no\nway")), `"v":"no\nway"`},
		{"Stringer", value(&stringer{"s"}), `"v":"<s>"`},
		{"nil pointers", group("a", nilStringer, "b", nilError), `"a":"<nil>","b":"<nil>"`},
		{"struct", value(struct {
			A int `json:"a"`
			b int
		}{1, 2}), `"v":{"a":1}`},
		{"slice and map", value([]any{1, map[string]int{"b": 2, "a": 1}}), `"v":[1,{"a":1,"b":2}]`},
		{"no HTML escapes", value(struct{ A string }{"<&>"}), `"v":{"A":"<&>"}`},
		{"LogValuer", value(secret{}), `"v":"[redacted]"`},
		{"channel", value(make(chan int)), `"v":"!ERROR:json: unsupported type: chan int"`},
		{"panic", value(panicking{"oops"}), `"v":"!PANIC: oops"`},
		{"panic with what panics", value(panicking{panicking{"x"}}), ``},
		{"a Marshaler that makes no UTF-8", value(badBytes{}), `"v":{"a":"\ufffd\u007f\u0085","b":1}`},
		{"invalid UTF-8", value("a\xffb"), `"v":"a\ufffdb"`},
		{"a real U+FFFD", value("\ufffd"), "\"v\":\"\ufffd\""},
		{"control characters", value("\x00\x1b[31m\r\n\t\x7f\u009b"), `"v":"\u0000\u001b[31m\r\n\t\u007f\u009b"`},
		{"separators and bidi marks", value("\u2028\u202e\u2066"), `"v":"\u2028\u202e\u2066"`},
		{"quotes", value(`"\`), `"v":"\"\\"`},
		{"key", group("a\n\"", 1), `"a\n\"":1`},
		{"no key", group("", 1), `"":1`},
		{"missing value", group("k"), `"!BADKEY":"k"`},
		{"message", text("e\n{\"event\":\"forged\"}"), message(`"e\n{\"event\":\"forged\"}"`)},
		{"group", value(slog.GroupValue(slog.Int("a", 1), slog.Group("g", "b", 2))), `"v":{"a":1,"g":{"b":2}}`},
		{"empty groups", group(slog.Group("g"), slog.Group("h", slog.Group("i"))), ``},
		{"inline group", group(slog.Group("", "a", 1)), `"a":1`},
		{"zero Attr", group(slog.Attr{}, slog.Int("a", 1)), `"a":1`},
		{"a name twice", group("a", 1, "b", 2, "a", 3), `"b":2,"a":3`},
		{"a name twice in a group", group(slog.Group("g", "a", 1, "a", 2)), `"g":{"a":2}`},
		{"collisions", group("event", 1, "level", 2, "timestamp", 3, "logger", 4), `"event_":1,"level_":2,"timestamp_":3,"logger_":4`},
		{"collision of collisions", group("event_", 1, "event", 2), `"event_":2`},
		{"collisions in groups are none", group(slog.Group("g", "event", 1, "logger", "x")), `"g":{"event":1,"logger":"x"}`},
		{"collision by an inline group", group(slog.Group("", "event", 1)), `"event_":1`},
		{"WithGroup and With", func(l *slog.Logger) { l.With("a", 1).WithGroup("g").With("b", 2).WithGroup("h").Info("e", "c", 3) }, `"a":1,"g":{"b":2,"h":{"c":3}}`},
		{"an open group without members", func(l *slog.Logger) { l.With("a", 1).WithGroup("g").Info("e") }, `"a":1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := logged(t, tt.log); got != tt.want && tt.want != "" {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestAMapThatContainsItselfIsAnErrorInItsPlace(t *testing.T) {
	if got := logged(t, value(cyclic())); !strings.HasPrefix(got, `"v":"!ERROR:json: unsupported value: encountered a cycle`) {
		t.Error(got)
	}
}

func TestLoggersDoNotShareAttributes(t *testing.T) {
	var out bytes.Buffer
	base := slog.New(jsonlog.New(&out, jsonlog.Options{})).With("a", 1)
	b, c := base.With("b", 2), base.With("c", 3)
	b.Info("e")
	c.Info("e")
	lines := strings.Split(out.String(), "\n")
	if !strings.HasSuffix(lines[0], `"a":1,"b":2}`) || !strings.HasSuffix(lines[1], `"a":1,"c":3}`) {
		t.Error(out.String())
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestTheWritersErrorIsReturned(t *testing.T) {
	err := jsonlog.New(failing{}, jsonlog.Options{}).Handle(t.Context(), slog.NewRecord(noon, 0, "e", 0))
	if err == nil || err.Error() != "disk full" {
		t.Error(err)
	}
}
