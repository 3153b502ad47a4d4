package main

import (
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// reloader reads its configuration again.
type reloader interface{ Reload() error }

// reloadOnHangup reloads at each SIGHUP, as servers do, until the returned function is called.
func reloadOnHangup(target reloader, logger *slog.Logger) (stop func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range hangups {
			if err := target.Reload(); err != nil {
				logger.Error("reload failed, the previous configuration stays", "err", err)
			}
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
		<-ended
	}
}
