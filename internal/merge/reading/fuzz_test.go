package reading_test

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"

	"github.com/truecount/truecount/internal/merge/reading"
)

// maxFuzzed keeps the fuzzer at finding shapes instead of sizes.
const maxFuzzed = 10 << 10

func fuzz(f *testing.F, contentType string) {
	f.Add(encoded(f, gathered(f), contentType))
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > maxFuzzed {
			return
		}
		r, err := reading.Decode(body, contentType, reading.Limits{Series: 200})
		if err != nil {
			if strings.Contains(err.Error(), "the parser gave up") {
				t.Fatal(err)
			}
			return
		}
		checkReading(t, r)
	})
}

func FuzzDecodeProtobuf(f *testing.F)    { fuzz(f, protobuf) }
func FuzzDecodeOpenMetrics(f *testing.F) { fuzz(f, openMetrics) }

func FuzzDecodeText(f *testing.F) {
	f.Add([]byte("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_count 1\n"))
	fuzz(f, text)
}

// checkReading states what whoever adds up a Reading relies on.
func checkReading(t *testing.T, r *reading.Reading) {
	names := map[string]bool{}
	series := 0
	for _, f := range r.Families {
		if names[f.Name] || f.Name == "" || !utf8.ValidString(f.Name+f.Help+f.Unit) {
			t.Fatalf("family %q", f.Name)
		}
		names[f.Name] = true
		keys := map[string]bool{}
		for _, s := range f.Series {
			series++
			checkSeries(t, f.Kind, s)
			key := string(reading.AppendKey(nil, s.Labels))
			if keys[key] {
				t.Fatalf("%s has %q twice", f.Name, key)
			}
			keys[key] = true
		}
	}
	if series > 200 {
		t.Fatalf("%d series", series)
	}
}

func checkSeries(t *testing.T, kind reading.Kind, s reading.Series) {
	checkPairs(t, s.Labels)
	if kind == reading.Counter && !(s.Value >= 0 && s.Value <= math.MaxFloat64) {
		t.Fatalf("counter %v", s.Value)
	}
	if b := s.Histogram; b != nil {
		total := uint64(0)
		for i, c := range b.Counts {
			total += c
			if i > 1 && b.Bounds[i-1] <= b.Bounds[i-2] {
				t.Fatalf("bounds %v", b.Bounds)
			}
		}
		if total != s.Count || len(b.Counts) != len(b.Bounds)+1 || len(b.Exemplars) != len(b.Counts) {
			t.Fatalf("%d in buckets, count %d: %+v", total, s.Count, b)
		}
	}
	if s.Native != nil {
		again := s.Native.Copy() // the arithmetic that merges use must not panic
		if _, _, _, err := again.Add(s.Native); err != nil {
			t.Fatal(err)
		}
		if again.Compact(0).DetectReset(s.Native) {
			t.Fatalf("twice %v looks like a reset", s.Native)
		}
	}
}

func checkPairs(t *testing.T, labels []*dto.LabelPair) {
	for i, l := range labels {
		if l.GetName() == "" || strings.HasPrefix(l.GetName(), "__") || !utf8.ValidString(l.GetName()+l.GetValue()) || strings.Contains(l.GetValue(), "\x00") {
			t.Fatalf("label %q=%q", l.GetName(), l.GetValue())
		}
		if i > 0 && labels[i-1].GetName() >= l.GetName() {
			t.Fatalf("labels out of order: %v", labels)
		}
	}
}
