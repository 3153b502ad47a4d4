package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// Run applies the configuration, starts everything and blocks until ctx ends or a part fails; then it stops everything in
// reverse order and returns. An orderly end is no error. A server runs once.
func (s *Server) Run(ctx context.Context) (err error) {
	if !s.running.CompareAndSwap(false, true) {
		return errors.New("the server has been run or closed before")
	}
	defer func() { err = errors.Join(err, s.release()) }()
	if err := s.applyFirst(); err != nil {
		return err
	}
	parts := &parts{logger: s.opts.Logger, failed: make(chan error, 5)}
	defer parts.stop()
	// Until all parts are stopped nobody may be inside, so this runs before parts.stop.
	defer s.stopAnswering()
	s.startParts(parts)
	s.gate.open()
	s.metrics.ready.Set(1)
	s.opts.Logger.Info("server is ready", "config", s.opts.ConfigFile, "data", s.opts.DataDir)
	select {
	case <-ctx.Done():
		return nil
	case err := <-parts.failed:
		return err
	}
}

// startParts starts discovery last, though it feeds the others: the reverse order then stops what brings work before what
// does it, rules before the alerts they send, and all before the storage they write to.
func (s *Server) startParts(p *parts) {
	p.start("notifier", func() error { s.notifier.Run(s.discoverAlerts.SyncCh()); return nil }, s.notifier.Stop)
	p.start("scrape manager", func() error { return s.scrape.Run(s.discoverTargets.SyncCh()) }, s.scrape.Stop)
	p.start("rule manager", func() error { s.rules.Run(); return nil }, s.rules.Stop)
	p.start("alertmanager discovery", s.discoverAlerts.Run, s.discoverAlerts.cancel)
	p.start("target discovery", s.discoverTargets.Run, s.discoverTargets.cancel)
}

func (s *Server) stopAnswering() {
	s.metrics.ready.Set(0)
	s.opts.Logger.Info("server is stopping")
	s.gate.close()
}

// parts are goroutines that end in the reverse order of their start, each waited for before the next is told to.
type parts struct {
	logger  *slog.Logger
	started []part
	failed  chan error
}

type part struct {
	name  string
	stop  func()
	ended chan struct{}
}

func (p *parts) start(name string, run func() error, stop func()) {
	ended := make(chan struct{})
	p.started = append(p.started, part{name, stop, ended})
	go func() {
		defer close(ended)
		if err := run(); err != nil && !errors.Is(err, context.Canceled) {
			p.failed <- fmt.Errorf("%s: %w", name, err)
		}
	}()
}

func (p *parts) stop() {
	for i := len(p.started) - 1; i >= 0; i-- {
		p.started[i].stop()
		<-p.started[i].ended
		p.logger.Debug("stopped", "part", p.started[i].name)
	}
}

// closers close what was opened, the last first, once.
type closers struct {
	stack []closer
}

type closer struct {
	name  string
	close func() error
}

func (c *closers) add(name string, close func() error) {
	c.stack = append(c.stack, closer{name, close})
}

func (c *closers) unwind(logger *slog.Logger) error {
	var errs []error
	for i := len(c.stack) - 1; i >= 0; i-- {
		if err := c.stack[i].close(); err != nil {
			errs = append(errs, fmt.Errorf("close %s: %w", c.stack[i].name, err))
		}
		logger.Debug("closed", "part", c.stack[i].name)
	}
	c.stack = nil
	return errors.Join(errs...)
}
