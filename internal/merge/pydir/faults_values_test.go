package pydir_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
	"github.com/truecount/truecount/internal/merge/reading"
	"github.com/truecount/truecount/test/tool"
)

func gaugeEntry(name string, value, stamp float64, labels ...pydirtest.Label) pydirtest.Entry {
	return pydirtest.Entry{Key: pydirtest.Key(since018, name, name, "Help.", labels...), Value: value, Stamp: stamp}
}

func TestM13AWorkerThatFloodsHidesNoOther(t *testing.T) {
	dir := t.TempDir()
	var flood []pydirtest.Entry
	for i := range 300_000 {
		flood = append(flood, counterEntry("flood", 1, label("i", fmt.Sprint(i))))
	}
	write(t, dir, "counter_1.db", pydirtest.Image(since018, flood...))
	want := map[string]float64{}
	for pid := 2; pid < 5; pid++ { // they come after it
		write(t, dir, fmt.Sprintf("counter_%d.db", pid), pydirtest.Image(since018, counterEntry("walks", 1), counterEntry("runs", float64(pid), label("pid", fmt.Sprint(pid)))))
		want[series("runs_total", "pid", fmt.Sprint(pid))] = float64(pid)
	}
	want[series("walks_total")] = 3
	m := newMerger(t, pydir.Options{Dir: dir})
	page := samplesOf(t, scrape(t, m, asText), asText)
	for name, v := range want {
		if page[name] != v {
			t.Errorf("%s is %v, want %v", name, page[name], v)
		}
	}
	if len(page) != 50_000+len(want) {
		t.Errorf("%d series are merged, want 50,000 of the one that floods and all %d of the others", len(page), len(want))
	}
	if got := ownMetric(t, m, "skipped_total", "reason", "series_limit"); got != 250_000 {
		t.Errorf("%v series are counted as too many, want 250,000", got)
	}
	// It stays the same when it is read again, and the others go on.
	write(t, dir, "counter_2.db", pydirtest.Image(since018, counterEntry("walks", 2), counterEntry("runs", 2, label("pid", "2"))))
	if got := samplesOf(t, scrape(t, m, asText), asText)[series("walks_total")]; got != 4 {
		t.Errorf("walks are %v, want 4", got)
	}
}

func TestM13WhatIsRetainedIsLimited(t *testing.T) {
	dir := t.TempDir()
	var counters, gauges []pydirtest.Entry
	for i := range 40 {
		counters = append(counters, counterEntry("flood", 1, label("i", fmt.Sprint(i))))
		gauges = append(gauges, gaugeEntry("pool", 1, 0, label("i", fmt.Sprint(i))))
	}
	write(t, dir, "counter_1.db", pydirtest.Image(since018, counters...))
	for pid := range 5 {
		write(t, dir, fmt.Sprintf("gauge_all_%d.db", 10+pid), pydirtest.Image(since018, gauges...))
	}
	m := newMerger(t, pydir.Options{Dir: dir, Limits: pydir.Limits{Retained: 100}})
	for range 2 {
		merged(t, m)
		if got := ownMetric(t, m, "retained_series"); got > 100 {
			t.Errorf("%v numbers are retained, want at most 100", got)
		}
	}
	// 240 keys, of which the gauges are kept without and with the worker.
	if got := ownMetric(t, m, "skipped_total", "reason", "retained_limit"); got == 0 {
		t.Error("nothing is counted as too many")
	}
	// A file may grow all the same.
	write(t, dir, "counter_1.db", pydirtest.Image(since018, append(counters, counterEntry("more", 1))...))
	merged(t, m)
}

