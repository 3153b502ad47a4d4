package pydir_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

func TestM2FilesGoBetweenTheListingAndTheReading(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("walks", 1)))
	m := newMerger(t, pydir.Options{Dir: dir})
	read(t, m)
	w := worker(t, dir, "2")
	w.Counter("walks", "Help.").Add(5)
	read(t, m)
	// The last count of a worker whose file goes is read through the descriptor, though nothing was read in between.
	w.Counter("walks", "Help.").Add(10)
	remove(t, dir, "counter_2.db")
	wantSample(t, m, "walks_total", 16)

	// And while somebody takes files away and puts others there, every scrape has the one that stays.
	ctx, churned := t.Context(), make(chan error)
	stop := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				churned <- nil
				return
			case <-ctx.Done():
				churned <- ctx.Err()
				return
			default:
			}
			path := filepath.Join(dir, fmt.Sprintf("counter_%d.db", 100+n%7))
			if err := os.WriteFile(path, pydirtest.Image(since018, counterEntry("others", 1)), 0o644); err != nil {
				churned <- err
				return
			}
			if err := os.Remove(path); err != nil {
				churned <- err
				return
			}
		}
	}()
	before := 0.0
	for range 300 {
		page := samplesOf(t, scrape(t, m, asText), asText)
		if page[series("walks_total")] != 16 || page[series("others_total")] < before {
			t.Errorf("walks are %v, others %v after %v", page[series("walks_total")], page[series("others_total")], before)
		}
		before = page[series("others_total")]
	}
	close(stop)
	if err := <-churned; err != nil {
		t.Fatal(err)
	}
	read(t, m)
	if got := ownMetric(t, m, "files", "state", "read"); got != 1 {
		t.Errorf("%v files are read, want the one that is there", got)
	}
}

func TestM3EmptyFilesAreLeftOutAndCountedByReason(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("walks", 1)))
	write(t, dir, "counter_2.db", nil)
	write(t, dir, "histogram_3.db", make([]byte, 65536)) // its size was set, and its worker killed before it wrote
	write(t, dir, "summary_4.db", []byte{8, 0, 0})
	write(t, dir, "gauge_all_5.db", pydirtest.Image(since018)) // a header alone is a file without entries, and no fault
	m := newMerger(t, pydir.Options{Dir: dir})
	for range 3 { // counted when it begins, not at every scrape
		wantSamples(t, m, map[string]float64{"walks_total": 1})
	}
	for reason, want := range map[string]float64{"empty": 2, "truncated": 1} {
		if got := skippedFiles(t, m, reason); got != want {
			t.Errorf("%v files are counted as %s, want %v", got, reason, want)
		}
	}
	if up, down := ownMetric(t, m, "workers", "state", "up"), ownMetric(t, m, "workers", "state", "down"); up != 2 || down != 3 {
		t.Errorf("%v workers are up and %v down, want 2 and 3", up, down)
	}
	// Each goes on as soon as it is whole.
	for i, base := range []string{"counter_2.db", "histogram_3.db", "summary_4.db"} {
		if err := os.WriteFile(filepath.Join(dir, base), pydirtest.Image(since018), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := ownMetric(t, m, "workers", "state", "down"); got != float64(2-i) {
			t.Errorf("%v workers are down", got)
		}
	}
}

// small is a file with all that a truncation can cut through.
func small() []byte {
	entries := []pydirtest.Entry{counterEntry("walks", 3), counterEntry("runs", 5, label("dog", "rex")), counterEntry("naps", 7, label("dog", "Flöß"))}
	return pydirtest.Image(since018, entries...)
}

func TestM4AFileTruncatedAtEveryByteNeverCountsLess(t *testing.T) {
	want := map[string]float64{"walks_total": 3, series("runs_total", "dog", "rex"): 5, series("naps_total", "dog", "Flöß"): 7}
	for name, whole := range map[string][]byte{"to its end": small(), "with zeros behind": append(small(), make([]byte, 64)...)} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "counter_7.db")
			write(t, dir, "counter_7.db", whole)
			m := newMerger(t, pydir.Options{Dir: dir})
			wantSamples(t, m, want)
			inUse := len(small())
			for size := len(whole); size >= 0; size-- {
				if err := os.Truncate(path, int64(size)); err != nil {
					t.Fatal(err)
				}
				wantSamples(t, m, want)
				if n := down(m); (n == 1) != (size < inUse) {
					t.Errorf("at %d of %d bytes %d workers are down", size, inUse, n)
				}
				// Whole again, in place: nothing was counted anew.
				if err := os.WriteFile(path, whole, 0o644); err != nil {
					t.Fatal(err)
				}
				wantSamples(t, m, want)
				if down(m) != 0 {
					t.Errorf("whole again after %d bytes, it is still left out", size)
				}
			}
			if got := skippedFiles(t, m, "truncated") + skippedFiles(t, m, "empty"); got != float64(inUse) {
				t.Errorf("%v truncations are counted, want %d", got, inUse)
			}
			// What is counted after all this is added once.
			binary.LittleEndian.PutUint64(whole[valueAt(t, whole):], math.Float64bits(4))
			if err := os.WriteFile(path, whole, 0o644); err != nil {
				t.Fatal(err)
			}
			wantSample(t, m, "walks_total", 4)
		})
	}
}

