package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/hint"
)

// Options say what an App runs. DataDir and Listen are required, and one of Applications and ConfigFile.
type Options struct {
	// Listen is the address of the pages and the API, as 127.0.0.1:9090; port 0 takes a free one.
	Listen string
	// AnyPort takes a free port where Listen's is in use, AnyApplicationPort one where an application's is; either is said
	// in the log. Without them it is an error.
	AnyPort, AnyApplicationPort bool
	// DataDir keeps samples and what the demo applications write. One App at a time.
	DataDir string

	// Applications run here: their workers are started, merged, scraped and scaled.
	Applications []*application.Application
	// Local says how fast things move on this machine; nil is the default.
	Local *application.Local
	// Traffic is called with the addresses of the running applications by name and drives them until its context
	// ends; nil drives nothing.
	Traffic func(ctx context.Context, addresses map[string]string) error

	// ConfigFile is a Prometheus configuration to run as it is; DataDir is then the database's own directory.
	ConfigFile string
	// EnableLifecycle turns on POST /-/reload.
	EnableLifecycle bool
	// ExternalURL is where users reach the pages; "" is the address that is listened on.
	ExternalURL string
	// Hosts are names other than loopback ones by which browsers may reach the pages.
	Hosts []string

	// Version is shown on the pages.
	Version string
	// WorkerOutput receives the lines that workers print; nil discards them.
	WorkerOutput io.Writer
	// Logger may be nil.
	Logger *slog.Logger

	// readyAfter is how long a worker that does not notify has to live to count as ready; 0 is supervise's own. Tests of
	// workers that notify wait longer than any start takes.
	readyAfter time.Duration
}

func (o *Options) complete() error {
	if o.DataDir == "" {
		return hint.Errorf("pass a directory that keeps the samples", "no data directory given")
	}
	if o.ConfigFile == "" && len(o.Applications) == 0 {
		return hint.Errorf("pass an application file or a Prometheus configuration", "nothing to run")
	}
	// Discovery takes relative paths as relative to the configuration file.
	absolute, err := filepath.Abs(o.DataDir)
	if err != nil {
		return fmt.Errorf("data directory %s: %w", o.DataDir, err)
	}
	o.DataDir = absolute
	if o.Local == nil {
		o.Local = application.DefaultLocal()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return application.CheckTogether(o.Applications...)
}
