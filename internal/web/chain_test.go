package web_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// chain is a Live whose workers are numbers in this process: what a click does to the page is the same, and tests can
// wait for it. It counts as the real one does: a killed worker's count stays in the merged one.
type chain struct {
	mu       sync.Mutex
	app      web.Application
	counts   []float64 // by worker
	pids     []int
	kept     float64
	next     int
	asked    int
	tryError error
	block    chan struct{} // if not nil, Try waits for it
}

func newChain(workers int) *chain {
	c := &chain{next: 4711, app: web.Application{
		ID:      web.ID{Namespace: "default", Name: "clicks"},
		Try:     &web.Try{Label: "Hit me!", Request: "POST /click-button"},
		CanKill: true,
		Strip: &web.Strip{
			Metric:         "demo_app_button_clicks_total",
			PerSecondQuery: "sum(rate(demo_app_button_clicks_total[2m]))",
			NaiveQuery:     "naive:demo_app_button_clicks_total",
			MergedQuery:    "merged:demo_app_button_clicks_total",
			Naive:          web.Reading{Value: web.NoValue()},
			PerSecond:      web.Reading{Value: 0.25, AgeSeconds: 0.4, EverySeconds: 1},
			Scale:          &web.Scale{Min: 1, Max: 10, Value: 0.0167, Target: 0.01, Reason: "16.7m of 10m → 2 replicas", Metric: "clicks_per_second", EverySeconds: 1},
		},
		Panels:   []web.Panel{{Title: "Clicks per second", Query: "sum(rate(demo_app_button_clicks_total[2m]))", Unit: "ops"}},
		Settings: []web.Setting{{Name: "scrape", Value: "every 1s", Usual: "15s"}},
	}}
	for range workers {
		c.counts = append(c.counts, 0)
		c.pids = append(c.pids, c.pid())
	}
	return c
}

func (c *chain) pid() int { c.next++; return c.next }

func (c *chain) Applications() []web.Application {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	app, strip, scale := c.app, *c.app.Strip, *c.app.Strip.Scale
	merged := c.kept
	for i, n := range c.counts {
		if i%4 == 0 {
			app.Replicas = append(app.Replicas[:i/4:i/4], web.Replica{Name: fmt.Sprintf("clicks-%d", i/4), State: "serving", Ready: true})
		}
		r := &app.Replicas[i/4]
		r.Workers = append(r.Workers, web.Worker{ID: fmt.Sprint(c.pids[i]), Index: i % 4, PID: c.pids[i], State: "serving", Up: true, Value: web.Value(n), AgeSeconds: 0.1})
		merged += n
	}
	scale.Running, scale.Ready = len(app.Replicas), len(app.Replicas)
	scale.Wanted = min(10, 1+int(merged))
	strip.Merged = web.Reading{Value: web.Value(merged), AgeSeconds: 0.1, EverySeconds: 0.25}
	strip.Scale, app.Strip = &scale, &strip
	return []web.Application{app}
}

func (c *chain) Try(ctx context.Context, id web.ID) error {
	if c.block != nil {
		select {
		case <-c.block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if id != c.app.ID {
		return fmt.Errorf("%w application %s", web.ErrUnknown, id)
	}
	if c.tryError != nil {
		return c.tryError
	}
	c.counts[int(c.kept+c.sum())%len(c.counts)]++
	return nil
}

func (c *chain) sum() (s float64) {
	for _, n := range c.counts {
		s += n
	}
	return s
}

func (c *chain) KillWorker(_ context.Context, id web.ID, pid int) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id != c.app.ID {
		return 0, fmt.Errorf("%w application %s", web.ErrUnknown, id)
	}
	for i, p := range c.pids {
		if pid == 0 || p == pid {
			c.kept += c.counts[i]
			c.counts[i], c.pids[i] = 0, c.pid()
			return p, nil
		}
	}
	return 0, fmt.Errorf("%w worker %d of %s", web.ErrUnknown, pid, id)
}

var errRefused = hint.Errorf("is the application running?", "clicks does not answer: %w", errors.New("connection refused"))
