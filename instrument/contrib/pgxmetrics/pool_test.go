package pgxmetrics_test

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/truecount/truecount/instrument/contrib/pgxmetrics"
)

func TestThePoolOfPgxIsExposed(t *testing.T) {
	s := serve(t)
	config, err := pgxpool.ParseConfig(postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 2
	pgxmetrics.Trace(config.ConnConfig, s.handle)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	stop := pgxmetrics.WatchPool(pool, s.handle)
	first, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := s.counts(t)["pool_waits_total"]
	s.pool(t, "pool_connections in_use", 2)
	s.pool(t, "pool_max_connections", 2)

	var waiting sync.WaitGroup
	waiting.Go(func() {
		third, err := pool.Acquire(context.Background())
		if err != nil {
			t.Error(err)
			return
		}
		third.Release()
	})
	second.Release()
	waiting.Wait()
	first.Release()
	after := s.counts(t)
	if after["connections_opened_total"] != 2 || after["pool_waits_total"] < before {
		t.Error(after)
	}
	if got, want := after["pool_waits_total"], float64(pool.Stat().EmptyAcquireCount()); got != want {
		t.Errorf("%v waits, pgx says %v", got, want)
	}
	if got, want := after["pool_wait_seconds_total"], pool.Stat().EmptyAcquireWaitTime().Seconds(); got != want || got == 0 {
		t.Errorf("waited for %v s, pgx says %v", got, want)
	}
	stop()
	s.pool(t, "pool_max_connections", 0)
	if got := s.counts(t)["pool_waits_total"]; got != after["pool_waits_total"] {
		t.Errorf("%v waits after the end, %v before", got, after["pool_waits_total"])
	}
}
