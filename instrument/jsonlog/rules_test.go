package jsonlog_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/truecount/truecount/instrument/jsonlog"
)

func TestConcurrentLinesStayWhole(t *testing.T) {
	var out bytes.Buffer // one Write at a time, or the race detector sees it
	logger := slog.New(jsonlog.New(&out, jsonlog.Options{}))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 100 {
				logger.With("i", i).Info(strings.Repeat("x", 300))
			}
		})
	}
	wg.Wait()
	n := 0
	for line := range strings.Lines(out.String()) {
		check(t, line)
		n++
	}
	if n != 800 {
		t.Errorf("%d lines", n)
	}
}

// The standard library's own rules for handlers; a record without a time is the exception: a line always has a
// timestamp.
func TestTheHandlerKeepsSlogsRules(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return jsonlog.New(&out, jsonlog.Options{Now: func() time.Time { return noon }})
	}, func(t *testing.T) map[string]any {
		check(t, out.String())
		var m map[string]any
		if err := json.Unmarshal(out.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		m[slog.MessageKey] = m["event"]
		if m["timestamp"] != "2026-11-20T09:07:15.089925Z" {
			m[slog.TimeKey] = m["timestamp"]
		}
		return m
	})
}

func FuzzEveryLineParses(f *testing.F) {
	f.Add("event", "key", "value", 1.5, []byte(`{"a":1}`), 0)
	f.Add("e\n\"", "logger", "\xff\u2028", math.NaN(), []byte("\xff"), 9)
	f.Add("", "", "", math.Inf(1), []byte(`"\ud800"`), -9)
	f.Fuzz(func(t *testing.T, event, key, text string, number float64, raw []byte, level int) {
		var out bytes.Buffer
		logger := slog.New(jsonlog.New(&out, jsonlog.Options{Level: slog.Level(math.MinInt)}))
		logger.With(key, text).WithGroup(text).Log(t.Context(), slog.Level(level), event, key, text, text, number, "raw", json.RawMessage(raw),
			slog.Group(key, text, key, "error", fmt.Errorf("%s", text)), "strings", []string{text}, "map", map[string]any{text: number})
		logger.LogAttrs(t.Context(), slog.Level(level), event, slog.String(key, text), slog.Any(text, json.RawMessage(raw)), slog.Group("", key, number))
		n := 0
		for line := range strings.Lines(out.String()) {
			check(t, line)
			n++
		}
		if n != 2 {
			t.Errorf("%d lines for 2 records", n)
		}
	})
}
