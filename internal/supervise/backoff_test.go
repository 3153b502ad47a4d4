package supervise

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestDelaysOfAFailingWorkerDoubleUpToTheCapAndBeginAnewAfterASuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b backoff
		if !b.due(time.Now()) {
			t.Fatal("the first start has to wait")
		}
		var delays []time.Duration
		for range 9 {
			delays = append(delays, untilDue(&b))
		}
		want := []time.Duration{250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000}
		for i := range want {
			want[i] *= time.Millisecond
		}
		if !slices.Equal(delays, want) {
			t.Errorf("delays %v, want %v", delays, want)
		}
		b.succeeded()
		if d := untilDue(&b); d != firstDelay {
			t.Errorf("the first delay after a success is %v, want %v", d, firstDelay)
		}
	})
}

// untilDue fails once and waits, on the test's own clock, until the next start is due.
func untilDue(b *backoff) time.Duration {
	failed := time.Now()
	b.failed(failed)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !b.due(time.Now()) {
		<-tick.C
	}
	return time.Since(failed)
}

func TestTheDelayNeverOverflows(t *testing.T) {
	var b backoff
	now := time.Unix(1_763_618_400, 0)
	for range 10_000 {
		b.failed(now)
		if d := b.retryAt.Sub(now); d < firstDelay || d > longestDelay {
			t.Fatalf("failure %d: delay %v", b.failures, d)
		}
	}
}
