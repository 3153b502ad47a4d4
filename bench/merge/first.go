package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// firsts are the first scrapes of processes that know nothing of the directory; its pages are in the page cache.
type firsts struct {
	ours, theirs           []time.Duration // the scrape alone, in a process that has started
	oursWhole, theirsWhole []time.Duration // from exec to the end of the first answer
	peaks                  []int64         // the sidecar's, after its first scrape
}

// firstScrapes lets the two take turns.
func (b *bench) firstScrapes(ctx context.Context, d *directory) (f firsts, err error) {
	for range b.turns {
		if err := b.firstOfSidecar(ctx, d, &f); err != nil {
			return f, err
		}
		if err := b.startOfSidecar(ctx, d, &f); err != nil {
			return f, err
		}
		if b.interpreter == "" {
			continue
		}
		if err := d.tick(); err != nil {
			return f, err
		}
		runtime.GC()
		start := time.Now()
		p, err := startPython(ctx, b.interpreter, b.script, d.path)
		if err != nil {
			return f, err
		}
		page, took, err := p.scrape(false)
		if err == nil {
			f.theirs, f.theirsWhole = append(f.theirs, took), append(f.theirsWhole, time.Since(start))
			err = b.checked("Python", d, page, false, true)
		}
		p.stop()
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// firstOfSidecar starts the sidecar while there is no directory, so that it has read nothing when it is ready, lets the
// directory appear and scrapes.
func (b *bench) firstOfSidecar(ctx context.Context, d *directory, f *firsts) (err error) {
	link := filepath.Join(b.dir, "appears")
	s, err := startSidecar(ctx, b.sidecar, link, "--interval", "1h")
	if err != nil {
		return err
	}
	defer func() {
		if e := s.stop(); err == nil {
			err = e
		}
		_ = os.Remove(link)
	}()
	if status, page, _, err := s.ask(false); err != nil || status != http.StatusServiceUnavailable {
		return fmt.Errorf("a sidecar without a directory answers %d %s (%w)", status, page, err)
	}
	if err := d.tick(); err != nil {
		return err
	}
	runtime.GC()
	if err := os.Symlink(d.path, link); err != nil {
		return err
	}
	page, took, err := s.scrape(false)
	if err != nil {
		return err
	}
	f.ours = append(f.ours, took)
	_, peak, err := s.memory()
	f.peaks = append(f.peaks, peak)
	if err != nil {
		return err
	}
	return b.checked("the sidecar", d, page, false, true)
}

// startOfSidecar takes the time from exec to the first answer.
func (b *bench) startOfSidecar(ctx context.Context, d *directory, f *firsts) error {
	if err := d.tick(); err != nil {
		return err
	}
	runtime.GC()
	start := time.Now()
	s, err := startSidecar(ctx, b.sidecar, d.path)
	if err != nil {
		return err
	}
	page, _, err := s.scrape(false)
	if err == nil {
		f.oursWhole = append(f.oursWhole, time.Since(start))
		err = b.checked("the sidecar", d, page, false, true)
	}
	if e := s.stop(); err == nil {
		err = e
	}
	return err
}