// poison is what a key can be that no client writes, or none should.
func poison() map[string]string {
	long := strings.Repeat("x", 5000)
	return map[string]string{
		"a name with a newline":     `["a\nb", "a\nb_total", {}, ""]`,
		"a name of nothing":         `["", "_total", {}, ""]`,
		"no name":                   `["", "", {}, ""]`,
		"NUL in a name":             `["a\u0000b", "a\u0000b_total", {}, ""]`,
		"a name too long":           `["` + long + `", "` + long + `_total", {}, ""]`,
		"the merge's own name":      `["truecount_merge_reads", "truecount_merge_reads_total", {}, ""]`,
		"another name's sample":     `["walks", "runs_total", {}, ""]`,
		"a sample without metric":   `["walks", "", {}, ""]`,
		"a bucket in a counter":     `["walks", "walks_bucket", {"le": "1"}, ""]`,
		"le":                        `["walks", "walks_total", {"le": "1"}, ""]`,
		"__name__":                  `["walks", "walks_total", {"__name__": "up"}, ""]`,
		"a label twice":             `["walks", "walks_total", {"a": "1", "a": "2"}, ""]`,
		"a label without name":      `["walks", "walks_total", {"": "1"}, ""]`,
		"NUL in a value":            `["walks", "walks_total", {"a": "\u0000"}, ""]`,
		"a value too long":          `["walks", "walks_total", {"a": "` + long + `"}, ""]`,
		"a mebibyte":                `["walks", "walks_total", {"a": "` + strings.Repeat("y", 1<<20) + `"}, ""]`,
		"too many labels":           `["walks", "walks_total", {` + manyLabels(100) + `}, ""]`,
		"script":                    `["walks", "walks_total", {"a": "<script>alert(1)</script>", "b": "\"} evil 1\n"}, "<b>"]`,
		"quotes and newlines":       `["quotes", "quotes_total", {"a": "\"\\\n\r\t"}, "help \\ \n # TYPE evil counter\nevil 1"]`,
		"a name in UTF-8":           `["h\u00fctte.\ud83d\udc15", "h\u00fctte.\ud83d\udc15_total", {"d\u00f6g": "\ud83d"}, ""]`,
		"names that escape alike":   `["h\u00fctte_\ud83d\udc15", "h\u00fctte_\ud83d\udc15_total", {}, ""]`,
		"labels that escape alike":  `["alike", "alike_total", {"a.b": "1", "a-b": "2"}, ""]`,
		"a help that is very long":  `["helpful", "helpful_total", {}, "` + long + `"]`,
		"a counter named as family": `["walks_total", "walks_total_total", {}, ""]`,
	}
}

func manyLabels(n int) string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf(`"l%d": ""`, i))
	}
	return strings.Join(out, ", ")
}

func TestM14PoisonedKeysNeverBreakThePage(t *testing.T) {
	promtool := tool.Need(t, "promtool")
	all := []pydirtest.Entry{}
	check := func(t *testing.T, entries ...pydirtest.Entry) {
		dir := t.TempDir()
		write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("clicks", 1)))
		write(t, dir, "counter_2.db", pydirtest.Image(since018, entries...))
		write(t, dir, "counter_3.db", pydirtest.Image(since018, entries...))
		m := newMerger(t, pydir.Options{Dir: dir})
		read(t, m)
		wantSample(t, m, "clicks_total", 1)
		run := exec.Command(promtool, "check", "metrics")
		run.Stdin = strings.NewReader(scrape(t, m, asText))
		out, err := run.CombinedOutput()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 1 { // 3 are matters of taste
			t.Errorf("promtool can't read the page: %s", out)
		}
		for _, what := range []string{"evil", "truecount_merge_reads_total 1\n#", "up "} {
			for line := range strings.Lines(scrape(t, m, asText)) {
				if strings.HasPrefix(line, what) {
					t.Errorf("a worker speaks for others: %s", line)
				}
			}
		}
	}
	for name, key := range poison() {
		entry := pydirtest.Entry{Key: key, Value: 1}
		all = append(all, entry)
		t.Run(name, func(t *testing.T) { check(t, entry) })
	}
	t.Run("all at once", func(t *testing.T) { check(t, all...) })
}

func TestM14OneBadSeriesCostsNoOtherOfItsFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("walks", 1),
		pydirtest.Entry{Key: `["bad", "bad_total", {"__name__": "x"}, ""]`, Value: 7}, counterEntry("runs", 2)))
	m := newMerger(t, pydir.Options{Dir: dir})
	for range 2 {
		wantSamples(t, m, map[string]float64{"walks_total": 1, "runs_total": 2})
		if got := ownMetric(t, m, "skipped_total", "reason", "invalid_label"); got != 1 {
			t.Errorf("%v series are counted, want 1, once", got)
		}
	}
}

