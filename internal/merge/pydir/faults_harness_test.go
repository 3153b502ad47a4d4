package pydir_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	promodel "github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

const (
	asText        = "text/plain"
	asOpenMetrics = "application/openmetrics-text; version=1.0.0"
	asProto       = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
)

// since018 is the generation of the files of tests to which it doesn't matter.
const since018 = pydirtest.Since018

func label(name, value string) pydirtest.Label { return pydirtest.Label{Name: name, Value: value} }

// worker makes a worker whose files are closed at the end of the test.
func worker(t testing.TB, dir, id string) *pydirtest.Worker {
	t.Helper()
	w := pydirtest.NewWorker(dir, id, since018)
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func counterEntry(name string, value float64, labels ...pydirtest.Label) pydirtest.Entry {
	return pydirtest.Entry{Key: pydirtest.Key(since018, name, name+"_total", "Help.", labels...), Value: value}
}

func histogramEntries(name string, sum float64, bounds []string, counts ...float64) []pydirtest.Entry {
	out := []pydirtest.Entry{{Key: pydirtest.Key(since018, name, name+"_sum", "Help."), Value: sum}}
	for i, le := range bounds {
		out = append(out, pydirtest.Entry{Key: pydirtest.Key(since018, name, name+"_bucket", "Help.", label("le", le)), Value: counts[i]})
	}
	return out
}

func write(t testing.TB, dir, base string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, base), content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, dir, base string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, base)); err != nil {
		t.Fatal(err)
	}
}

func rename(t testing.TB, dir, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, m *pydir.Merger) {
	t.Helper()
	if err := m.Read(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// merged is every sample of the workers, after a scrape in each format: all three must parse and say the same.
func merged(t testing.TB, m *pydir.Merger) map[string]float64 {
	t.Helper()
	text := samplesOf(t, scrape(t, m, asText), asText)
	same(t, "OpenMetrics", samplesOf(t, scrape(t, m, asOpenMetrics), asOpenMetrics), text)
	same(t, "protobuf", samplesOfProto(t, scrape(t, m, asProto)), text)
	return text
}

func same(t testing.TB, what string, got, want map[string]float64) {
	t.Helper()
	got, want = keyed(got), keyed(want)
	equal := func(a, b float64) bool {
		return math.Float64bits(a) == math.Float64bits(b) || a == b || a != a && b != b
	}
	if maps.EqualFunc(got, want, equal) {
		return
	}
	for name, v := range want {
		if g, ok := got[name]; !ok || !equal(g, v) {
			t.Errorf("%s has %s as %v (%t), want %v", what, name, g, ok, v)
		}
	}
	for name, v := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s has %s as %v, which should not be there", what, name, v)
		}
	}
}

// wantSamples wants these samples of the workers in all formats, and no others.
func wantSamples(t testing.TB, m *pydir.Merger, want map[string]float64) {
	t.Helper()
	same(t, "the page", merged(t, m), want)
}

// wantSample wants one sample, whatever others there are.
func wantSample(t testing.TB, m *pydir.Merger, name string, want float64) {
	t.Helper()
	if !strings.HasPrefix(name, "{") {
		name = series(name)
	}
	if got, ok := merged(t, m)[name]; !ok || got != want {
		t.Errorf("%s is %v (%t), want %v", name, got, ok, want)
	}
}

// series is how samplesOf calls a sample. Tests may write the name alone where there are no labels.
func series(name string, pairs ...string) string {
	return labels.FromStrings(append([]string{promodel.MetricNameLabel, name}, pairs...)...).String()
}

func keyed(samples map[string]float64) map[string]float64 {
	out := make(map[string]float64, len(samples))
	for name, v := range samples {
		if !strings.HasPrefix(name, "{") {
			name = series(name)
		}
		out[name] = v
	}
	return out
}

func samplesOfProto(t testing.TB, page string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	put := func(name string, m *dto.Metric, v float64, more ...string) {
		for _, l := range m.Label {
			more = append(more, l.GetName(), l.GetValue())
		}
		key := series(name, more...)
		if _, twice := out[key]; twice {
			t.Errorf("%s is there twice", key)
		}
		out[key] = v
	}
	decoder := expfmt.NewDecoder(strings.NewReader(page), expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		var f dto.MetricFamily
		if err := decoder.Decode(&f); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(f.GetName(), "truecount_merge_") {
			continue
		}
		for _, m := range f.Metric {
			switch f.GetType() {
			case dto.MetricType_COUNTER:
				put(f.GetName(), m, m.Counter.GetValue())
			case dto.MetricType_GAUGE:
				put(f.GetName(), m, m.Gauge.GetValue())
			case dto.MetricType_SUMMARY:
				put(f.GetName()+"_count", m, float64(m.Summary.GetSampleCount()))
				put(f.GetName()+"_sum", m, m.Summary.GetSampleSum())
			case dto.MetricType_HISTOGRAM:
				put(f.GetName()+"_count", m, float64(m.Histogram.GetSampleCount()))
				put(f.GetName()+"_sum", m, m.Histogram.GetSampleSum())
				put(f.GetName()+"_bucket", m, float64(m.Histogram.GetSampleCount()), "le", "+Inf") // implied
				for _, b := range m.Histogram.Bucket {
					put(f.GetName()+"_bucket", m, float64(b.GetCumulativeCount()), "le", labels.FormatOpenMetricsFloat(b.GetUpperBound()))
				}
			default:
				t.Errorf("a family of type %v", f.GetType())
			}
		}
	}
}

// ownMetric is the value of one of the merge's own metrics, as a scrape has it: ownMetric(t, m, "files", "state", "final").
func ownMetric(t testing.TB, m http.Handler, name string, pair ...string) float64 {
	t.Helper()
	want := "truecount_merge_" + name
	if len(pair) == 2 {
		want += fmt.Sprintf("{%s=%q}", pair[0], pair[1])
	}
	for line := range strings.Lines(scrape(t, m, asText)) {
		if sample, value, ok := strings.Cut(line, " "); ok && sample == want {
			v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	return 0
}

func skippedFiles(t testing.TB, m *pydir.Merger, reason string) float64 {
	t.Helper()
	return ownMetric(t, m, "files_skipped_total", "reason", reason)
}

// histogramsAreValid wants of every histogram that its buckets neither fall nor are more than its count.
func histogramsAreValid(t testing.TB, page string) {
	t.Helper()
	decoder := expfmt.NewDecoder(bytes.NewReader([]byte(page)), expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		var f dto.MetricFamily
		if err := decoder.Decode(&f); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		for _, m := range f.Metric {
			if f.GetType() != dto.MetricType_HISTOGRAM || strings.HasPrefix(f.GetName(), "truecount_merge_") {
				continue
			}
			before, bound := uint64(0), math.Inf(-1)
			for _, b := range m.Histogram.Bucket {
				if b.GetCumulativeCount() < before || b.GetUpperBound() <= bound {
					t.Errorf("%s falls at le=%v: %v", f.GetName(), b.GetUpperBound(), m.Histogram)
				}
				before, bound = b.GetCumulativeCount(), b.GetUpperBound()
			}
			if before > m.Histogram.GetSampleCount() {
				t.Errorf("%s counts %d and its last bucket %d: %v", f.GetName(), m.Histogram.GetSampleCount(), before, m.Histogram)
			}
		}
	}
}
