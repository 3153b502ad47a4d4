package goredismetrics_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestAServerThatIsDownHangsOrRefusesIsAFailure(t *testing.T) {
	s := startServer(t)
	k := open(t, s.impatient())
	ctx := t.Context()
	must(t, k.Set(ctx, "Rex", "7", 0).Err())
	lookups := func(t *testing.T) {
		t.Helper()
		if err := k.Get(ctx, "Rex").Err(); err == nil || errors.Is(err, redis.Nil) {
			t.Errorf("GET: %v", err)
		}
		k.expect(t, counts{gets: 1, failures: 1}) // however often it was tried
		if err := k.MGet(ctx, "Rex", "Bo").Err(); err == nil {
			t.Error("MGET succeeded")
		}
		_, _ = k.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.Get(ctx, "Rex")
			p.Get(ctx, "Bo")
			return nil
		})
		_, _ = k.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Get(ctx, "Rex").Err() })
		k.expect(t, counts{gets: 5, failures: 5})
	}
	works := func(t *testing.T) {
		t.Helper()
		eventually(t, func(ctx context.Context) error { return k.Ping(ctx).Err() })
		if err := k.Get(ctx, "Rex").Err(); err != nil && !errors.Is(err, redis.Nil) {
			t.Error(err)
		}
	}
	t.Run("hanging", func(t *testing.T) {
		s.signal(t, syscall.SIGSTOP)
		lookups(t)
		s.signal(t, syscall.SIGCONT)
		works(t)
		k.expect(t, counts{gets: 1, hits: 1})
	})
	t.Run("down", func(t *testing.T) {
		s.stop()
		lookups(t)
		s.start(t, s.process.Path)
		works(t)
		k.expect(t, counts{gets: 1, misses: 1}) // it keeps nothing
	})
	t.Run("refusing the password", func(t *testing.T) {
		const wrong = "wr0ng-password"
		opts := s.options()
		opts.Password = wrong
		k := open(t, opts)
		if err := k.Get(ctx, "Rex").Err(); err == nil || strings.Contains(err.Error(), wrong) {
			t.Errorf("got %v", err)
		}
		k.expect(t, counts{gets: 1, failures: 1})
		families, err := k.reg.Gather()
		must(t, err)
		if all := fmt.Sprint(families, k.logged.String()); strings.Contains(all, wrong) || strings.Contains(all, password) {
			t.Error("the password is logged or exposed")
		}
	})
}

// refusing is another hook, which lets nothing through.
type refusing struct{}

var errRefused = errors.New("too many requests")

func (refusing) DialHook(next redis.DialHook) redis.DialHook { return next }

func (refusing) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(context.Context, redis.Cmder) error { return errRefused }
}

func (refusing) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(context.Context, []redis.Cmder) error { return errRefused }
}

type panicking struct{ refusing }

func (panicking) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(context.Context, redis.Cmder) error { panic(errRefused) }
}

func (panicking) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(context.Context, []redis.Cmder) error { panic(errRefused) }
}

func TestWhatAnotherHookRefusesIsAFailure(t *testing.T) {
	for name, hook := range map[string]redis.Hook{"by an error": refusing{}, "by a panic": panicking{}} {
		t.Run(name, func(t *testing.T) {
			k := open(t, &redis.Options{Network: "unix", Addr: "/nowhere"})
			k.AddHook(hook)
			try := func(do func()) {
				defer func() {
					if p := recover(); p != nil && p != errRefused {
						panic(p)
					}
				}()
				do()
			}
			try(func() { k.Get(t.Context(), "Rex") })
			k.expect(t, counts{gets: 1, failures: 1})
			try(func() {
				_, _ = k.Pipelined(t.Context(), func(p redis.Pipeliner) error { return p.MGet(t.Context(), "Rex", "Bo").Err() })
			})
			k.expect(t, counts{gets: 2, failures: 2})
		})
	}
}
