package python

import (
	"maps"
	"slices"
	"sync"
	"testing"
)

// series is what is counted, by name and labels as in the text format, with the amount.
type series map[string]float64

// account is what whoever asked knows of the counters: an answer that has come was counted, and a connection that was cut may have been.
type account struct {
	mu       sync.Mutex
	known    series
	possible series // beyond known
	answered int
	unclear  int
}

func newAccount() *account { return &account{known: series{}, possible: series{}} }

func (a *account) add(s series, clear bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	into := a.known
	if clear {
		a.answered++
	} else {
		a.unclear++
		into = a.possible
	}
	for name, n := range s {
		into[name] += n
	}
}

// now returns copies of the sums, and how many requests were answered and how many were cut.
func (a *account) now() (known, possible series, answered, unclear int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.known), maps.Clone(a.possible), a.answered, a.unclear
}

// check demands that a page has what is known, and no more beyond it than is possible.
func (a *account) check(t *testing.T, whose string, page series) {
	t.Helper()
	known, possible, answered, unclear := a.now()
	if len(known) == 0 {
		t.Fatal("nothing was counted: the test looks in the wrong place")
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		got, there := page[name]
		if !there || got < known[name] || got > known[name]+possible[name] {
			t.Errorf("%s: %s is %v, want %v to %v (%d requests answered, %d cut)",
				whose, name, got, known[name], known[name]+possible[name], answered, unclear)
		}
	}
}
