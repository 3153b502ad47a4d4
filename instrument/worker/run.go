// Package worker runs one worker process of a service.
package worker

import "context"

// Run serves opts.Handler until ctx is done or SIGTERM arrives, then drains.
func Run(ctx context.Context, opts Options) error { return nil }

// Draining returns a channel that is closed when the worker that serves the request with context ctx begins to drain.
func Draining(ctx context.Context) <-chan struct{} { return nil }