// valueAt is the offset of the first value of a file.
func valueAt(t testing.TB, file []byte) int {
	t.Helper()
	n := int(binary.LittleEndian.Uint32(file[8:]))
	return 8 + pydirtest.Entry{Key: string(file[12 : 12+n])}.ValueOffset()
}

// A file that is truncated when it is seen for the first time says nothing, whatever it says is in use.
func TestM4AFileThatIsNewAndTruncatedCountsNothingUntilItIsWhole(t *testing.T) {
	whole := small()
	for size := range len(whole) {
		dir := t.TempDir()
		write(t, dir, "counter_6.db", pydirtest.Image(since018))
		write(t, dir, "counter_7.db", whole[:size])
		m := newMerger(t, pydir.Options{Dir: dir})
		wantSamples(t, m, map[string]float64{})
		if err := os.WriteFile(filepath.Join(dir, "counter_7.db"), whole, 0o644); err != nil {
			t.Fatal(err)
		}
		wantSample(t, m, "walks_total", 3)
	}
}

// kindOfByte tells what a flipped bit of small() hits.
func kindOfByte(file []byte, at int) string {
	if at < 4 {
		return "used"
	}
	if at < 8 {
		return "padding of the header"
	}
	for entry := 8; entry < len(file); {
		n := int(binary.LittleEndian.Uint32(file[entry:]))
		value := entry + pydirtest.Entry{Key: string(file[entry+4 : entry+4+n])}.ValueOffset()
		switch {
		case at < entry+4:
			return "length"
		case at < entry+4+n:
			return "key"
		case at < value:
			return "padding"
		case at < value+8:
			return "value"
		case at < value+16:
			return "timestamp"
		}
		entry = value + 16
	}
	return ""
}

func TestM5ABitFlippedInAKnownFileNeverMakesItCountLess(t *testing.T) {
	whole, inUse := append(small(), make([]byte, 512)...), len(small())
	want := map[string]float64{"walks_total": 3, series("runs_total", "dog", "rex"): 5, series("naps_total", "dog", "Flöß"): 7}
	dir, detected := t.TempDir(), map[string]int{}
	write(t, dir, "counter_7.db", whole)
	m := newMerger(t, pydir.Options{Dir: dir})
	wantSamples(t, m, want)
	for at := range inUse {
		for bit := range 8 {
			kind := kindOfByte(whole[:inUse], at)
			what := fmt.Sprintf("after a flip of bit %d of byte %d, in the %s, the page", bit, at, kind)
			write(t, dir, "counter_7.db", flipped(whole, at, bit))
			got := merged(t, m)
			if down(m) == 1 {
				detected[kind]++
			}
			if kind == "value" { // can be more, but not less
				for name, v := range keyed(want) {
					if got[name] < v {
						t.Errorf("%s has %s fallen from %v to %v", what, name, v, got[name])
					}
				}
				write(t, dir, "counter_7.db", whole)
				m = newMerger(t, pydir.Options{Dir: dir})
				read(t, m)
				continue
			}
			same(t, what, got, want)
			write(t, dir, "counter_7.db", whole)
			if same(t, what+", whole again,", merged(t, m), want); down(m) != 0 {
				t.Errorf("whole again %s is left out", what)
			}
		}
	}
	// All lengths and what is in use are structure: no flip there goes undetected. Of keys that are known only the lengths are
	// compared: what their values are was learned before.
	if detected["used"] != 4*8 || detected["length"] != 3*4*8 {
		t.Errorf("of 32 flips of what is in use %d were detected, of 96 of lengths %d", detected["used"], detected["length"])
	}
	t.Logf("%d flips in a known file, detected by where: %v", 8*inUse, detected)
}

