package merge

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/prometheus/model/histogram"

	"github.com/truecount/truecount/internal/merge/exposition"
	"github.com/truecount/truecount/internal/merge/reading"
	"github.com/truecount/truecount/internal/merge/state"
)

const openMetrics = "application/openmetrics-text; version=1.0.0"

// SetSaveBound sets how long scrapes of Mergers made from now on wait for the disk, and returns how long it was.
func SetSaveBound(d time.Duration) (before time.Duration) {
	before, saveBound = saveBound, d
	return before
}

// mergerThatRead has read the answers of as many workers, of which the first ended have drained and one is kept in detail.
func mergerThatRead(t testing.TB, ended int, answers ...string) *Merger {
	t.Helper()
	m, err := New(Options{Source: nowhere{}, Limits: Limits{Departed: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for i, body := range answers {
		decoded, err := reading.Decode([]byte(body), openMetrics, reading.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		r := newReader(Endpoint{Address: fmt.Sprint(i)}, m.options.Limits.Worker, time.Second)
		a := &answer{reading: decoded, saidAt: time.Unix(1_763_618_400, 0)}
		a.id, a.worker, a.pid, a.start, a.certain = fmt.Sprintf("pid=%d#1", i), fmt.Sprintf("pid=%d", i), i, 1, true
		a.drained = i < ended
		m.accept(r, a, time.Unix(0, 0), uint64(i+1))
	}
	return m
}

const oneOfEach = `# TYPE clicks counter
# HELP clicks Clicks.
clicks_total{a="b",c="d"} 3.5 # {trace_id="x"} 1 1763618400.5
clicks_created{a="b",c="d"} 1763618400.25
# TYPE h_meters histogram
# UNIT h_meters meters
h_meters_bucket{le="1"} 3
h_meters_bucket{le="+Inf"} 4 # {trace_id="x"} 7
h_meters_count 4
h_meters_sum 1e-9
# TYPE s summary
s_count 4
s_sum 0.1
# EOF
`

// Whatever is in a payload, reading it ends with an error or with totals that can be exposed, added to and saved again.
func FuzzDecodePayload(f *testing.F) {
	for _, m := range []*Merger{mergerThatRead(f, 0), mergerThatRead(f, 3, oneOfEach, oneOfEach, oneOfEach, oneOfEach),
		withNative(mergerThatRead(f, 0, oneOfEach), histogram.Span{Offset: -3, Length: 2})} {
		f.Add(m.appendPayload(nil))
	}
	f.Add([]byte{payloadVersion})
	f.Fuzz(func(t *testing.T, payload []byte) {
		r, err := decodePayload(payload, Limits{}.orDefault())
		if err != nil {
			if r != nil || err.Error() == "" {
				t.Errorf("%v with %v", r, err)
			}
			return
		}
		m, err := New(Options{Source: nowhere{}})
		if err != nil {
			t.Fatal(err)
		}
		m.resume(r)
		page := m.snapshot()
		for _, format := range []expfmt.FormatType{expfmt.TypeTextPlain, expfmt.TypeOpenMetrics, expfmt.TypeProtoDelim} {
			if _, err := page.Body(exposition.Variant{Format: expfmt.NewFormat(format)}); err != nil {
				t.Errorf("it can't be exposed: %v", err)
			}
		}
		again := m.appendPayload(nil)
		if _, err := decodePayload(again, m.options.Limits); err != nil {
			t.Errorf("%q is saved as %q, and then %v", payload, again, err)
		}
		for _, g := range m.departed.detailed {
			g.apply(m.ledger, &reading.Reading{}, 1)
		}
	})
}

func TestAPayloadThatIsCutAtAnyByteOrChangedInAnyBitDoesNoHarm(t *testing.T) {
	whole := mergerThatRead(t, 3, oneOfEach, oneOfEach, oneOfEach, oneOfEach).appendPayload(nil)
	if _, err := decodePayload(whole, Limits{}.orDefault()); err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if _, err := decodePayload(whole[:n], Limits{}.orDefault()); err == nil {
			t.Errorf("%d of %d bytes were read as a whole payload", n, len(whole))
		}
	}
	if _, err := decodePayload(append(whole, 0), Limits{}.orDefault()); err == nil {
		t.Error("what is left over was ignored")
	}
	for bit := range len(whole) * 8 { // the checksum of the file finds these; here, nothing must panic
		whole[bit/8] ^= 1 << (bit % 8)
		_, _ = decodePayload(whole, Limits{}.orDefault())
		whole[bit/8] ^= 1 << (bit % 8)
	}
}

// withNative gives the histogram native buckets, as a worker that is read as protobuf has them.
func withNative(m *Merger, spans ...histogram.Span) *Merger {
	for _, t := range m.ledger.families["h_meters"].totals {
		t.native = &histogram.FloatHistogram{Schema: 3, ZeroCount: 1, Count: 4, PositiveSpans: spans, PositiveBuckets: []float64{1, 2}}
	}
	return m
}

// What would make the arithmetic on native histograms panic or loop does not get in.
func TestANativeHistogramThatIsNoneIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		spans []histogram.Span
		good  bool
	}{
		"as it should be":      {[]histogram.Span{{Offset: -3, Length: 1}, {Offset: 4, Length: 1}}, true},
		"too few spans":        {[]histogram.Span{{Offset: -3, Length: 1}}, false},
		"too many spans":       {[]histogram.Span{{Offset: -3, Length: 3}}, false},
		"spans that go back":   {[]histogram.Span{{Offset: 3, Length: 1}, {Offset: -4, Length: 1}}, false},
		"buckets far out":      {[]histogram.Span{{Offset: math.MaxInt32, Length: 2}}, false},
		"a span of everything": {[]histogram.Span{{Offset: 0, Length: math.MaxInt32 - 1}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			payload := withNative(mergerThatRead(t, 0, oneOfEach), test.spans...).appendPayload(nil)
			if _, err := decodePayload(payload, Limits{}.orDefault()); (err == nil) != test.good {
				t.Errorf("read with %v", err)
			}
		})
	}
}

// nowhere is a source without workers.
type nowhere struct{ Source }

// Eight workers of 10,000 series each, of which a tenth are histograms with 10 buckets.
func benchmarkMerger(b *testing.B) *Merger {
	var body strings.Builder
	body.WriteString("# TYPE http_requests counter\n")
	for i := range 9000 {
		fmt.Fprintf(&body, "http_requests_total{route=\"/route/%d\",method=\"GET\",status=\"200\"} %d\n", i, i)
	}
	body.WriteString("# TYPE http_request_duration_seconds histogram\n")
	for i := range 1000 {
		for le := range 9 {
			fmt.Fprintf(&body, "http_request_duration_seconds_bucket{route=\"/route/%d\",le=\"%d\"} %d\n", i, le, le*i)
		}
		fmt.Fprintf(&body, "http_request_duration_seconds_bucket{route=\"/route/%d\",le=\"+Inf\"} %d\n", i, 9*i)
		fmt.Fprintf(&body, "http_request_duration_seconds_count{route=\"/route/%d\"} %d\nhttp_request_duration_seconds_sum{route=\"/route/%d\"} 1.5\n", i, 9*i, i)
	}
	body.WriteString("# EOF\n")
	answers := make([]string, 8)
	for i := range answers {
		answers[i] = body.String()
	}
	return mergerThatRead(b, 0, answers...)
}

// Writing the payload of 80,000 series into a buffer that is used again.
func BenchmarkPayloadOf80kSeries(b *testing.B) {
	m := benchmarkMerger(b)
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		buffer = m.appendPayload(buffer[:0])
	}
	b.ReportMetric(float64(len(buffer)), "bytes")
}

// The same, onto the disk.
func BenchmarkSaving80kSeries(b *testing.B) {
	m := benchmarkMerger(b)
	f, err := state.Open(filepath.Join(b.TempDir(), "state"), StateKind)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		buffer = m.appendPayload(buffer[:0])
		if err := f.Save(buffer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRestoring80kSeries(b *testing.B) {
	m := benchmarkMerger(b)
	payload := m.appendPayload(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodePayload(payload, m.options.Limits); err != nil {
			b.Fatal(err)
		}
	}
}
