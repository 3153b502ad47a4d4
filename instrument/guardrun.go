package instrument

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// run is one run of a collector.
type run struct {
	number int
	most   int // metrics
	start  time.Time
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{} // closed when it is back

	mu      sync.Mutex
	sent    []sent
	dropped map[string]int
	failure string // reason, "" as long as there is none
	cause   string
	took    time.Duration
}

// sent is a metric with its values at the time when it was sent.
type sent struct {
	desc   *prometheus.Desc
	values *dto.Metric
}

// result is what one scrape gets of a collector.
type result struct {
	sent    []sent
	dropped map[string]int
	failure string
	cause   string // of the failure, or of the first drop
	took    time.Duration
}

type runKey struct{}

// Drop counts a sample that a [CollectFunc] left out, in instrument_collector_dropped_total; ctx is the one that it was
// given. The reason is a label's value: there should be few, a word each. The cause is for the log, which shows the first.
func Drop(ctx context.Context, reason, cause string) {
	if r, ok := ctx.Value(runKey{}).(*run); ok && reason != "" {
		r.drop(sanitized(bounded(reason)), sanitized(bounded(cause)))
	}
}

func (r *run) drop(reason, cause string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dropped == nil {
		r.dropped = map[string]int{}
	}
	if _, known := r.dropped[reason]; !known && len(r.dropped) >= maxDropReasons {
		reason = labelOther
	}
	r.dropped[reason]++
	if r.cause == "" {
		r.cause = cause
	}
}

func (r *run) fail(reason, cause string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failure == "" {
		r.failure, r.cause = reason, cause
	}
}

// over says whether the run is back.
func (r *run) over() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// await returns when the run is back, the scrape ends, or the run has lasted for as long as the scrape grants.
func (r *run) await(scrape context.Context, grants time.Duration) {
	late := time.NewTimer(grants - time.Since(r.start))
	defer late.Stop()
	select {
	case <-r.done:
	case <-late.C:
	case <-scrape.Done():
	}
}

// cutShort says whether the run is back because the scrape that began it ended, before deadline.
func (r *run) cutShort(deadline time.Time) bool {
	own, _ := r.ctx.Deadline()
	return own.Before(deadline) && r.over() && r.result().failure == failedTimeout
}

// collect returns when the collector has, which may be long after the deadline.
func (r *run) collect(collect CollectFunc) {
	// The channel is never closed: a goroutine that the collector left behind may still send, and would panic.
	ch := make(chan prometheus.Metric, 64)
	returned, drained := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(drained)
		r.drain(ch, returned)
	}()
	defer func() {
		close(returned)
		<-drained
		r.mu.Lock()
		r.took = time.Since(r.start)
		r.mu.Unlock()
	}()
	r.ask(collect, ch)
}

func (r *run) ask(collect CollectFunc, ch chan<- prometheus.Metric) {
	err := errors.New("it ended its goroutine") // by runtime.Goexit, if nothing else is said
	defer func() {
		if p := recover(); p != nil {
			err = panicked{p, panicPlace()}
		}
		if err != nil {
			r.fail(failureOf(err), err.Error())
		}
	}()
	err = collect(r.ctx, ch)
}

func (r *run) drain(ch <-chan prometheus.Metric, returned <-chan struct{}) {
	for {
		select {
		case metric := <-ch:
			r.take(metric)
		case <-returned:
			for {
				select {
				case metric := <-ch:
					r.take(metric)
				default:
					return
				}
			}
		}
	}
}

// take reads a metric's values here, since the function of a GaugeFunc, for instance, may panic or hang.
func (r *run) take(metric prometheus.Metric) {
	if r.ctx.Err() != nil {
		r.fail(failedTimeout, "it was not back when the scrape that asked it had to be answered")
		return
	}
	s := sent{values: &dto.Metric{}}
	if err := r.write(metric, &s); err != nil {
		r.fail(failureOf(err), err.Error())
		return
	}
	r.mu.Lock()
	full := len(r.sent) >= r.most
	if !full {
		r.sent = append(r.sent, s)
	}
	r.mu.Unlock()
	if full {
		r.drop(droppedBudget, fmt.Sprintf("it sent more than %d series", r.most))
	}
}

func (r *run) write(metric prometheus.Metric, s *sent) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked{p, panicPlace()}
		}
	}()
	s.desc = metric.Desc()
	if err := metric.Write(s.values); err != nil {
		return err
	}
	s.values.Label = sorted(s.values.Label)
	return nil
}

// result is final if the run is over; if not, it has what was sent so far.
func (r *run) result() result {
	over := r.over()
	r.mu.Lock()
	defer r.mu.Unlock()
	// Nobody changes what the slice has now, but more may be appended to it.
	res := result{sent: r.sent[:len(r.sent):len(r.sent)], dropped: map[string]int{}, failure: r.failure, cause: r.cause, took: r.took}
	for reason, n := range r.dropped {
		res.dropped[reason] = n
	}
	if !over {
		res.took = time.Since(r.start)
		if res.failure == "" {
			res.failure, res.cause = failedTimeout, fmt.Sprintf("it was not back after %s, when the scrape had to be answered", res.took.Round(time.Millisecond))
		}
	}
	return res
}

// failureOf names the label's value for an error.
func failureOf(err error) string {
	var p panicked
	switch {
	case errors.As(err, &p):
		return failedPanic
	case errors.Is(err, context.DeadlineExceeded):
		return failedTimeout
	default:
		return failedError
	}
}
