package reading_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"github.com/truecount/truecount/internal/merge/reading"
)

const (
	text        = "text/plain; version=0.0.4; charset=utf-8"
	openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"
	protobuf    = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)

// summary writes a reading in short lines, for comparison.
func summary(r *reading.Reading) string {
	var b strings.Builder
	for _, f := range r.Families {
		fmt.Fprintf(&b, "%s %s %q unit=%q\n", f.Name, f.Kind, f.Help, f.Unit)
		for _, s := range f.Series {
			b.WriteString(" ")
			for _, l := range s.Labels {
				fmt.Fprintf(&b, " %s=%q", l.GetName(), l.GetValue())
			}
			switch f.Kind {
			case reading.Histogram, reading.Summary:
				fmt.Fprintf(&b, " count=%d sum=%v", s.Count, s.Sum)
			default:
				fmt.Fprintf(&b, " value=%v", s.Value)
			}
			if s.Histogram != nil {
				fmt.Fprintf(&b, " bounds=%v counts=%v", s.Histogram.Bounds, s.Histogram.Counts)
			}
			if s.Exemplar != nil {
				fmt.Fprintf(&b, " exemplar=%v %s", s.Exemplar.GetValue(), s.Exemplar.Label[0].GetValue())
			}
			if s.Native != nil {
				b.WriteString(" native")
			}
			if s.Created != nil {
				fmt.Fprintf(&b, " created=%v", s.Created.AsTime().UnixMilli())
			}
			b.WriteString("\n")
		}
	}
	for _, reason := range []reading.Reason{reading.InvalidName, reading.InvalidLabel, reading.InvalidValue, reading.InvalidHistogram,
		reading.Duplicate, reading.SeriesLimit, reading.Quantiles, reading.Unsupported} {
		if n := r.Skipped[reason]; n > 0 {
			fmt.Fprintf(&b, "skipped %s %d\n", reason, n)
		}
	}
	return b.String()
}

