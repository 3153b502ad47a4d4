package pydir_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// TestTotalsGoOnAfterARestartAtTheLimitOfWhatIsRetained: what the state has is there already and takes no more room.
func TestTotalsGoOnAfterARestartAtTheLimitOfWhatIsRetained(t *testing.T) {
	l := newLife(t)
	w, c := l.worker("7")
	w.Histogram("walk_seconds", "Duration.", []float64{1, math.Inf(1)}).Observe(2)
	c.Add(5)
	full := pydir.Options{Limits: pydir.Limits{Retained: 4}} // the counter, two buckets, a sum
	if got := l.total(full); got != 5 {
		t.Fatalf("at first %v were counted", got)
	}
	for want := 6.0; want < 9; want++ {
		c.Add(1)
		if got := l.total(full); got != want {
			t.Errorf("after a restart %v were counted, want %v", got, want)
		}
	}
}

// TestALowerLimitForgetsNothingThatTheStateHas: it is for what comes new.
func TestALowerLimitForgetsNothingThatTheStateHas(t *testing.T) {
	l := newLife(t)
	w, c := l.worker("7")
	for _, dog := range []string{"rex", "ace", "fido"} {
		w.Counter("barks", "Barks.", pydirtest.Label{Name: "dog", Value: dog}).Add(1)
	}
	c.Add(5)
	if got := l.total(pydir.Options{}); got != 5 {
		t.Fatalf("at first %v were counted", got)
	}
	l.remove("*.db")
	if got := l.total(pydir.Options{Limits: pydir.Limits{Retained: 2}}); got != 5 {
		t.Errorf("after a restart %v were counted, want 5", got)
	}
}

// TestACountThatFellIsHeldOverARestart damages one value of a file: neither that nor a restart afterwards makes all that the file
// counts be added once more.
func TestACountThatFellIsHeldOverARestart(t *testing.T) {
	l := newLife(t)
	w, c := l.worker("7")
	barks := w.Counter("barks", "Barks.")
	c.Add(5)
	barks.Add(3)
	if got := l.total(pydir.Options{}); got != 5 {
		t.Fatalf("at first %v were counted", got)
	}
	file, err := os.OpenFile(filepath.Join(l.dir, "counter_7.db"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	content, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	at := 8 + pydirtest.Entry{Key: `["walks_started", "walks_started_total", {}, "Walks."]`}.ValueOffset()
	if got := math.Float64frombits(binary.LittleEndian.Uint64(content[at:])); got != 5 {
		t.Fatalf("the value at %d is %v", at, got)
	}
	if _, err := file.WriteAt(binary.LittleEndian.AppendUint64(nil, math.Float64bits(2)), int64(at)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		m := newMerger(t, pydir.Options{Dir: l.dir, State: l.state})
		got := samplesOf(t, scrape(t, m, "text/plain"), "text/plain")
		if got[`{__name__="walks_started_total"}`] != 5 || got[`{__name__="barks_total"}`] != barks.Get() {
			t.Errorf("after a restart %v, want 5 walks and %v barks", got, barks.Get())
		}
		barks.Add(1)
		got = samplesOf(t, scrape(t, m, "text/plain"), "text/plain")
		if got[`{__name__="barks_total"}`] != barks.Get() {
			t.Errorf("then %v, want %v barks", got, barks.Get())
		}
		m.Close()
	}
	c.Set(9) // beyond where it was
	if got := l.total(pydir.Options{}); got != 9 {
		t.Errorf("when it has passed the value before, %v were counted, want 9", got)
	}
}