func TestM14BoundsThatAreNoneAreLeftOut(t *testing.T) {
	dir := t.TempDir()
	bounds := []string{"NaN", "-Inf", "one", "", "1e999", "0.5", "1.0", "1", "+Inf"}
	write(t, dir, "histogram_1.db", pydirtest.Image(since018, histogramEntries("size", 9, bounds, 1, 1, 1, 1, 1, 1, 1, 1, 1)...))
	m := newMerger(t, pydir.Options{Dir: dir})
	wantSamples(t, m, map[string]float64{
		series("size_bucket", "le", "0.5"): 1, series("size_bucket", "le", "1.0"): 3, series("size_bucket", "le", "+Inf"): 4, "size_count": 4, "size_sum": 9})
	if got := ownMetric(t, m, "skipped_total", "reason", "invalid_histogram"); got != 5 {
		t.Errorf("%v buckets are counted as invalid, want 5", got)
	}
}

func TestM14TheMergedPageIsCleanForPromtool(t *testing.T) {
	promtool := tool.Need(t, "promtool")
	dir := t.TempDir()
	for pid := 1; pid < 4; pid++ {
		w := worker(t, dir, fmt.Sprint(pid))
		w.Counter("walks", "Walks \\ started.\nBy dog.", label("dog", `rex "the" dog`)).Add(1.5)
		w.Histogram("walk_distance_meters", "Distance.", []float64{50, 200.5}, label("dog", "rex")).Observe(100)
		w.Summary("answer_size_bytes", "Size.").Observe(3)
		w.Gauge("mostrecent", "temperature_celsius", "Temperature.").SetAt(21, time.Unix(int64(pid), 0))
		w.Gauge("livemax", "queue_length", "Walks that wait.").Set(float64(pid))
	}
	m := newMerger(t, pydir.Options{Dir: dir, Process: true})
	run := exec.Command(promtool, "check", "metrics")
	run.Stdin = strings.NewReader(scrape(t, m, asText))
	if out, err := run.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool finds: %v\n%s", err, out)
	}
	if page := merged(t, m); len(page) != 10 {
		t.Errorf("the page has %v", page)
	}
}

func TestM15TypesThatDisagreeLeaveTheFirst(t *testing.T) {
	dir := t.TempDir()
	summary := func(count, sum float64) []byte {
		return pydirtest.Image(since018, pydirtest.Entry{Key: pydirtest.Key(since018, "size", "size_sum", "Help."), Value: sum},
			pydirtest.Entry{Key: pydirtest.Key(since018, "size", "size_count", "Help."), Value: count})
	}
	write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("walks", 1)))
	write(t, dir, "histogram_1.db", pydirtest.Image(since018, histogramEntries("size", 6, []string{"1.0", "+Inf"}, 1, 1)...))
	m := newMerger(t, pydir.Options{Dir: dir})
	want := map[string]float64{"walks_total": 1, series("size_bucket", "le", "1.0"): 1, series("size_bucket", "le", "+Inf"): 2, "size_count": 2, "size_sum": 6}
	wantSamples(t, m, want)
	// A new version of the application has a summary of that name; a worker of it has no histograms.
	write(t, dir, "counter_2.db", pydirtest.Image(since018, counterEntry("walks", 1)))
	write(t, dir, "summary_2.db", summary(100, 1000))
	want["walks_total"] = 2
	wantSamples(t, m, want)
	write(t, dir, "gauge_max_3.db", pydirtest.Image(since018, gaugeEntry("size", 50, 0), gaugeEntry("size_count", 50, 0), gaugeEntry("walks_total", 50, 0)))
	for range 2 {
		wantSamples(t, m, want)
	}
	if got := ownMetric(t, m, "conflicts_total", "kind", "type") + ownMetric(t, m, "conflicts_total", "kind", "name"); got < 2 {
		t.Errorf("%v conflicts are counted", got)
	}
}

