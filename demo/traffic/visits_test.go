package traffic_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/demo/traffic"
)

// roundTrip is a service that is reached without a network, so that the bubble's clock moves.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func visit(ctx context.Context, t *testing.T, rate float64, service roundTrip) {
	t.Helper()
	err := traffic.Visit(ctx, traffic.Options{URL: "http://latency", Rate: rate, Rand: rand.New(rand.NewPCG(1, 2)), Transport: service})
	if err != nil {
		t.Error(err)
	}
}

func TestVisitsComeAtTheirRateHoweverSlowOrBrokenTheServiceIs(t *testing.T) {
	for name, takes := range map[string]time.Duration{"quick": time.Millisecond, "slow": 5 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var visits atomic.Int64
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Second)
				defer cancel()
				visit(ctx, t, 2, func(r *http.Request) (*http.Response, error) {
					visits.Add(1)
					select {
					case <-time.After(takes):
					case <-r.Context().Done():
					}
					return nil, errors.New("broken")
				})
				if n := visits.Load(); n < 850 || n > 1150 { // a thousand, five standard deviations
					t.Errorf("%d visits in 500 s at 2 a second", n)
				}
			})
		})
	}
}

func TestVisitsThatAreNeverAnsweredAreFewAndEndWithTheirOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var under, visits atomic.Int64
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		visit(ctx, t, 100, func(r *http.Request) (*http.Response, error) {
			visits.Add(1)
			under.Add(1)
			defer under.Add(-1)
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		if n := visits.Load(); n != 50 || under.Load() != 0 {
			t.Errorf("%d visits, of which %d are still under way; want 50 and none", n, under.Load())
		}
	})
}

func TestWithoutARateNobodyVisits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		visit(ctx, t, 0, func(*http.Request) (*http.Response, error) {
			t.Error("somebody came")
			return nil, errors.New("unexpected")
		})
		if err := traffic.Visit(t.Context(), traffic.Options{URL: "latency", Rate: 1}); err == nil {
			t.Error("an address without a scheme was accepted")
		}
	})
}
