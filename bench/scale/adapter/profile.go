package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// profiled does something while the adapter records what its CPU is used for, if profiles are wanted. Both adapters serve
// profiles to an administrator. A later turn overwrites those of an earlier one.
func (b *bench) profiled(ctx context.Context, a *adapter, l load, do func() error) error {
	if b.profile == "" {
		return do()
	}
	file := filepath.Join(b.profile, strings.ReplaceAll(fmt.Sprintf("%s, %s, %d", a.name, l.name, l.clients), " ", "-"))
	ended := make(chan error, 1)
	go func() {
		seconds := max(1, math.Floor(b.atLeast.Seconds()))
		ended <- a.save(ctx, fmt.Sprintf("/debug/pprof/profile?seconds=%.0f", seconds), file+".cpu.pprof")
	}()
	err := do()
	return errors.Join(err, <-ended, a.save(ctx, "/debug/pprof/heap", file+".heap.pprof"))
}

func (a *adapter) save(ctx context.Context, path, file string) error {
	body, err := a.front.getAs(ctx, path, administrator, administrators)
	if err != nil {
		return err
	}
	return os.WriteFile(file, body, 0o600)
}
