package goredismetrics

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
	"github.com/truecount/truecount/instrument/cache"
)

// Hook is a [redis.Hook] that counts. Make it with [New]; several clients may share it.
type Hook struct{ backend *cache.Backend }

var _ redis.Hook = (*Hook)(nil)

// New returns a hook that counts the lookups of a client as those of a backend.
func New(backend *cache.Backend) *Hook { return &Hook{backend: backend} }

// DialHook leaves connecting as it is: a command that gets no connection fails, and is counted as such.
func (h *Hook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook counts single commands.
func (h *Hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		n := lookups(cmd)
		if n == 0 {
			return next(ctx, cmd)
		}
		h.backend.Began(n)
		returned := false
		defer func() {
			if !returned {
				h.backend.Failed(n)
			}
		}()
		err := next(ctx, cmd)
		returned = true
		h.count(cmd, n, err)
		return err
	}
}

// ProcessPipelineHook counts the commands of pipelines and transactions.
func (h *Hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		total := 0
		for _, cmd := range cmds {
			total += lookups(cmd)
		}
		if total == 0 {
			return next(ctx, cmds)
		}
		h.backend.Began(total)
		returned := false
		defer func() {
			if !returned {
				h.backend.Failed(total)
			}
		}()
		err := next(ctx, cmds)
		returned = true
		if err != nil && !anyFailed(cmds) { // another hook refused all of them
			h.backend.Failed(total)
			return err
		}
		for _, cmd := range cmds {
			if n := lookups(cmd); n > 0 {
				h.count(cmd, n, cmd.Err())
			}
		}
		return err
	}
}

func anyFailed(cmds []redis.Cmder) bool {
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			return true
		}
	}
	return false
}

// lookups says how many keys or fields a command reads, 0 if it is not one that is counted.
func lookups(cmd redis.Cmder) int {
	switch cmd.Name() {
	case "get", "getex", "getdel", "hget", "hgetall":
		return 1
	case "mget":
		return len(cmd.Args()) - 1
	case "hmget":
		return len(cmd.Args()) - 2
	}
	return 0
}

// count counts what became of a command of n lookups.
func (h *Hook) count(cmd redis.Cmder, n int, err error) {
	switch {
	case errors.Is(err, redis.Nil):
		h.backend.Missed(n)
	case err != nil:
		h.backend.Failed(n)
	default:
		missed := min(misses(cmd), n)
		h.backend.Missed(missed)
		h.backend.Hit(n - missed)
	}
}

// misses says how many of the keys of a command that succeeded were not there.
func misses(cmd redis.Cmder) int {
	switch cmd := cmd.(type) {
	case *redis.SliceCmd:
		return nils(cmd.Val())
	case *redis.MapStringStringCmd:
		return empty(len(cmd.Val()))
	case *redis.Cmd: // of Do, with what RESP 2 or 3 makes of it
		switch value := cmd.Val().(type) {
		case []any:
			if cmd.Name() == "hgetall" {
				return empty(len(value))
			}
			return nils(value)
		case map[any]any:
			return empty(len(value))
		}
	}
	return 0
}

func nils(values []any) int {
	n := 0
	for _, value := range values {
		if value == nil {
			n++
		}
	}
	return n
}

func empty(length int) int {
	if length == 0 {
		return 1
	}
	return 0
}
