package app

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/supervise"
	"github.com/truecount/truecount/internal/web"
)

// live shows the running services to the pages. What is counted comes straight from the mergers; what only the database
// knows is asked once per scrape and kept with its time, however many people watch.
type live struct {
	services []*service
	local    *application.Local
	query    query
	answers  <-chan struct{} // closed when query works
	client   *http.Client

	mu    sync.Mutex
	asked map[serviceID]askedReadings
}

// askedReadings are the numbers of one strip that come from the database.
type askedReadings struct{ perSecond, naive askedReading }

type askedReading struct {
	value float64
	at    time.Time
	err   error
}

// tryTimeout bounds the page's own request to an application.
const tryTimeout = 5 * time.Second

func newLive(services []*service, local *application.Local, query query, answers <-chan struct{}) *live {
	return &live{
		services: services,
		local:    local,
		query:    query,
		answers:  answers,
		// The application's answer is what it is, also when it points elsewhere.
		client: &http.Client{
			Timeout:       tryTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport:     &http.Transport{DisableKeepAlives: true},
		},
		asked: map[serviceID]askedReadings{},
	}
}

// run asks the database until the context ends.
func (l *live) run(ctx context.Context) error {
	select {
	case <-l.answers:
	case <-ctx.Done():
		return nil
	}
	ticker := time.NewTicker(l.local.ScrapeInterval.Std())
	defer ticker.Stop()
	for {
		for _, s := range l.services {
			if s.application.StripMetric() != "" {
				l.ask(ctx, s)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (l *live) ask(ctx context.Context, s *service) {
	readings := askedReadings{perSecond: l.askOne(ctx, s.perSecondQuery())}
	if s.merges() {
		readings.naive = l.askOne(ctx, s.comparedQuery(naivePrefix))
	}
	l.mu.Lock()
	l.asked[s.id()] = readings
	l.mu.Unlock()
}

func (l *live) askOne(ctx context.Context, query string) askedReading {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	now := time.Now()
	samples, err := l.query(ctx, query, now)
	if err != nil || len(samples) == 0 {
		return askedReading{value: math.NaN(), at: now, err: err}
	}
	return askedReading{value: samples[0].Value, at: now}
}

// perSecondQuery is the rate of the strip's metric over all replicas: the autoscaler's own query, added up, if there is one.
func (s *service) perSecondQuery() string {
	if spec := s.application.Spec; spec.Scale != nil && spec.Show == "" {
		for _, on := range spec.Scale.On {
			return "sum(" + spec.Signals[on.Signal].Query + ")"
		}
	}
	return fmt.Sprintf("sum(rate(%s{namespace=%q,service=%q}[1m]))", s.application.StripMetric(), s.id().Namespace, s.id().Name)
}

// comparedQuery is one of the first page's two lines.
func (s *service) comparedQuery(prefix string) string {
	return fmt.Sprintf("sum(%s%s{instance=%q})", prefix, s.application.StripMetric(), s.id())
}

// Applications implements [web.Live].
func (l *live) Applications() []web.Application {
	list := make([]web.Application, 0, len(l.services))
	for _, s := range l.services {
		l.mu.Lock()
		asked := l.asked[s.id()]
		l.mu.Unlock()
		list = append(list, s.page(asked))
	}
	return list
}

// Try implements [web.Live].
func (l *live) Try(ctx context.Context, id web.ID) error {
	s := l.service(id)
	if s == nil || s.application.Spec.Try == nil || s.url() == "" {
		return fmt.Errorf("%w: %s has no request to try", web.ErrUnknown, id)
	}
	try := s.application.Spec.Try
	request, err := http.NewRequestWithContext(ctx, try.Method, s.url()+try.Path, http.NoBody)
	if err != nil {
		return fmt.Errorf("%s %s: %w", try.Method, try.Path, err)
	}
	response, err := l.client.Do(request)
	if err != nil {
		return hint.Errorf("look whether the application's workers run", "%s does not answer: %w", s.id(), err)
	}
	defer response.Body.Close()
	io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s answered %s to %s %s", s.id(), response.Status, try.Method, try.Path)
	}
	return nil
}

// KillWorker implements [web.Live].
func (l *live) KillWorker(_ context.Context, id web.ID, pid int) (int, error) {
	s := l.service(id)
	if s == nil || s.workers == nil {
		return 0, fmt.Errorf("%w: no workers of %s run here", web.ErrUnknown, id)
	}
	if pid == 0 {
		if pid = killAny(s.next, s.workers.Kill); pid == 0 {
			return 0, fmt.Errorf("%w: %s has no worker that serves", web.ErrUnknown, id)
		}
		return pid, nil
	}
	if !hasWorker(s.workers.Snapshot(), pid) {
		return 0, fmt.Errorf("%w: %s has no worker of pid %d", web.ErrUnknown, id, pid)
	}
	return pid, s.workers.Kill(pid)
}

// killAny kills one worker and returns its pid, 0 if there is none. One that has ended since it was chosen, as after two
// clicks in a row, is passed over.
func killAny(next func(ended map[int]bool) int, kill func(pid int) error) int {
	ended := map[int]bool{}
	for {
		pid := next(ended)
		if pid == 0 || kill(pid) == nil {
			return pid
		}
		ended[pid] = true
	}
}

// next is the worker to kill: one that the program forked if there is any, not the program.
func (s *service) next(ended map[int]bool) int {
	if pid := s.mostCounted(ended); pid != 0 || len(ended) > 0 && s.application.Spec.Workers.Manager == application.ManagerProgram {
		return pid
	}
	return oldestWorker(s.workers.Snapshot(), ended)
}

// oldestWorker is the one that has had most time to count, so that there is something to see.
func oldestWorker(snapshot supervise.Snapshot, ended map[int]bool) (pid int) {
	var oldest time.Time
	for _, replica := range snapshot.Replicas {
		for _, worker := range replica.Workers {
			if worker.PID != 0 && !ended[worker.PID] && worker.State == supervise.Ready && (pid == 0 || worker.StartedAt.Before(oldest)) {
				pid, oldest = worker.PID, worker.StartedAt
			}
		}
	}
	return pid
}

func hasWorker(snapshot supervise.Snapshot, pid int) bool {
	return slices.ContainsFunc(snapshot.Replicas, func(r supervise.Replica) bool { return r.Has(pid) })
}

func (l *live) service(id web.ID) *service {
	for _, s := range l.services {
		if s.id() == serviceID(id) {
			return s
		}
	}
	return nil
}