func TestM15HelpsAndModesThatDisagreeLeaveTheFirst(t *testing.T) {
	dir := t.TempDir()
	m := newMerger(t, pydir.Options{Dir: dir})
	write(t, dir, "counter_1.db", pydirtest.Image(pydirtest.Before016, pydirtest.Entry{Key: `["walks", "walks_total", {}]`, Value: 1}))
	write(t, dir, "gauge_max_1.db", pydirtest.Image(since018, gaugeEntry("dogs", 3, 0)))
	read(t, m)
	for pid, help := range []string{"The first.", "Another.", "The first."} {
		entry := pydirtest.Entry{Key: pydirtest.Key(since018, "walks", "walks_total", help), Value: 1}
		write(t, dir, fmt.Sprintf("counter_%d.db", 2+pid), pydirtest.Image(since018, entry))
		read(t, m)
	}
	write(t, dir, "gauge_min_2.db", pydirtest.Image(since018, gaugeEntry("dogs", 5, 0)))
	write(t, dir, "gauge_all_3.db", pydirtest.Image(since018, gaugeEntry("dogs", 4, 0)))
	wantSamples(t, m, map[string]float64{"walks_total": 4, "dogs": 5})
	page := scrape(t, m, asText)
	if !strings.Contains(page, "# HELP walks_total The first.\n") || strings.Count(page, "# HELP walks_total") != 1 || strings.Count(page, "# TYPE dogs gauge") != 1 {
		t.Errorf("the page is\n%s", page)
	}
	for _, kind := range []string{"help", "mode"} {
		if got := ownMetric(t, m, "conflicts_total", "kind", kind); got != 1 {
			t.Errorf("%v conflicts of %s are counted, want 1 for the family", got, kind)
		}
	}
	// What the operator says goes before what files say, and is no conflict.
	m = newMerger(t, pydir.Options{Dir: dir, Gauges: map[string]merge.GaugeMode{"dogs": merge.GaugeSum}})
	wantSample(t, m, "dogs", 12)
	if got := ownMetric(t, m, "conflicts_total", "kind", "mode"); got != 0 {
		t.Errorf("%v conflicts of modes are counted", got)
	}
}

func TestM15BoundsThatDisagreeAreMergedWhereTheyAgree(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "histogram_1.db", pydirtest.Image(since018, histogramEntries("size", 10, []string{"1.0", "5.0", "10.0", "+Inf"}, 1, 2, 3, 4)...))
	m := newMerger(t, pydir.Options{Dir: dir})
	read(t, m)
	write(t, dir, "histogram_2.db", pydirtest.Image(since018, histogramEntries("size", 7, []string{"1.0", "2.0", "10.0", "+Inf"}, 10, 20, 30, 40)...))
	want := map[string]float64{series("size_bucket", "le", "1.0"): 11, series("size_bucket", "le", "10.0"): 66, series("size_bucket", "le", "+Inf"): 110, "size_count": 110, "size_sum": 17}
	wantSamples(t, m, want)
	histogramsAreValid(t, scrape(t, m, asProto))
	if got := ownMetric(t, m, "conflicts_total", "kind", "bounds"); got != 1 {
		t.Errorf("%v conflicts of bounds are counted, want 1", got)
	}
	// The old version has ended, and its counts are still on bounds of their own.
	remove(t, dir, "histogram_1.db")
	wantSamples(t, m, want)
	// Nothing shared but +Inf.
	write(t, dir, "histogram_3.db", pydirtest.Image(since018, histogramEntries("size", 1, []string{"3.0", "+Inf"}, 0, 1)...))
	wantSamples(t, m, map[string]float64{series("size_bucket", "le", "+Inf"): 111, "size_count": 111, "size_sum": 18})
}

