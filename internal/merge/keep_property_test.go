package merge_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
)

func itoa(n int) string { return strconv.Itoa(n) }

func wantAtLeast(t testing.TB, s *sidecar, series string, least float64) {
	t.Helper()
	if got, err := strconv.ParseFloat(value(t, s, series), 64); err != nil || got < least {
		t.Errorf("%s is %v, was %v", series, got, least)
	}
}

// Two merges read the same workers through the same random history; one of them is killed and restarted all the time. Whatever
// is served is the same.
func TestM20RestartsMakeNoDifferenceToAnyTotal(t *testing.T) {
	rounds := 30
	if testing.Short() {
		rounds = 6
	}
	for seed := range rounds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := &model{t: t, random: rand.New(rand.NewPCG(uint64(seed), 20)), dir: socketDir(t)}
			path := filepath.Join(t.TempDir(), "state")
			o := merge.Options{Source: endpoints.Dir(m.dir)}
			reference, s := newMerger(t, o), startSidecar(t, path, o)
			m.start()
			restarts, last := 0, 0.0
			read(t, s.Merger)
			read(t, reference)
			for range 60 {
				m.step(reference)
				// A worker that drained in this step handed over to the reference alone, and only what both had read already.
				read(t, s.Merger)
				read(t, reference)
				m.wasRead()
				if m.random.IntN(3) == 0 {
					before := counted(t, s)
					s.kill()
					s = startSidecar(t, path, o)
					restarts++
					if diff := cmp.Diff(before, counted(t, s), protocmp.Transform()); diff != "" {
						t.Fatalf("a restart changed what is served (-before +after):\n%s", diff)
					}
				}
				if diff := cmp.Diff(totals(t, reference), totals(t, s), protocmp.Transform()); diff != "" {
					t.Fatalf("after %d restarts (-without +with):\n%s", restarts, diff)
				}
				total := s.Counter("clicks_total").Total
				if want := float64(m.clicked - m.lost - m.waiting()); total != want || total < last {
					t.Fatalf("after %d restarts merged %v, want %v, was %v", restarts, total, want, last)
				}
				last = total
			}
			if restarts == 0 {
				t.Error("nothing was restarted")
			}
		})
	}
}

// The merge is away for a while again and again; nothing is read then. What was counted by workers that live on is not lost,
// and nothing is counted twice.
func TestM20WhatIsCountedWhileTheMergeIsAwayIsCountedOnce(t *testing.T) {
	rounds := 30
	if testing.Short() {
		rounds = 6
	}
	for seed := range rounds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := &model{t: t, random: rand.New(rand.NewPCG(uint64(seed), 21)), dir: socketDir(t)}
			path := filepath.Join(t.TempDir(), "state")
			o := merge.Options{Source: endpoints.Dir(m.dir), Limits: merge.Limits{Departed: 1000}}
			m.start()
			last := 0.0
			for range 20 {
				s := startSidecar(t, path, o)
				for range 1 + m.random.IntN(4) {
					read(t, s.Merger)
					m.wasRead()
					wantAtLeast(t, s, "clicks_total", last)
					last = s.Counter("clicks_total").Total
					if want := float64(m.clicked - m.lost - m.waiting()); last != want {
						t.Fatalf("merged %v, counted %d, of which lost %d and not read yet %d", last, m.clicked, m.lost, m.waiting())
					}
					m.step(s.Merger)
				}
				read(t, s.Merger)
				m.wasRead()
				wantAtLeast(t, s, "clicks_total", last) // and so it is saved
				last = s.Counter("clicks_total").Total
				s.kill()
				for range m.random.IntN(4) {
					m.stepUnread()
				}
			}
		})
	}
}
