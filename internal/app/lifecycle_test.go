package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestComponentsEndLastInFirstOut(t *testing.T) {
	s := newStack(slog.New(slog.DiscardHandler))
	var ended []string
	for _, name := range []string{"server", "workers", "autoscaler"} {
		s.start(name, func(ctx context.Context) error {
			<-ctx.Done()
			ended = append(ended, name)
			return ctx.Err()
		})
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"autoscaler", "workers", "server"}; !slices.Equal(ended, want) {
		t.Errorf("ended %v, want %v", ended, want)
	}
}

func TestAComponentThatFailsIsNamed(t *testing.T) {
	s := newStack(slog.New(slog.DiscardHandler))
	s.start("server", func(ctx context.Context) error { return errors.New("disk gone") })
	err := <-s.failed
	if err == nil || !strings.Contains(err.Error(), "server: disk gone") {
		t.Errorf("failure %q does not name the component and the cause", err)
	}
	if stopped := s.stop(); !errors.Is(stopped, err) {
		t.Errorf("stop forgot the failure: %v", stopped)
	}
}

func TestOneComponentCanEndBeforeTheOthers(t *testing.T) {
	s := newStack(slog.New(slog.DiscardHandler))
	outlived := make(chan struct{})
	s.start("server", func(ctx context.Context) error { <-ctx.Done(); close(outlived); return nil })
	merger := s.start("merger", func(ctx context.Context) error { <-ctx.Done(); return nil })
	if err := s.end(merger); err != nil {
		t.Fatal(err)
	}
	select {
	case <-outlived:
		t.Error("the server ended with the merger")
	default:
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
}