func TestM16AHistogramReadWhileItIsWrittenIsValid(t *testing.T) {
	dir := t.TempDir()
	m := newMerger(t, pydir.Options{Dir: dir})
	w := pydirtest.NewWorker(dir, "1", since018)
	bounds := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}
	h := w.Histogram("size", "Help.", bounds)
	var done atomic.Int64
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				ended <- w.Close()
				return
			default:
			}
			h.Observe(1)
			done.Add(1)
			if n%50 == 0 && n < 10_000 { // its buckets come one by one
				w.Histogram("other", "Help.", bounds, label("n", fmt.Sprint(n))).Observe(float64(n%100) / 10)
			}
		}
	}()
	for range 100 {
		before := done.Load()
		page := scrape(t, m, asProto)
		after := done.Load() + 1 // one may be under way
		histogramsAreValid(t, page)
		got := samplesOfProto(t, page)
		for _, sample := range []string{"size_count", "size_sum"} {
			if n := int64(got[series(sample)]); n < before || n > after {
				t.Errorf("%s is %d, and there were between %d and %d observations", sample, n, before, after)
			}
		}
		histogramsAreValid(t, scrape(t, m, asProto))
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := merged(t, m); got[series("size_count")] != float64(done.Load()) || got[series("size_sum")] != float64(done.Load()) {
		t.Errorf("at rest %v of %d observations are counted", got[series("size_count")], done.Load())
	}
	if got := ownMetric(t, m, "conflicts_total", "kind", "bounds"); got != 0 {
		t.Errorf("histograms that were being written are counted as %v conflicts", got)
	}
}

func TestValuesWrittenByteByByteAreNeverSeenFallen(t *testing.T) {
	dir := t.TempDir()
	m := newMerger(t, pydir.Options{Dir: dir})
	w := pydirtest.NewWorker(dir, "1", pydirtest.Before016)
	w.WriteByteWise()
	c := w.Counter("walks", "")
	c.Add(1)
	read(t, m)
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				ended <- w.Close()
				return
			default:
			}
			if c.Add(1); n%100 == 0 && n < 20_000 {
				w.Counter(fmt.Sprintf("more_%d", n), "") // the length in use is written so too
			}
		}
	}()
	before := 1.0
	for range 2000 {
		read(t, m)
		if got := m.Counter("walks_total").Total; got < before {
			t.Fatalf("the counter fell from %v to %v", before, got)
		} else {
			before = got
		}
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	wantSample(t, m, "walks_total", c.Get())
	if got := ownMetric(t, m, "file_events_total", "event", "restarted"); got != 0 {
		t.Errorf("the file was taken for a new one %v times", got)
	}
}

// A worker that was killed between the two numbers of a summary, or before the buckets of a histogram.
func TestM16WhatIsHalfMadeIsTheSameInEveryFormat(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "summary_1.db", pydirtest.Image(since018, pydirtest.Entry{Key: pydirtest.Key(since018, "size", "size_count", "Help."), Value: 2.5}))
	write(t, dir, "summary_2.db", pydirtest.Image(since018, pydirtest.Entry{Key: pydirtest.Key(since018, "answers", "answers_sum", "Help."), Value: 2.5}))
	write(t, dir, "histogram_1.db", pydirtest.Image(since018, histogramEntries("delay", 2, []string{"1.0"}, 1)...))
	write(t, dir, "histogram_2.db", pydirtest.Image(since018, histogramEntries("wait", 2, []string{"1.0", "+Inf"}, 1, 1)[1:]...))
	m := newMerger(t, pydir.Options{Dir: dir})
	wantSamples(t, m, map[string]float64{"size_count": 2, "size_sum": 0, "answers_count": 0, "answers_sum": 2.5,
		series("wait_bucket", "le", "1.0"): 1, series("wait_bucket", "le", "+Inf"): 2, "wait_count": 2, "wait_sum": 0})
}

func TestM17ACountThatFallsIsHeldAndAFileBegunAnewCountsOn(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("walks", 5), counterEntry("runs", 5)))
	m := newMerger(t, pydir.Options{Dir: dir})
	wantSamples(t, m, map[string]float64{"walks_total": 5, "runs_total": 5})
	// In place: the total stands until the counter has passed where it was.
	write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("walks", 2), counterEntry("runs", 6)))
	for range 2 {
		wantSamples(t, m, map[string]float64{"walks_total": 5, "runs_total": 6})
		if got := ownMetric(t, m, "skipped_total", "reason", "value_fell"); got != 1 {
			t.Errorf("%v falls are counted, want 1", got)
		}
	}
	write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("walks", 8), counterEntry("runs", 6)))
	wantSamples(t, m, map[string]float64{"walks_total": 8, "runs_total": 6})
	// Begun anew: less of it is in use, and what it counted before is kept.
	write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("walks", 1)))
	for range 2 {
		wantSamples(t, m, map[string]float64{"walks_total": 9, "runs_total": 6})
	}
	if got := ownMetric(t, m, "file_events_total", "event", "restarted"); got != 1 {
		t.Errorf("%v new beginnings are counted, want 1", got)
	}
	write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("walks", 2), counterEntry("runs", 1)))
	wantSamples(t, m, map[string]float64{"walks_total": 10, "runs_total": 7})
}

