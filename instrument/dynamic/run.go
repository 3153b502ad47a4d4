package dynamic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/truecount/truecount/instrument"
)

// Options of [Run]. Name and Collect are needed.
type Options struct {
	// Name is that of the collector, "service_windows": in logs and as the label collector of the metrics about it.
	Name string
	// Collect yields the samples of one scrape. It is asked by one scrape at a time and should return when ctx is done,
	// before the scraper gives up. What it yielded before it failed is exposed; an error, a panic or being late is
	// counted in instrument_collector_failures_total. Several goroutines may call yield at once; after Collect has returned
	// it does nothing.
	Collect func(ctx context.Context, yield func(Sample)) error
	// Ready says whether the source can be asked: that the database answers, that its migrations are done. It is asked
	// until it returns nil, for 5 s at most each time. Default: it always can.
	Ready func(ctx context.Context) error
	// MaxSeries is how many series a scrape takes; those after it are dropped and counted, reason "budget". Default: 1,000.
	MaxSeries int
	// Retry is how long is waited before Ready is asked again; it doubles each time, up to 30 s. Default: 250 ms.
	Retry time.Duration
	// OnReady is called once, when the samples are exposed from the next scrape on. Optional.
	OnReady func()
	// Logger is told when the source is waited for and when it is ready. Default: that of the metrics.
	Logger *slog.Logger
}

const (
	readyTimeout = 5 * time.Second
	maxRetry     = 30 * time.Second
)

func (o Options) withDefaults(logger *slog.Logger) (Options, error) {
	switch {
	case o.Name == "":
		return o, errors.New("no name given: set Options.Name to a word that says what is read")
	case o.Collect == nil:
		return o, errors.New("no source given: set Options.Collect")
	case o.MaxSeries < 0 || o.Retry < 0:
		return o, errors.New("Options.MaxSeries and Retry must not be negative")
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	if o.MaxSeries == 0 {
		o.MaxSeries = 1000
	}
	if o.Retry == 0 {
		o.Retry = 250 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = logger
	}
	o.Logger = o.Logger.With("collector", o.Name)
	return o, nil
}

// Run waits until the source is ready, lets m expose its samples, and takes them back when ctx is done. It returns nil
// then, and an error if the options make no sense or another collector has the name. While it waits,
// instrument_collector_success{collector} is 0.
//
// It blocks: give it a goroutine of its own, and wait for that before the source is closed.
func Run(ctx context.Context, m *instrument.Metrics, opts Options) error {
	if m == nil {
		return errors.New("dynamic: no metrics given: make them with instrument.New")
	}
	opts, err := opts.withDefaults(m.Logger())
	if err != nil {
		return fmt.Errorf("dynamic: %w", err)
	}
	defer m.Expect(opts.Name)()
	if !waitReady(ctx, opts) {
		return nil
	}
	if err := m.RegisterFunc(opts.Name, source{opts}.collect); err != nil {
		return fmt.Errorf("dynamic: %w", err)
	}
	defer m.Unregister(opts.Name)
	if opts.OnReady != nil {
		opts.OnReady()
	}
	<-ctx.Done()
	return nil
}

// waitReady says whether the source became ready before ctx was done.
func waitReady(ctx context.Context, opts Options) bool {
	waited := false
	for wait := opts.Retry; ctx.Err() == nil; wait = min(2*wait, max(maxRetry, opts.Retry)) {
		err := ask(ctx, opts.Ready)
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			if waited {
				opts.Logger.Info("source is ready")
			}
			return true
		}
		if !waited {
			opts.Logger.Warn("source is not ready: its metrics are exposed when it is", "cause", err)
			waited = true
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	return false
}

func ask(ctx context.Context, ready func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return ready(ctx)
}
