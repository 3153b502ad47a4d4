package servicewindow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/truecount/truecount/demo/servicewindow/store"
	"github.com/truecount/truecount/demo/servicewindow/window"
	"github.com/truecount/truecount/instrument/dynamic"
)

// collectorName is what metrics and log call the collector of the windows.
const collectorName = "service_windows"

// seriesPerComponent is how many metrics each component has.
const seriesPerComponent = 5

// ExportWindows exports the windows of all components until ctx is done. They are registered once, when the database has
// answered and has its table: not before, and not while the table is being made.
func (a *App) ExportWindows(ctx context.Context) error {
	return dynamic.Run(ctx, a.metrics, dynamic.Options{
		Name:      collectorName,
		Ready:     a.prepare,
		Collect:   a.collect,
		MaxSeries: store.MaxComponents * seriesPerComponent,
		Logger:    a.log,
	})
}

// collect asks the database at each scrape. A row that is no window is an error, and hides no other.
func (a *App) collect(ctx context.Context, yield func(dynamic.Sample)) error {
	components, err := a.store.Components(ctx)
	errs := []error{err}
	now := a.opts.Now()
	for _, c := range components {
		if c.Problem != nil {
			errs = append(errs, fmt.Errorf("component %.60q: %w", c.Name, c.Problem))
			continue
		}
		for _, s := range samples(c, c.Window.At(now)) {
			yield(s)
		}
	}
	return errors.Join(errs...)
}

// samples are a component's metrics; dynamic makes "_" of what no name of a metric may have, as of "-". The tutorial's code returns the next end as the last one; here it is the last.
func samples(c store.Component, m window.Moments) []dynamic.Sample {
	sample := func(name, help string, value float64) dynamic.Sample {
		return dynamic.Sample{Name: c.Name + "_service_window_" + name, Help: help, Labels: c.Labels, Value: value}
	}
	in := 0.0
	if m.In {
		in = 1
	}
	return []dynamic.Sample{
		sample("last_start", "When the newest service window started, in seconds since 1970.", unix(m.LastStart)),
		sample("last_end", "When the newest service window that is over ended, in seconds since 1970.", unix(m.LastEnd)),
		sample("next_start", "When the next service window starts, in seconds since 1970.", unix(m.NextStart)),
		sample("next_end", "When the current service window, or else the next, ends, in seconds since 1970.", unix(m.NextEnd)),
		sample("in_window", "Whether the component is in its service window: 1 or 0.", in),
	}
}

func unix(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
