package metricsapi

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/metricrule"
)

const (
	// listTimeout bounds one question for series; it may be about a hundred thousand of them.
	listTimeout = 30 * time.Second
	// listsAtOnce is how many such questions a Prometheus gets from a regular round at once.
	listsAtOnce = 4
	// publishEvery is how often answers are published while others are still out.
	publishEvery = 5 * time.Second
	// firstRetry is when servers that did not answer are asked again; the time doubles up to lastRetry, or the interval if that is less.
	firstRetry = 5 * time.Second
	lastRetry  = time.Minute
)

// relister asks the servers which series there are: at an interval, when rules change, and sooner when one did not answer. Each server
// has a loop of its own: one that hangs holds up no other.
type relister struct {
	api      *API
	loops    []*relistLoop
	searches []*search // one for each server
	missing  missedMetrics
	settling
}

// relistLoop asks one server.
type relistLoop struct {
	of     *relister
	server string
	woken  chan struct{}
	looks  secondLooks
}

func newRelister(a *API) *relister {
	r := &relister{api: a, settling: newSettling()}
	for server := range a.o.Servers {
		r.loops = append(r.loops, &relistLoop{of: r, server: server, woken: make(chan struct{}, 1), looks: secondLooks{}})
		r.searches = append(r.searches, newSearch(a, server))
	}
	return r
}

// wake has questions asked that have no answer yet.
func (r *relister) wake() {
	for _, l := range r.loops {
		signal(l.woken)
	}
}

// signal leaves a word for whoever waits, or will.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default: // there is one already
	}
}

// run asks until ctx is done.
func (r *relister) run(ctx context.Context) {
	var group sync.WaitGroup
	for _, l := range r.loops {
		group.Go(func() { l.run(ctx) })
	}
	for _, s := range r.searches {
		group.Go(func() { s.run(ctx) })
	}
	r.settle(ctx, &r.api.model)
	group.Wait()
}

func (l *relistLoop) run(ctx context.Context) {
	interval, retry := l.of.api.o.RelistInterval, firstRetry
	regularly := time.NewTicker(interval)
	defer regularly.Stop()
	again := time.NewTimer(0)
	defer again.Stop()
	for all := true; ; all = false {
		select {
		case <-ctx.Done():
			return
		case <-regularly.C:
			all = true
		case <-again.C:
		case <-l.woken:
		}
		failed := l.ask(ctx, all)
		signal(l.of.rounds)
		wait := l.looks.wait(time.Now(), interval) // by then all are asked anyway
		if failed {
			wait, retry = min(wait, retry), min(2*retry, lastRetry)
		} else {
			retry = firstRetry
		}
		again.Reset(wait)
	}
}

// ask puts all questions for the server, or only those without an answer or due for a second look, and says whether to ask again sooner
// because one of them failed. During a long round it publishes what is known by then.
func (l *relistLoop) ask(ctx context.Context, all bool) (failed bool) {
	questions := l.questions(all)
	if len(questions) == 0 {
		return false
	}
	next, answers := make(chan relisting), make(chan outcome)
	var group sync.WaitGroup
	defer group.Wait()
	defer close(next)
	for range min(listsAtOnce, len(questions)) {
		group.Go(func() {
			for q := range next {
				err := l.of.one(ctx, q)
				answers <- outcome{q, err, time.Now()}
			}
		})
	}
	regularly := time.NewTicker(publishEvery)
	defer regularly.Stop()
	var round []outcome
	news := false
	for put := 0; len(round) < len(questions); {
		to, q := next, relisting{}
		if put < len(questions) {
			q = questions[put]
		} else {
			to = nil // all are out
		}
		select {
		case to <- q:
			put++
		case answer := <-answers:
			round, news = append(round, answer), true
		case <-regularly.C:
			if news {
				l.of.api.publish()
			}
			news = false
		}
	}
	l.looks.plan(round, min(lastRetry, l.of.api.o.RelistInterval))
	if ctx.Err() == nil {
		l.of.api.publish()
	}
	return slices.ContainsFunc(round, outcome.failed)
}

// questions returns what the server has to be asked. Those for servers that there are not have no answer: the first one's loop says so.
func (l *relistLoop) questions(all bool) []relisting {
	var out []relisting
	model, due := &l.of.api.model, l.looks.take(time.Now())
	for _, d := range model.questions() {
		server, known := d.Server, l.of.api.o.Servers[d.Server] != nil
		if !known {
			server = ""
		}
		if server != l.server {
			continue
		}
		if answered, err := model.asked(d); all || due[d] || !answered || err != nil {
			out = append(out, relisting{d, known, answered, err})
		}
	}
	return out
}

// find asks a server which series there are. They are looked at one by one as they arrive and not kept.
func (o *Options) find(ctx context.Context, d metricrule.Discovery, timeout time.Duration) (*metricrule.Found, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	found, now := &metricrule.Found{}, o.Now()
	err := o.Servers[d.Server].Series(ctx, []string{d.Matcher}, now.Add(-o.SeriesMaxAge), now, func(series labels.Labels) error {
		found.Add(series)
		return nil
	})
	return found, err
}

// one puts one question and notes what came of it.
func (r *relister) one(ctx context.Context, q relisting) error {
	o, d := &r.api.o, q.Discovery
	var found *metricrule.Found
	err := hint.Errorf("give --prometheus-server "+d.Server+"=URL", "there is no server %s", d.Server)
	if q.known {
		found, err = o.find(ctx, d, listTimeout)
	}
	r.api.model.note(d, found, err, o.Now(), o.SeriesMaxAge)
	name := serverName(d.Server)
	switch {
	case err == nil:
		o.Metrics.relists.WithLabelValues(name, d.Matcher, "ok").Inc()
		o.Metrics.relisted.WithLabelValues(name, d.Matcher).Set(float64(o.Now().UnixMilli()) / 1000)
		o.Metrics.series.WithLabelValues(name, d.Matcher).Set(float64(found.Series))
		signal(r.answered)
		if q.before != nil {
			o.Logger.Info("the server says again which series there are", "server", name, "selector", d.Matcher)
		}
		return nil
	case ctx.Err() != nil:
		return err
	}
	o.Metrics.relists.WithLabelValues(name, d.Matcher, "error").Inc()
	if q.before == nil || q.before.Error() != err.Error() {
		o.Logger.Warn("the server does not say which series there are; what it said before holds", "server", name, "selector", d.Matcher, "err", err, "hint", hint.Of(err))
	}
	return fmt.Errorf("%s: %w", d.Matcher, err)
}

// serverName is what messages and metrics call a server.
func serverName(name string) string {
	if name == "" {
		return "default"
	}
	return name
}
