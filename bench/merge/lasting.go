package main

import (
	"runtime"
	"time"
)

// lasting is the sidecar's memory over many scrapes.
type lasting struct {
	scrapes             int
	early               int // after how many the first of the two was looked at
	atEarly, atEnd, max int64
	took                time.Duration
}

// fullCheckEach is after how many scrapes of the lasting run the whole answer is compared, and not only its totals.
const fullCheckEach = 500

// last scrapes, plain and compressed in turns, until it was done so often or the time is up.
func (b *bench) last(s *sidecar, d *directory) (l lasting, err error) {
	l.early = b.scrapes / 10
	begin := time.Now()
	for l.scrapes < b.scrapes && time.Since(begin) < b.atMost {
		if l.scrapes%50 == 0 {
			runtime.GC()
		}
		if err := d.tick(); err != nil {
			return l, err
		}
		compressed := l.scrapes%2 == 1
		page, _, err := s.scrape(compressed)
		if err != nil {
			return l, err
		}
		l.scrapes++
		if err := b.checked("the sidecar", d, page, compressed, l.scrapes%fullCheckEach == 0); err != nil {
			return l, err
		}
		if l.scrapes == l.early {
			if l.atEarly, _, err = s.memory(); err != nil {
				return l, err
			}
		}
	}
	l.took = time.Since(begin)
	l.atEnd, l.max, err = s.memory()
	return l, err
}
