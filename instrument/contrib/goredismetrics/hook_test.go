package goredismetrics_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/cache"
	"github.com/truecount/truecount/instrument/contrib/goredismetrics"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kennel is a client of a server, counted as backend "dogs".
type kennel struct {
	redis.UniversalClient
	reg    *prometheus.Registry
	logged *bytes.Buffer
	before counts
}

// counts are gets, hits, misses and failures.
type counts struct{ gets, hits, misses, failures float64 }

func open(t *testing.T, opts *redis.Options) *kennel {
	t.Helper()
	client := redis.NewClient(opts)
	t.Cleanup(func() { _ = client.Close() })
	return observe(t, client)
}

func observe(t *testing.T, client redis.UniversalClient) *kennel {
	t.Helper()
	k := &kennel{UniversalClient: client, reg: prometheus.NewRegistry(), logged: &bytes.Buffer{}}
	m, err := instrument.New(instrument.Options{Registry: k.reg, Logger: slog.New(slog.NewTextHandler(k.logged, nil))})
	must(t, err)
	backends, err := cache.New(m, "dogs")
	must(t, err)
	k.AddHook(goredismetrics.New(backends.Backend("dogs")))
	return k
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// expect compares what was counted since it was asked last.
func (k *kennel) expect(t *testing.T, want counts) {
	t.Helper()
	families, err := k.reg.Gather()
	must(t, err)
	var now counts
	into := map[string]*float64{
		"cache_gets_total": &now.gets, "cache_hits_total": &now.hits, "cache_misses_total": &now.misses, "cache_failures_total": &now.failures,
	}
	for _, family := range families {
		if value, ok := into[family.GetName()]; ok {
			*value = family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	b := k.before
	got := counts{now.gets - b.gets, now.hits - b.hits, now.misses - b.misses, now.failures - b.failures}
	k.before = now
	if got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func TestLookupsAreCountedByTheirOutcome(t *testing.T) {
	s := startServer(t)
	for _, protocol := range []int{2, 3} {
		opts := s.options()
		opts.Protocol = protocol
		k := open(t, opts)
		must(t, k.FlushAll(t.Context()).Err())
		must(t, k.MSet(t.Context(), "Rex", "7", "puppy", "0", "nobody", "").Err())
		must(t, k.HSet(t.Context(), "Ann", "age", "30", "note", "").Err())
		must(t, k.RPush(t.Context(), "queue", "a").Err())
		k.expect(t, counts{})
		for _, tt := range []struct {
			name string
			do   func(ctx context.Context) error
			want counts
		}{
			{"GET a value", func(ctx context.Context) error { return k.Get(ctx, "Rex").Err() }, counts{gets: 1, hits: 1}},
			{"GET zero", func(ctx context.Context) error { return k.Get(ctx, "puppy").Err() }, counts{gets: 1, hits: 1}},
			{"GET an empty value", func(ctx context.Context) error { return k.Get(ctx, "nobody").Err() }, counts{gets: 1, hits: 1}},
			{"GET what is not there", func(ctx context.Context) error { return k.Get(ctx, "Bo").Err() }, counts{gets: 1, misses: 1}},
			{"GET a key of another type", func(ctx context.Context) error { return k.Get(ctx, "queue").Err() }, counts{gets: 1, failures: 1}},
			{"GET by Do", func(ctx context.Context) error { return k.Do(ctx, "GET", "Rex").Err() }, counts{gets: 1, hits: 1}},
			{"GET by Do, not there", func(ctx context.Context) error { return k.Do(ctx, "get", "Bo").Err() }, counts{gets: 1, misses: 1}},
			{"GETEX", func(ctx context.Context) error { return k.GetEx(ctx, "Rex", time.Hour).Err() }, counts{gets: 1, hits: 1}},
			{"GETEX not there", func(ctx context.Context) error { return k.GetEx(ctx, "Bo", time.Hour).Err() }, counts{gets: 1, misses: 1}},
			{"GETDEL", func(ctx context.Context) error { return k.GetDel(ctx, "nobody").Err() }, counts{gets: 1, hits: 1}},
			{"GETDEL not there", func(ctx context.Context) error { return k.GetDel(ctx, "nobody").Err() }, counts{gets: 1, misses: 1}},
			{"MGET", func(ctx context.Context) error { return k.MGet(ctx, "Rex", "Bo", "puppy").Err() }, counts{gets: 3, hits: 2, misses: 1}},
			{"MGET by Do", func(ctx context.Context) error { return k.Do(ctx, "MGET", "Rex", "Bo").Err() }, counts{gets: 2, hits: 1, misses: 1}},
			{"HGET", func(ctx context.Context) error { return k.HGet(ctx, "Ann", "note").Err() }, counts{gets: 1, hits: 1}},
			{"HGET not there", func(ctx context.Context) error { return k.HGet(ctx, "Ann", "dog").Err() }, counts{gets: 1, misses: 1}},
			{"HMGET", func(ctx context.Context) error { return k.HMGet(ctx, "Ann", "age", "dog", "cat").Err() }, counts{gets: 3, hits: 1, misses: 2}},
			{"HGETALL", func(ctx context.Context) error { return k.HGetAll(ctx, "Ann").Err() }, counts{gets: 1, hits: 1}},
			{"HGETALL not there", func(ctx context.Context) error { return k.HGetAll(ctx, "Ben").Err() }, counts{gets: 1, misses: 1}},
			{"HGETALL by Do", func(ctx context.Context) error { return k.Do(ctx, "HGETALL", "Ann").Err() }, counts{gets: 1, hits: 1}},
			{"HGETALL by Do, not there", func(ctx context.Context) error { return k.Do(ctx, "HGETALL", "Ben").Err() }, counts{gets: 1, misses: 1}},
			{"a wrong number of arguments", func(ctx context.Context) error { return k.Do(ctx, "MGET").Err() }, counts{}},
			{"what is not a lookup", func(ctx context.Context) error {
				return errors.Join(k.Set(ctx, "a", 1, 0).Err(), k.Exists(ctx, "Bo").Err(), k.Incr(ctx, "n").Err(),
					k.GetRange(ctx, "Bo", 0, 1).Err(), k.Ping(ctx).Err(), k.LRange(ctx, "queue", 0, -1).Err())
			}, counts{}},
			{"a context that ended", func(ctx context.Context) error {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return k.Get(ctx, "Rex").Err()
			}, counts{gets: 1, failures: 1}},
		} {
			t.Run(fmt.Sprintf("RESP%d/%s", protocol, tt.name), func(t *testing.T) {
				err := tt.do(t.Context())
				missed, failed := errors.Is(err, redis.Nil), err != nil && !errors.Is(err, redis.Nil)
				if (tt.want.gets == 1 && missed && tt.want.misses != 1) || (tt.want.gets > 0 && failed && tt.want.failures == 0) {
					t.Errorf("the client was told: %v", err)
				}
				k.expect(t, tt.want)
			})
		}
	}
}

func TestPipelinesAndTransactionsCountEachOfTheirCommands(t *testing.T) {
	k := open(t, startServer(t).options())
	ctx := t.Context()
	must(t, k.MSet(ctx, "Rex", "7", "puppy", "0").Err())
	must(t, k.RPush(ctx, "queue", "a").Err())
	commands := func(p redis.Pipeliner) error {
		p.Get(ctx, "Rex")
		p.Set(ctx, "a", 1, 0)
		p.Get(ctx, "Bo")
		p.MGet(ctx, "puppy", "Bo", "Cy")
		p.Get(ctx, "queue") // of another type
		p.HGetAll(ctx, "Ben")
		return nil
	}
	want := counts{gets: 7, hits: 2, misses: 4, failures: 1}

	_, _ = k.Pipelined(ctx, commands)
	k.expect(t, want)
	_, _ = k.TxPipelined(ctx, commands)
	k.expect(t, want)
	_, err := k.Pipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, "a", 1, 0).Err() })
	must(t, err)
	k.expect(t, counts{})

	// Someone else writes what the transaction watches: it is aborted, and its commands have no answers.
	err = k.Watch(ctx, func(tx *redis.Tx) error {
		must(t, k.Set(ctx, "Rex", "8", 0).Err())
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.Get(ctx, "Rex")
			p.MGet(ctx, "Rex", "puppy")
			return nil
		})
		return err
	}, "Rex")
	if !errors.Is(err, redis.TxFailedErr) {
		t.Errorf("the transaction: %v", err)
	}
	k.expect(t, counts{gets: 3, failures: 3})
}

func TestATransactionThatTheServerDiscardsIsAFailure(t *testing.T) {
	k := open(t, startServer(t).options())
	ctx := t.Context()
	must(t, k.Set(ctx, "Rex", "7", 0).Err())
	if _, err := k.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Get(ctx, "Rex")
		p.Do(ctx, "NOSUCHCOMMAND")
		p.MGet(ctx, "Rex", "Bo")
		return nil
	}); err == nil {
		t.Error("it was executed")
	}
	k.expect(t, counts{gets: 3, failures: 3})
}

func TestACommandIsHandedOnUnchanged(t *testing.T) {
	k := open(t, startServer(t).options())
	must(t, k.Set(t.Context(), "Rex", "7", 0).Err())
	if value, err := k.Get(t.Context(), "Rex").Result(); value != "7" || err != nil {
		t.Errorf("got %q, %v", value, err)
	}
	if value, err := k.Get(t.Context(), "Bo").Result(); value != "" || err != redis.Nil {
		t.Errorf("got %q, %v", value, err)
	}
}