func TestM5ABitFlippedInANewFileIsDetectedUnlessItIsInAValueOrAKey(t *testing.T) {
	whole, inUse := append(small(), make([]byte, 512)...), len(small())
	dir, detected, taken := t.TempDir(), map[string]int{}, map[string]int{}
	write(t, dir, "counter_6.db", pydirtest.Image(since018))
	for at := range inUse {
		for bit := range 8 {
			write(t, dir, "counter_7.db", flipped(whole, at, bit))
			m := newMerger(t, pydir.Options{Dir: dir})
			got, kind := merged(t, m), kindOfByte(whole[:inUse], at)
			if down(m) == 0 {
				taken[kind]++
				continue
			}
			detected[kind]++
			if len(got) > 0 {
				t.Errorf("bit %d of byte %d: the file is left out, and still says %v", bit, at, got)
			}
		}
	}
	for _, kind := range []string{"used", "length", "padding"} {
		if taken[kind] > 0 || detected[kind] == 0 {
			t.Errorf("%d flips in the %s went undetected, %d did not", taken[kind], kind, detected[kind])
		}
	}
	t.Logf("%d flips in a new file, detected by where: %v, not: %v", 8*inUse, detected, taken)
}

func flipped(file []byte, at, bit int) []byte {
	out := append([]byte(nil), file...)
	out[at] ^= 1 << bit
	return out
}

// down is how many workers have a file that could not be read.
func down(m *pydir.Merger) int {
	n := 0
	for _, w := range m.Workers() {
		if !w.Up {
			n++
		}
	}
	return n
}

func TestM6ForeignFilesAreRefusedForAReason(t *testing.T) {
	old := func(g pydirtest.Generation, n int) []byte {
		var entries []pydirtest.Entry
		for i := range n {
			name := fmt.Sprintf("walks_%d", i)
			entries = append(entries, pydirtest.Entry{Key: pydirtest.Key(g, name, name+"_total", "Help."), Value: 1})
		}
		return pydirtest.Image(g, entries...)
	}
	bigEndian := func() []byte {
		out := small()
		swap := func(b []byte) {
			for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
				b[i], b[j] = b[j], b[i]
			}
		}
		for at, end := 8, len(out); at < end; {
			n := int(binary.LittleEndian.Uint32(out[at:]))
			value := at + pydirtest.Entry{Key: string(out[at+4 : at+4+n])}.ValueOffset()
			swap(out[at : at+4])
			swap(out[value : value+8])
			swap(out[value+8 : value+16])
			at = value + 16
		}
		swap(out[:4])
		return out
	}
	// A worker of 0.18 that goes on with the file of one of 0.16.
	mixed := old(pydirtest.Since016, 2)
	mixed = pydirtest.AppendEntry(mixed, since018, counterEntry("runs", 1))
	binary.LittleEndian.PutUint32(mixed, uint32(len(mixed)))
	for name, file := range map[string]struct {
		content []byte
		reason  string
	}{
		"big-endian":           {bigEndian(), "foreign"},
		"a database":           {append([]byte("SQLite format 3\x00"), make([]byte, 4080)...), "foreign"},
		"text":                 {[]byte("# TYPE walks_total counter\nwalks_total 3\n"), "foreign"},
		"two generations":      {mixed, "foreign"},
		"a length of nothing":  {[]byte{3, 0, 0, 0, 0, 0, 0, 0}, "foreign"},
		"a negative length":    {[]byte{0xf8, 0xff, 0xff, 0xff, 0, 0, 0, 0}, "foreign"},
		"more than there is":   {[]byte{0xf8, 0xff, 0, 0, 0, 0, 0, 0}, "truncated"},
		"more than the limit":  {[]byte{0xf8, 0xff, 0xff, 0x7f, 0, 0, 0, 0}, "too_large"},
		"a key that is no key": {pydirtest.Image(since018, pydirtest.Entry{Key: `["walks", "walks_total", {"a": 1}, ""]`}), "foreign"},
		"a key that is cut":    {pydirtest.Image(since018, pydirtest.Entry{Key: `["walks", "walks_total"]`}), "foreign"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("walks", 1)))
			write(t, dir, "counter_2.db", file.content)
			m := newMerger(t, pydir.Options{Dir: dir})
			wantSamples(t, m, map[string]float64{"walks_total": 1})
			if got := skippedFiles(t, m, file.reason); got != 1 {
				t.Errorf("it is not counted as %s:\n%s", file.reason, scrape(t, m, asText))
			}
		})
	}

	// Files of all generations side by side are merged; what was read of a file that is then mixed stands.
	dir := t.TempDir()
	write(t, dir, "counter_1.db", old(pydirtest.Before016, 3))
	write(t, dir, "counter_2.db", old(pydirtest.Since016, 2))
	write(t, dir, "counter_3.db", old(since018, 1))
	m := newMerger(t, pydir.Options{Dir: dir})
	want := map[string]float64{"walks_0_total": 3, "walks_1_total": 2, "walks_2_total": 1}
	wantSamples(t, m, want)
	write(t, dir, "counter_2.db", mixed)
	wantSamples(t, m, want)
	if got := skippedFiles(t, m, "corrupt"); got != 1 {
		t.Errorf("%v files are counted as corrupt, want 1", got)
	}
}
