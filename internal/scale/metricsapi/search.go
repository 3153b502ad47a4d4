package metricsapi

import (
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// A metric that is asked for and that nobody has may be newer than the last list of series: its application has just been deployed, or
// its server had not scraped yet. Requests for it have the series looked for, so that an autoscaler need not wait for the regular list.
// What is found so is added to what that list said, and holds until the next one.

const (
	// firstPause is how long it takes until another request for the same metric counts; it doubles each time up to mostPause, for HPAs
	// with a mistake. Autoscalers ask every 15 s (kube-controller-manager, --horizontal-pod-autoscaler-sync-period).
	firstPause = 10 * time.Second
	mostPause  = time.Minute
	// mostMissed is of how many metrics is remembered when they were missed.
	mostMissed = 1000
	// searchTimeout bounds one question. A list that takes longer is left to the regular round.
	searchTimeout = 5 * time.Second
	// shortestRest is at least between two searches for the same rules.
	shortestRest = 5 * time.Second
	// restShare is how much longer than a search the rest after it is. Those for one namespace so take a server a twenty-first of the time,
	// if they take less than that of the regular interval.
	restShare = 20
)

// missed has the series of the rules looked for that a request in the namespace is answered by, if its error is that nobody has the metric.
func (a *API) missed(namespace, metric string, err error) {
	if !errors.Is(err, metricrule.ErrUnknownMetric) || !a.relist.missing.counts(namespace, metric, time.Now()) {
		return
	}
	a.o.Logger.Debug("series are looked for, of a metric that nobody has", "namespace", namespace, "metric", metric)
	for _, s := range a.relist.searches {
		s.want(namespace)
	}
}

// missedMetrics are those that were asked for and not there, by sums: whoever asks writes their names. It may be used concurrently.
type missedMetrics struct {
	mu   sync.Mutex
	seen map[[sha256.Size]byte]pause
}

type pause struct {
	end  time.Time
	long time.Duration
}

// counts says whether a request for a metric is a reason to look for it.
func (m *missedMetrics) counts(namespace, metric string, now time.Time) bool {
	of := sha256.Sum256([]byte(namespace + "\x00" + metric))
	m.mu.Lock()
	defer m.mu.Unlock()
	last, known := m.seen[of]
	switch {
	case known && now.Before(last.end):
		return false
	case known && now.Before(last.end.Add(mostPause)):
		last.long = min(2*last.long, mostPause)
	default: // new, or it was there in between
		last.long = firstPause
	}
	if m.seen == nil || !known && len(m.seen) >= mostMissed {
		m.seen = map[[sha256.Size]byte]pause{}
	}
	last.end = now.Add(last.long)
	m.seen[of] = last
	return true
}

// search looks for series on one server, one question after the other. The rules of each namespace have their own share of its time and take
// turns; those of the operator are in the namespace "".
type search struct {
	api    *API
	server string
	news   chan struct{}
	begun  map[string]*turn // by namespace; of the goroutine that searches

	mu     sync.Mutex
	wanted map[string]bool      // namespaces
	rested map[string]time.Time // when they may be looked for again
}

// turn is what is left of looking for the series of a namespace's rules.
type turn struct {
	questions []metricrule.Discovery
	took      time.Duration // since the last rest
}

func newSearch(a *API, server string) *search {
	return &search{
		api: a, server: server, news: make(chan struct{}, 1),
		begun: map[string]*turn{}, wanted: map[string]bool{}, rested: map[string]time.Time{},
	}
}

// want asks for the series of a namespace's rules, and of the operator's.
func (s *search) want(namespace string) {
	s.mu.Lock()
	s.wanted[""] = true
	s.wanted[strings.Clone(namespace)] = true // the request's text is not kept for it
	s.mu.Unlock()
	signal(s.news)
}

// run searches until ctx is done.
func (s *search) run(ctx context.Context) {
	for {
		namespace, wait := s.next(time.Now())
		if wait > 0 {
			select {
			case <-ctx.Done():
				return
			case <-s.news:
			case <-time.After(wait):
			}
			continue
		}
		s.step(ctx, namespace)
	}
}

// step puts one question for a namespace. Without an answer what is left waits for the rest, too: the server may be away.
func (s *search) step(ctx context.Context, namespace string) {
	t := s.begun[namespace]
	if t == nil {
		t = &turn{questions: s.api.model.questionsOf(s.server, namespace)}
		s.begun[namespace] = t
	}
	var err error
	if len(t.questions) > 0 {
		began := time.Now()
		err = s.ask(ctx, t.questions[0])
		t.took += time.Since(began)
		t.questions = t.questions[1:]
	}
	left := len(t.questions) > 0
	if !left || err != nil {
		s.rest(namespace, time.Now(), t.took)
		t.took = 0
	}
	if left {
		s.again(namespace)
	} else {
		delete(s.begun, namespace)
	}
}

// next takes a namespace that is wanted and due, or says how long it is until there may be one.
func (s *search) next(now time.Time) (namespace string, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.rested, func(_ string, until time.Time) bool { return !now.Before(until) })
	wait = mostPause
	for namespace := range s.wanted {
		until, rests := s.rested[namespace]
		if !rests {
			delete(s.wanted, namespace)
			return namespace, 0
		}
		wait = min(wait, until.Sub(now))
	}
	return "", wait
}

// again has a turn go on.
func (s *search) again(namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted[namespace] = true
}

// rest lets nothing be asked for a namespace for a while. What is more than the regular interval is of no use: then all is asked anyway.
func (s *search) rest(namespace string, now time.Time, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rested[namespace] = now.Add(min(max(shortestRest, restShare*took), max(shortestRest, s.api.o.RelistInterval)))
}

// ask puts a question and publishes what is new. One that has no answer from a regular round is left to the next one.
func (s *search) ask(ctx context.Context, d metricrule.Discovery) error {
	o, m := &s.api.o, &s.api.model
	if answered, err := m.asked(d); !answered || err != nil {
		return nil
	}
	found, err := o.find(ctx, d, searchTimeout)
	switch {
	case ctx.Err() != nil:
		return err
	case err != nil:
		o.Metrics.searches.WithLabelValues(serverName(s.server), "error").Inc()
		o.Logger.Debug("the server does not say which series there are", "server", serverName(s.server), "selector", d.Matcher, "err", err)
		return err
	}
	o.Metrics.searches.WithLabelValues(serverName(s.server), "ok").Inc()
	if m.add(d, found, o.Now()) {
		s.api.publish()
	}
	return nil
}
