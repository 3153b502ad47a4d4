package jsonlog_test

import (
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/truecount/truecount/instrument/jsonlog"
)

func Example() {
	handler := jsonlog.New(os.Stdout, jsonlog.Options{Logger: "dogwalk"})

	logger := slog.New(stopped{handler}) // an ordinary program writes slog.New(handler)
	logger.Info("started", "address", "127.0.0.1:8001")

	walks := logger.With("logger", "dogwalk.walks")
	walks.Info("walk started", "walk", 7, "dog", slog.GroupValue(slog.String("name", "Rex"), slog.String("size", "xl")))
	walks.Error("walk is not saved", "error", errors.New("database is down"), "took", 1500*time.Millisecond)
	// Output:
	// {"event":"started","level":"info","logger":"dogwalk","timestamp":"2026-11-20T09:07:15.089925Z","address":"127.0.0.1:8001"}
	// {"event":"walk started","level":"info","logger":"dogwalk.walks","timestamp":"2026-11-20T09:07:15.089925Z","walk":7,"dog":{"name":"Rex","size":"xl"}}
	// {"event":"walk is not saved","level":"error","logger":"dogwalk.walks","timestamp":"2026-11-20T09:07:15.089925Z","error":"database is down","took":1.5}
}

// An attribute that collides with one of the four names is kept under another.
func Example_collision() {
	logger := slog.New(stopped{jsonlog.New(os.Stdout, jsonlog.Options{Logger: "clicks"})})
	logger.Warn("button clicked", "event", "click", "level", 9001)
	// Output:
	// {"event":"button clicked","level":"warning","logger":"clicks","timestamp":"2026-11-20T09:07:15.089925Z","event_":"click","level_":9001}
}