func TestM18ClocksThatJumpChangeNothing(t *testing.T) {
	dir := t.TempDir()
	var offset atomic.Int64
	m := newMerger(t, pydir.Options{Dir: dir, Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }})
	want := map[string]float64{"walks_total": 0}
	for pid, jump := range []time.Duration{0, time.Hour, -time.Hour, 24 * time.Hour, -24 * time.Hour, 0} {
		offset.Store(int64(jump))
		write(t, dir, fmt.Sprintf("counter_%d.db", 1+pid), pydirtest.Image(since018, counterEntry("walks", 1)))
		want["walks_total"]++
		wantSamples(t, m, want) // the new file was found
		wantSamples(t, m, want)
	}
	// The most recent is by the clock of the workers, who write it; the page has no timestamps.
	now := float64(time.Now().Unix())
	for pid, stamp := range []float64{now - 3600, now + 3600, now, 0, -1, math.NaN()} {
		write(t, dir, fmt.Sprintf("gauge_mostrecent_%d.db", 1+pid), pydirtest.Image(since018, gaugeEntry("dogs", float64(10+pid), stamp)))
	}
	write(t, dir, "gauge_mostrecent_9.db", pydirtest.Image(since018, gaugeEntry("cats", 9, 0))) // never set
	want["dogs"] = 11
	wantSamples(t, m, want)
	for line := range strings.Lines(scrape(t, m, asText)) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "truecount_") && len(strings.Fields(line)) != 2 {
			t.Errorf("a sample with a timestamp: %s", line)
		}
	}
}

func TestM22CountsThatAreNoneAreHeldAndGreatOnesAreExact(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("walks", 3), counterEntry("runs", math.NaN()), counterEntry("naps", -1), counterEntry("bites", math.Inf(1))))
	m := newMerger(t, pydir.Options{Dir: dir})
	want := map[string]float64{"walks_total": 3, "runs_total": 0, "naps_total": 0, "bites_total": 0}
	wantSamples(t, m, want)
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, math.Copysign(0, -1), 2.999} {
		write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("walks", v), counterEntry("runs", v), counterEntry("naps", -2), counterEntry("bites", math.Inf(1))))
		got := merged(t, m)
		if got[series("walks_total")] != 3 || got[series("naps_total")] != 0 {
			t.Errorf("%v in the file: the page has %v", v, got)
		}
	}
	if got := ownMetric(t, m, "skipped_total", "reason", "invalid_value"); got != 4 {
		t.Errorf("%v values are counted as invalid, want 4: each once", got)
	}
	// Sums of observations may fall, and must be numbers.
	for i, c := range []struct{ have, want float64 }{{5, 5}, {-7.5, -7.5}, {math.NaN(), -7.5}, {math.Inf(-1), -7.5}, {1, 1}} {
		write(t, dir, "histogram_1.db", pydirtest.Image(since018, histogramEntries("size", c.have, []string{"+Inf"}, 1)...))
		if got := merged(t, m)[series("size_sum")]; got != c.want {
			t.Errorf("step %d: the sum is %v, want %v", i, got, c.want)
		}
	}

	dir = t.TempDir()
	m = newMerger(t, pydir.Options{Dir: dir})
	for pid := 1; pid <= 2; pid++ {
		write(t, dir, fmt.Sprintf("counter_%d.db", pid), pydirtest.Image(since018, counterEntry("walks", 1<<60+1<<10), counterEntry("runs", math.MaxFloat64), counterEntry("naps", []float64{1 << 53, 1}[pid-1])))
		write(t, dir, fmt.Sprintf("histogram_%d.db", pid), pydirtest.Image(since018, append(histogramEntries("size", 1, []string{"1.0", "+Inf"}, 1<<60, 1<<60),
			histogramEntries("huge", 1, []string{"1.0", "+Inf"}, 1e19, 1e19)...)...))
		write(t, dir, fmt.Sprintf("summary_%d.db", pid), pydirtest.Image(since018, pydirtest.Entry{Key: pydirtest.Key(since018, "answers", "answers_count", ""), Value: 1 << 60},
			pydirtest.Entry{Key: pydirtest.Key(since018, "answers", "answers_sum", "")}))
	}
	wantSamples(t, m, map[string]float64{
		"walks_total": 1<<61 + 1<<11, "runs_total": math.MaxFloat64, "naps_total": 1 << 53, // rounded once
		series("size_bucket", "le", "1.0"): 1 << 61, series("size_bucket", "le", "+Inf"): 1 << 62, "size_count": 1 << 62, "size_sum": 2,
		series("huge_bucket", "le", "1.0"): math.MaxUint64, series("huge_bucket", "le", "+Inf"): math.MaxUint64, "huge_count": math.MaxUint64, "huge_sum": 2,
		"answers_count": 1 << 61, "answers_sum": 0,
	})
}

