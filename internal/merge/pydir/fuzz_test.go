package pydir_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

var fuzzedNames = []string{"counter_1.db", "histogram_1.db", "summary_1.db", "gauge_all_1.db", "gauge_mostrecent_1.db", "gauge_livemin_1.db", "counter_1.retired-7.db"}

// FuzzFiles reads any bytes as a file, then once more after a part of them was changed and cut: nothing panics, every page
// parses in all formats and says the same in each, histograms are valid, and no count falls.
func FuzzFiles(f *testing.F) {
	histogram := append(histogramEntries("size", 9, []string{"1.0", "2.5", "+Inf"}, 1, 2, 3), histogramEntries("other", 1, []string{"+Inf"}, 1)...)
	f.Add(small(), byte(0), uint16(70), byte(1), uint16(0))
	f.Add(append(small(), make([]byte, 64)...), byte(0), uint16(0), byte(8), uint16(0))
	f.Add(pydirtest.Image(since018, histogram...), byte(1), uint16(60), byte(3), uint16(8))
	f.Add(pydirtest.Image(since018, counterEntry("walks", math.NaN()), counterEntry("runs", 1e300)), byte(0), uint16(4), byte(1), uint16(0))
	f.Add(pydirtest.Image(since018, gaugeEntry("dogs", -1, 2, label("pid", "7"))), byte(3), uint16(4), byte(1), uint16(0))
	f.Add(pydirtest.Image(since018, gaugeEntry("dogs", -1, 2)), byte(4), uint16(60), byte(0xff), uint16(0))
	f.Add(pydirtest.Image(pydirtest.Since016, pydirtest.Entry{Key: `["a.b", "a.b_count", {"c.d": "\""}, "\n"]`, Value: 3}), byte(2), uint16(0), byte(0), uint16(1))
	f.Add([]byte{}, byte(0), uint16(0), byte(0), uint16(0))
	f.Fuzz(func(t *testing.T, file []byte, kind byte, at uint16, x byte, cut uint16) {
		if len(file) > 10<<10 {
			return
		}
		dir := t.TempDir()
		base := fuzzedNames[int(kind)%len(fuzzedNames)]
		write(t, dir, "counter_9.db", pydirtest.Image(since018, counterEntry("clicks", 1)))
		write(t, dir, base, file)
		m := newMerger(t, pydir.Options{Dir: dir})
		before := merged(t, m)
		histogramsAreValid(t, scrape(t, m, asProto))
		changed := append([]byte(nil), file[:len(file)-min(int(cut), len(file))]...)
		if int(at) < len(changed) {
			changed[at] ^= x
		}
		if err := os.WriteFile(filepath.Join(dir, base), changed, 0o644); err != nil {
			t.Fatal(err)
		}
		after := merged(t, m)
		histogramsAreValid(t, scrape(t, m, asProto))
		if !strings.HasPrefix(base, "gauge") {
			notFallen(t, before, after)
		}
		remove(t, dir, base)
		gone := merged(t, m)
		if !strings.HasPrefix(base, "gauge") {
			notFallen(t, after, gone)
		}
		if gone[series("clicks_total")] < 1 {
			t.Errorf("another worker's count is %v", gone[series("clicks_total")])
		}
	})
}

// notFallen wants every count that was there to be there still, and not less. A bucket may go, if bounds disagree.
func notFallen(t testing.TB, before, after map[string]float64) {
	t.Helper()
	for name, v := range before {
		metric, _, _ := strings.Cut(strings.TrimPrefix(name, `{__name__="`), `"`)
		now, there := after[name]
		isCount := strings.HasSuffix(metric, "_total") || strings.HasSuffix(metric, "_count")
		isBucket := strings.HasSuffix(metric, "_bucket")
		if !isCount && !isBucket {
			continue
		}
		if now < v && (there || isCount) {
			t.Errorf("%s was %v and is %v (%t)", name, v, now, there)
		}
	}
}