func TestTextIsRead(t *testing.T) {
	for _, c := range []struct{ name, contentType, body, want string }{
		{"counters, gauges and untyped", text,
			"# HELP a_total Help \\\\ of a.\n# TYPE a_total counter\na_total{x=\"1\"} 3\na_total{x=\"2\",b=\"c\"} 4 1700000000000\n# TYPE g gauge\ng NaN\nu 7\n",
			"a_total counter \"Help \\\\ of a.\" unit=\"\"\n  x=\"1\" value=3\n  b=\"c\" x=\"2\" value=4\ng gauge \"\" unit=\"\"\n  value=NaN\nu untyped \"\" unit=\"\"\n  value=7\n"},
		{"a histogram in any order", text,
			"# TYPE h histogram\nh_count 5\nh_bucket{le=\"+Inf\"} 5\nh_bucket{le=\"2\"} 3\nh_bucket{le=\"0.5\"} 1\nh_sum 9\n",
			"h histogram \"\" unit=\"\"\n  count=5 sum=9 bounds=[0.5 2] counts=[1 2 2]\n"},
		{"a histogram whose count lags behind its buckets", text,
			"# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 9\nh_count 2\n",
			"h histogram \"\" unit=\"\"\n  count=3 sum=9 bounds=[1] counts=[2 1]\n"},
		{"a histogram without +Inf", text,
			"# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_sum 9\nh_count 3\n",
			"h histogram \"\" unit=\"\"\n  count=3 sum=9 bounds=[1] counts=[2 1]\n"},
		{"impossible histograms", text,
			"# TYPE h histogram\nh_bucket{le=\"1\"} 3\nh_bucket{le=\"2\"} 2\nh_count 3\nh_sum 1\n# TYPE i histogram\ni_bucket{le=\"x\"} 3\ni_count 3\n# TYPE j histogram\nj_bucket{le=\"1\"} 1.5\nj_count 2\n# TYPE k histogram\nk_bucket{le=\"1\"} 1\nk_bucket{le=\"1.0\"} 1\nk_count 1\n# TYPE l histogram\nl_sum 1\n",
			"skipped invalid_histogram 5\n"},
		{"a summary loses its quantiles", text,
			"# TYPE s summary\ns{quantile=\"0.5\"} 3\ns{quantile=\"0.9\"} 4\ns_sum 10\ns_count 2\n",
			"s summary \"\" unit=\"\"\n  count=2 sum=10\nskipped summary_quantiles 2\n"},
		{"what Python's client calls created is a family in text", text,
			"# TYPE a_total counter\na_total 3\n# TYPE a_created gauge\na_created 1.7e9\n",
			"a_total counter \"\" unit=\"\"\n  value=3\na_created gauge \"\" unit=\"\"\n  value=1.7e+09\n"},
		{"a counter named without _total", text, "# TYPE a counter\na 1\n", "a counter \"\" unit=\"\"\n  value=1\n"},
		{"poisoned values", text, "# TYPE a_total counter\na_total{i=\"1\"} -1\na_total{i=\"2\"} NaN\na_total{i=\"3\"} +Inf\na_total{i=\"4\"} 1\n",
			"a_total counter \"\" unit=\"\"\n  i=\"4\" value=1\nskipped invalid_value 3\n"},
		{"doubled series and labels", text, "# TYPE a_total counter\na_total{i=\"1\"} 1\na_total{i=\"1\"} 2\na_total{i=\"1\",i=\"2\"} 3\n",
			"a_total counter \"\" unit=\"\"\n  i=\"1\" value=1\nskipped invalid_label 1\nskipped duplicate 1\n"},
		{"the merge's own names", text, "# TYPE truecount_merge_reads_total counter\ntruecount_merge_reads_total 1\n", "skipped invalid_name 1\n"},
		{"OpenMetrics", openMetrics,
			"# TYPE clicks counter\n# HELP clicks Clicks.\nclicks_total 3 # {trace_id=\"abc\"} 0.5 1700000000\nclicks_created 1700000000.5\n# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\nwait_seconds_bucket{le=\"1.0\"} 1\nwait_seconds_bucket{le=\"+Inf\"} 2\nwait_seconds_sum 3\nwait_seconds_count 2\nwait_seconds_created 1700000000\n# TYPE app info\napp_info{version=\"1\"} 1\n# EOF\n",
			"clicks_total counter \"Clicks.\" unit=\"\"\n  value=3 exemplar=0.5 abc created=1700000000500\nwait_seconds histogram \"\" unit=\"seconds\"\n  count=2 sum=3 bounds=[1] counts=[1 1] created=1700000000000\napp_info gauge \"\" unit=\"\"\n  version=\"1\" value=1\n"},
		{"a gauge histogram", openMetrics, "# TYPE g gaugehistogram\ng_bucket{le=\"+Inf\"} 2\ng_gcount 2\ng_gsum 3\n# EOF\n", "skipped unsupported 1\n"},
		{"a name in quotes", text + "; escaping=allow-utf-8", "# TYPE \"a.b\" counter\n{\"a.b\",\"c.d\"=\"e\"} 1\n", "a.b counter \"\" unit=\"\"\n  c.d=\"e\" value=1\n"},
		{"labels that underscores would make equal", text, "# TYPE a counter\na{\"b.c\"=\"1\",b_c=\"2\"} 1\n", "skipped invalid_label 1\n"},
		{"nothing", text, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := reading.Decode([]byte(c.body), c.contentType, reading.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, summary(r)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnAnswerThatBreaksItsFormatIsAnError(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		want                    error
	}{
		{"broken text", text, "a{ 1\n", reading.ErrMalformed},
		{"invalid UTF-8 in text", text, "a{b=\"\xff\"} 1\n", reading.ErrMalformed},
		{"OpenMetrics that breaks off", openMetrics, "# TYPE a counter\na_total 1\n", reading.ErrMalformed},
		{"a size beyond the end", protobuf, "\xff\xff\xff\xff\x0f", reading.ErrMalformed},
		{"a message of junk", protobuf, "\x03\xff\xff\xff", reading.ErrMalformed},
		{"a page", "text/html", "<html>", reading.ErrContentType},
		{"no type", "", "a 1\n", reading.ErrContentType},
		{"OpenMetrics 2", "application/openmetrics-text; version=2.0.0", "# EOF\n", reading.ErrContentType},
		{"protobuf that is not delimited", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=text", "", reading.ErrContentType},
		{"more than the limit", text, strings.Repeat("\n", 1<<20+1), reading.ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := reading.Decode([]byte(c.body), c.contentType, reading.Limits{Bytes: 1 << 20}); !errors.Is(err, c.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestAllFormatsOfOneRegistryAreReadAlike(t *testing.T) {
	families := gathered(t)
	var readings []string
	for _, contentType := range []string{protobuf, openMetrics, text} {
		r, err := reading.Decode(encoded(t, families, contentType), contentType, reading.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Families { // what only some formats have
			for j := range r.Families[i].Series {
				s := &r.Families[i].Series[j]
				s.Exemplar, s.Native, s.Created = nil, nil, nil
			}
		}
		delete(r.Skipped, reading.Quantiles)
		readings = append(readings, summary(r))
	}
	if readings[0] != readings[1] || readings[0] != readings[2] {
		t.Errorf("protobuf:\n%s\nOpenMetrics: %s\ntext: %s", readings[0], cmp.Diff(readings[0], readings[1]), cmp.Diff(readings[0], readings[2]))
	}
}

func gathered(t testing.TB) []*dto.MetricFamily {
	reg := prometheus.NewRegistry()
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "clicks_total", Help: "Clicks."}, []string{"page"})
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "wait_seconds", Help: "Wait.", Buckets: []float64{.1, 1}, NativeHistogramBucketFactor: 1.5})
	s := prometheus.NewSummary(prometheus.SummaryOpts{Name: "size_bytes", Help: "Size.", Objectives: map[float64]float64{.5: .1}})
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "queue", Help: "Queue."})
	reg.MustRegister(c, h, s, g)
	c.WithLabelValues("/").Add(3)
	c.WithLabelValues("/a\"\\\n").(prometheus.ExemplarAdder).AddWithExemplar(4, prometheus.Labels{"trace_id": "t"})
	h.Observe(.5)
	h.Observe(50)
	s.Observe(7)
	g.Set(-2.5)
	out, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func encoded(t testing.TB, families []*dto.MetricFamily, contentType string) []byte {
	var out bytes.Buffer
	e := expfmt.NewEncoder(&out, expfmt.Format(contentType))
	for _, f := range families {
		if err := e.Encode(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.(expfmt.Closer).Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestM13AFloodIsCutOffAtTheLimitInEveryFormat(t *testing.T) {
	kind := dto.MetricType_COUNTER
	f := &dto.MetricFamily{Name: proto.String("flood_total"), Type: &kind}
	for i := range 5000 {
		f.Metric = append(f.Metric, &dto.Metric{Counter: &dto.Counter{Value: proto.Float64(1)},
			Label: []*dto.LabelPair{{Name: proto.String("i"), Value: proto.String(fmt.Sprint(i))}}})
	}
	for _, contentType := range []string{protobuf, openMetrics, text} {
		r, err := reading.Decode(encoded(t, []*dto.MetricFamily{f}, contentType), contentType, reading.Limits{Series: 100})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(r.Families[0].Series); n != 100 || r.Skipped[reading.SeriesLimit] != 4900 {
			t.Errorf("%s: %d series, skipped %v", contentType, n, r.Skipped)
		}
	}
}

func TestM13AFloodOfFamiliesBucketsAndEmptyPartsIsCutOff(t *testing.T) {
	var families, buckets strings.Builder
	buckets.WriteString("# TYPE h histogram\n")
	for i := range 5000 {
		fmt.Fprintf(&families, "# HELP a%d x\na%d 1\n", i, i)
		fmt.Fprintf(&buckets, "h_bucket{le=\"%d\"} %d\n", i, i)
	}
	empty := make([]byte, 0, 1<<20)
	for len(empty) < 1<<20-16 {
		empty = append(empty, 0x22, 0x00) // an empty series
	}
	var metrics bytes.Buffer
	metrics.Write(append([]byte{0xf0, 0xff, 0x3f}, empty...))

	limits := reading.Limits{Series: 100}
	for name, c := range map[string]struct{ contentType, body string }{
		"families": {text, families.String()}, "buckets": {text, buckets.String()}, "empty series": {protobuf, metrics.String()},
	} {
		r, err := reading.Decode([]byte(c.body), c.contentType, limits)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		n := 0
		for _, f := range r.Families {
			n += len(f.Series)
		}
		if n > 100 {
			t.Errorf("%s: %d series", name, n)
		}
	}
}

func TestL5AnExemplarThatIsNotAllowedIsDroppedItsSampleKept(t *testing.T) {
	for name, labels := range map[string][]*dto.LabelPair{
		"too long":      {{Name: proto.String("trace_id"), Value: proto.String(strings.Repeat("x", 121))}},
		"twice a label": {{Name: proto.String("a"), Value: proto.String("1")}, {Name: proto.String("a"), Value: proto.String("1")}},
		"no name":       {{Name: proto.String(""), Value: proto.String("1")}},
		"NUL":           {{Name: proto.String("a"), Value: proto.String("\x00")}},
	} {
		kind := dto.MetricType_COUNTER
		f := &dto.MetricFamily{Name: proto.String("clicks_total"), Type: &kind, Metric: []*dto.Metric{{
			Counter: &dto.Counter{Value: proto.Float64(3), Exemplar: &dto.Exemplar{Label: labels, Value: proto.Float64(1)}}}}}
		r, err := reading.Decode(encoded(t, []*dto.MetricFamily{f}, protobuf), protobuf, reading.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if s := r.Families[0].Series[0]; s.Value != 3 || s.Exemplar != nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// nativeFamily is a native histogram as a hostile worker may write it.
func nativeFamily(change func(*dto.Histogram)) *dto.MetricFamily {
	kind := dto.MetricType_HISTOGRAM
	h := &dto.Histogram{SampleCount: proto.Uint64(3), SampleSum: proto.Float64(3), Schema: proto.Int32(3), ZeroThreshold: proto.Float64(1e-9),
		ZeroCount: proto.Uint64(1), PositiveSpan: []*dto.BucketSpan{{Offset: proto.Int32(2), Length: proto.Uint32(2)}}, PositiveDelta: []int64{1, 0}}
	change(h)
	return &dto.MetricFamily{Name: proto.String("n"), Type: &kind, Metric: []*dto.Metric{{Histogram: h}}}
}

func TestM14NativeHistogramsThatWouldBreakArithmeticAreRefused(t *testing.T) {
	for name, change := range map[string]func(*dto.Histogram){
		"a schema that nobody knows":  func(h *dto.Histogram) { h.Schema = proto.Int32(9) },
		"custom bounds":               func(h *dto.Histogram) { h.Schema = proto.Int32(-53) },
		"spans beyond the buckets":    func(h *dto.Histogram) { h.PositiveSpan[0].Length = proto.Uint32(math.MaxUint32) },
		"fewer buckets than spans":    func(h *dto.Histogram) { h.PositiveDelta = nil },
		"an index out of the world":   func(h *dto.Histogram) { h.PositiveSpan[0].Offset = proto.Int32(math.MaxInt32) },
		"an index far below":          func(h *dto.Histogram) { h.PositiveSpan[0].Offset = proto.Int32(math.MinInt32) },
		"a negative count":            func(h *dto.Histogram) { h.PositiveDelta = []int64{-1, 2} },
		"a count that overflows":      func(h *dto.Histogram) { h.PositiveDelta = []int64{math.MaxInt64, math.MaxInt64} },
		"a zero bucket of no width":   func(h *dto.Histogram) { h.ZeroThreshold = proto.Float64(math.NaN()) },
		"an endless zero bucket":      func(h *dto.Histogram) { h.ZeroThreshold = proto.Float64(math.Inf(1)) },
		"a negative zero bucket":      func(h *dto.Histogram) { h.ZeroThreshold = proto.Float64(-1) },
		"more in buckets than counts": func(h *dto.Histogram) { h.SampleCount = proto.Uint64(2) },
	} {
		t.Run(name, func(t *testing.T) {
			body := encoded(t, []*dto.MetricFamily{nativeFamily(change)}, protobuf)
			r, err := reading.Decode(body, protobuf, reading.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Families) != 0 || r.Skipped[reading.InvalidHistogram] != 1 {
				t.Errorf("%s", summary(r))
			}
		})
	}
	t.Run("a good one", func(t *testing.T) {
		r, err := reading.Decode(encoded(t, []*dto.MetricFamily{nativeFamily(func(*dto.Histogram) {})}, protobuf), protobuf, reading.Limits{})
		if err != nil || len(r.Families) != 1 || r.Families[0].Series[0].Native == nil {
			t.Errorf("%v %v", r, err)
		}
	})
}

func TestASeriesWithoutAValueIsLeftOut(t *testing.T) {
	for _, kind := range []dto.MetricType{dto.MetricType_COUNTER, dto.MetricType_GAUGE, dto.MetricType_UNTYPED, dto.MetricType_SUMMARY, dto.MetricType_HISTOGRAM} {
		var out bytes.Buffer
		if _, err := protodelim.MarshalTo(&out, &dto.MetricFamily{Name: proto.String("a"), Type: &kind, Metric: []*dto.Metric{{}}}); err != nil {
			t.Fatal(err)
		}
		r, err := reading.Decode(out.Bytes(), protobuf, reading.Limits{})
		if err != nil || len(r.Families) > 0 || r.Skipped[reading.InvalidValue] != 1 {
			t.Errorf("%v: %+v %v", kind, r, err)
		}
	}
}

func TestFractionalHistogramsAreLeftOut(t *testing.T) {
	f := nativeFamily(func(h *dto.Histogram) { h.SampleCountFloat = proto.Float64(2.5) })
	var out bytes.Buffer
	if _, err := protodelim.MarshalTo(&out, f); err != nil {
		t.Fatal(err)
	}
	r, err := reading.Decode(out.Bytes(), protobuf, reading.Limits{})
	if err != nil || r.Skipped[reading.Unsupported] != 1 {
		t.Errorf("%v %v", r, err)
	}
}
