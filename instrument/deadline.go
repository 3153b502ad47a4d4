package instrument

import (
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

// scrapes are those under way through Metrics.Handler.
type scrapes struct {
	longest time.Duration // Options.ScrapeTimeout

	mu        sync.Mutex
	next      int
	deadlines map[int]time.Time
}

// begin takes a scrape down until end is called.
func (s *scrapes) begin(deadline time.Time) (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.next
	s.next++
	s.deadlines[id] = deadline
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.deadlines, id)
	}
}

// earliest returns when collectors that begin now must be back. A collector is not told by which scrape it is asked, so
// it is the earliest of all deadlines.
func (s *scrapes) earliest(now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	earliest := now.Add(s.longest - margin(s.longest))
	for _, deadline := range s.deadlines {
		if deadline.Before(earliest) {
			earliest = deadline
		}
	}
	return earliest
}
