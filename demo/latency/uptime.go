package latency

import (
	"context"
	"time"
)

// CountUptime advances service_uptime_seconds_total by one every second, until ctx is done. Of several workers only the first
// does so: added up, as counters of workers are, theirs would be seconds of workers and not of the service.
func (a *App) CountUptime(ctx context.Context) {
	if !a.opts.FirstWorker {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.uptime.Inc()
		case <-ctx.Done():
			return
		}
	}
}
