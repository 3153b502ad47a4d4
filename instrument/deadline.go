package instrument

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// timeoutHeader is sent by Prometheus with each scrape: the seconds after which it gives up.
const timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

const (
	// maxMargin is how much earlier than the scraper gives up collectors end, at most: what prometheus' own
	// blackbox_exporter takes off by default.
	maxMargin = 500 * time.Millisecond
	// minTimeout is the shortest time that a scraper is believed to grant.
	minTimeout = 10 * time.Millisecond
)

// scrapeTimeout returns how long the scraper waits for an answer: what its header says, at most longest, and longest
// if there is no header or none that makes sense.
func scrapeTimeout(header http.Header, longest time.Duration) time.Duration {
	seconds, err := strconv.ParseFloat(header.Get(timeoutHeader), 64)
	if err != nil || math.IsNaN(seconds) || seconds <= 0 || seconds >= longest.Seconds() {
		return longest
	}
	return max(time.Duration(seconds*float64(time.Second)), min(minTimeout, longest))
}

// margin is what is taken off a time-out, so that the answer is on its way before it. A fifth, since a scrape may time
// out after one second.
func margin(timeout time.Duration) time.Duration { return min(maxMargin, timeout/5) }

// scrapes tells collectors when the scrape that asks them ends. A registry does not tell its collectors who gathers, so
// that each scrape through Metrics.Handler leaves its deadline for them to take, one scrape at a time: it is taken at the
// beginning of gathering, which takes microseconds.
type scrapes struct {
	longest time.Duration // Options.ScrapeTimeout

	turn chan struct{} // holds one while a deadline is left

	mu   sync.Mutex
	left *leftDeadline
}

type leftDeadline struct{ time.Time }

func newScrapes(longest time.Duration) *scrapes {
	return &scrapes{longest: longest, turn: make(chan struct{}, 1)}
}

// leave leaves a deadline for the collectors that are asked from now on. At the end of the scrape, takeBack makes way if
// nobody took it. It is not left if its turn does not come before ctx is done.
func (s *scrapes) leave(ctx context.Context, deadline time.Time) (takeBack func()) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := &leftDeadline{deadline}
	s.left = mine
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.left == mine {
			s.next()
		}
	}
}

// take returns when collectors that are asked now must be back. For gatherers other than Metrics.Handler it is
// Options.ScrapeTimeout from now, less the margin.
func (s *scrapes) take(now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left == nil {
		return now.Add(s.longest - margin(s.longest))
	}
	deadline := s.left.Time
	s.next()
	return deadline
}

// next ends a turn; mu is held.
func (s *scrapes) next() {
	s.left = nil
	<-s.turn
}
