package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// permanent is an error that does not pass.
type permanent struct{ error }

// every is how often a starting server is asked: the resolution of the times until they are ready.
const every = 10 * time.Millisecond

// await asks until there is no error.
func await(ctx context.Context, timeout time.Duration, what string, ask func() error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		var lasting permanent
		if errors.As(err, &lasting) {
			return fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready after %v: %w", what, timeout, err)
		case <-time.After(every):
		}
	}
}