func TestM23ScrapesAtOnceShareAReading(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("walks", 3)))
	// The first reading is held up, so that all the others come while it is under way.
	var once sync.Once
	under, goOn := make(chan struct{}), make(chan struct{})
	m := newMerger(t, pydir.Options{Dir: dir, Now: func() time.Time {
		once.Do(func() {
			close(under)
			<-goOn
		})
		return time.Now()
	}})
	first := make(chan error)
	go func() { first <- m.Read(context.Background()) }()
	<-under
	var scrapes sync.WaitGroup
	pages := make([]string, 100)
	arrived := make(chan struct{}, len(pages))
	for i := range pages {
		scrapes.Go(func() {
			pages[i] = scrape(t, arrival{m, arrived}, asText)
		})
	}
	for range pages {
		<-arrived
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	scrapes.Wait()
	readings := map[string]int{}
	for _, page := range pages {
		readings[page]++
	}
	// All but those that were on their way to the door share the second one.
	if len(readings) > 3 {
		t.Errorf("100 scrapes at once made %d readings", len(readings))
	}
	same(t, "each page", samplesOf(t, pages[99], asText), map[string]float64{"walks_total": 3})
	if got := ownMetric(t, m, "reads_total"); got > 5 {
		t.Errorf("%v readings were made", got)
	}
}

// arrival says that a request has come.
type arrival struct {
	http.Handler
	arrived chan<- struct{}
}

func (a arrival) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.arrived <- struct{}{}
	a.Handler.ServeHTTP(w, r)
}

func TestReasonsOfLimitsAreTheSharedOnes(t *testing.T) {
	dir := t.TempDir()
	big := pydirtest.Image(since018, counterEntry("walks", 1), counterEntry("runs", 1))
	write(t, dir, "counter_1.db", big)
	m := newMerger(t, pydir.Options{Dir: dir, Limits: pydir.Limits{FileBytes: len(big) - 8}})
	wantSamples(t, m, map[string]float64{})
	if got := skippedFiles(t, m, "too_large"); got != 1 {
		t.Errorf("%v files are counted as too large", got)
	}
	m = newMerger(t, pydir.Options{Dir: dir, Limits: pydir.Limits{FileBytes: len(big), Worker: reading.Limits{Series: 1}}})
	wantSamples(t, m, map[string]float64{"walks_total": 1})

	// A file that outgrows the limit keeps what it had.
	m = newMerger(t, pydir.Options{Dir: dir, Limits: pydir.Limits{FileBytes: len(big)}})
	wantSamples(t, m, map[string]float64{"walks_total": 1, "runs_total": 1})
	larger := pydirtest.Image(since018, counterEntry("walks", 9), counterEntry("runs", 9), counterEntry("naps", 9))
	if err := os.WriteFile(filepath.Join(dir, "counter_1.db"), larger, 0o644); err != nil {
		t.Fatal(err)
	}
	wantSamples(t, m, map[string]float64{"walks_total": 1, "runs_total": 1})
	if used := binary.LittleEndian.Uint32(larger); int(used) <= len(big) {
		t.Errorf("the larger file has only %d bytes", used)
	}
}
