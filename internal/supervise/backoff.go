package supervise

import "time"

// The delays of a worker that dies before it was ready: 0.25 s, doubled at each failure, at most 30 s. Kubernetes' kubelet
// doubles the same way (10 s to 5 min); on a laptop somebody sits in front of it.
const (
	firstDelay   = 250 * time.Millisecond
	longestDelay = 30 * time.Second
)

// backoff delays the next start of something that keeps failing. The zero value has no failure.
type backoff struct {
	failures int
	retryAt  time.Time
}

// failed notes a failure and sets the time of the next start.
func (b *backoff) failed(now time.Time) {
	delay := longestDelay
	// The shift is bounded before it is made: after 63 failures it would overflow.
	if b.failures < 16 {
		delay = min(firstDelay<<b.failures, longestDelay)
	}
	b.failures++
	b.retryAt = now.Add(delay)
}

// succeeded forgets all failures.
func (b *backoff) succeeded() { *b = backoff{} }

// due says whether the next start may happen.
func (b *backoff) due(now time.Time) bool { return !now.Before(b.retryAt) }
