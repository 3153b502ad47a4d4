package main

import (
	"fmt"
	"runtime"
	"time"
)

// warms are scrapes of processes that have scraped the directory before. In between a value of every file has changed.
type warms struct{ ours, theirs []time.Duration }

// oursEach is how often the sidecar is scraped in a turn: it is so much faster that the median of as few scrapes as Python's
// would be left to chance.
const oursEach = 5

// warmScrapes lets the two take turns.
func (b *bench) warmScrapes(s *sidecar, p *python, d *directory, compressed bool) (w warms, err error) {
	for range b.turns {
		took, err := b.oneTurn("the sidecar", s.scrape, d, compressed, oursEach)
		if err != nil {
			return w, err
		}
		w.ours = append(w.ours, took...)
		if p == nil {
			continue
		}
		if took, err = b.oneTurn("Python", p.scrape, d, compressed, 1); err != nil {
			return w, err
		}
		w.theirs = append(w.theirs, took...)
	}
	return w, nil
}

// oneTurn makes scrapes, before each of which the live writer changes a value of every file. Of each answer the total is
// compared with the writer's account, and of the last one every sample.
func (b *bench) oneTurn(who string, scrape func(bool) ([]byte, time.Duration, error), d *directory, compressed bool, scrapes int) (times []time.Duration, err error) {
	runtime.GC() // now, and not beside what is timed: see main
	for i := range scrapes {
		if err := d.tick(); err != nil {
			return nil, err
		}
		page, took, err := scrape(compressed)
		if err != nil {
			return nil, err
		}
		times = append(times, took)
		if err := b.checked(who, d, page, compressed, i == scrapes-1); err != nil {
			return nil, err
		}
	}
	return times, nil
}

// checked compares an answer with the writer's account: its total, or every sample.
func (b *bench) checked(who string, d *directory, page []byte, compressed, whole bool) (err error) {
	b.totals++
	if err = d.checkTotal(page, compressed); err == nil && whole {
		b.pages++
		err = d.check(page, compressed)
	}
	if err != nil {
		return fmt.Errorf("an answer of %s is wrong: %w", who, err)
	}
	return nil
}

// beside are scrapes of two directories that differ in the files of dead workers alone.
type beside struct{ without, with []time.Duration }

// deadBeside scrapes a sidecar of each directory in turns.
func (b *bench) deadBeside(s *sidecar, d *directory, s2 *sidecar, d2 *directory) (r beside, err error) {
	for range b.turns {
		without, err := b.oneTurn("the sidecar", s.scrape, d, false, oursEach)
		if err != nil {
			return r, err
		}
		with, err := b.oneTurn("the sidecar beside dead workers' files", s2.scrape, d2, false, oursEach)
		if err != nil {
			return r, err
		}
		r.without, r.with = append(r.without, without...), append(r.with, with...)
	}
	return r, nil
}
