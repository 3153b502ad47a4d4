package merge

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/prometheus/model/histogram"
	"google.golang.org/protobuf/proto"

	"github.com/truecount/truecount/internal/merge/reading"
)

// ServeHTTP answers with the merged metrics as of the latest readings: text 0.0.4, OpenMetrics 1.0 or delimited
// protobuf as the client prefers, with gzip if it accepts that. It reads no worker and waits for none. Until a worker has
// been read for the first time it answers 503: that a scrape failed is true, that nothing was counted may not be.
func (m *Merger) ServeHTTP(w http.ResponseWriter, r *http.Request) { serve(w, r, m.snapshot) }

// Version changes whenever what would be served may have changed.
func (m *Merger) Version() uint64 { return m.version.Load() }

func (m *Merger) snapshot() *snapshot {
	return m.page.at(m.version.Load, func() *snapshot {
		m.mu.Lock()
		version, unread := m.version.Load(), m.unread()
		families := m.ledger.export(m.alive(), m.gauges)
		m.mu.Unlock()
		own, err := m.metrics.registry.Gather()
		if err != nil {
			m.log.Error("cannot gather the merge's own metrics", "err", err)
		}
		s := newSnapshot(version, families, own)
		s.unread = unread
		return s
	})
}

// unread says why there is nothing to expose, or "" from the first reading on.
func (m *Merger) unread() string {
	if m.hasRead {
		return ""
	}
	text := "no worker has been read yet"
	if m.options.Name != "" {
		text = fmt.Sprintf("no worker of %s has been read yet", m.options.Name)
	}
	for _, r := range m.readers {
		if r.err != nil {
			return fmt.Sprintf("%s: %s: %v", text, r.endpoint, r.err)
		}
	}
	return text
}

// alive lists the generations whose gauges count.
func (m *Merger) alive() []*generation {
	var out []*generation
	for _, r := range m.readers {
		if r.gen != nil && r.gen.up {
			out = append(out, r.gen)
		}
	}
	return out
}

// openMetrics001 is what clients get that ask for OpenMetrics without a version.
const openMetrics001 = expfmt.Format(expfmt.OpenMetricsType + "; version=" + expfmt.OpenMetricsVersion_0_0_1 + "; charset=utf-8")

// formats in the order in which they are taken if the client has no preference.
var formats = []expfmt.Format{
	expfmt.NewFormat(expfmt.TypeTextPlain), expfmt.NewFormat(expfmt.TypeOpenMetrics), openMetrics001, expfmt.NewFormat(expfmt.TypeProtoDelim),
}

func serve(w http.ResponseWriter, r *http.Request, latest func() *snapshot) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	v := variant{format: expfmt.NegotiateAccept(r.Header, formats...), gzip: acceptsGzip(r.Header)}
	current := latest()
	if current.unread != "" {
		http.Error(w, current.unread, http.StatusServiceUnavailable)
		return
	}
	body, err := current.page(v)
	if err != nil {
		http.Error(w, "cannot write the metrics: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", string(v.format))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Vary", "Accept, Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	if v.gzip {
		h.Set("Content-Encoding", "gzip")
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // a client that left is no fault of ours
	}
}

func acceptsGzip(h http.Header) bool {
	for part := range strings.SplitSeq(h.Get("Accept-Encoding"), ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if coding != "gzip" {
			continue
		}
		q, found := strings.CutPrefix(strings.TrimSpace(params), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !found || err == nil && weight > 0
	}
	return false
}

// exposed converts merged families and puts the merge's own among them, in order of name.
func exposed(families []reading.Family, own []*dto.MetricFamily) []*dto.MetricFamily {
	out := make([]*dto.MetricFamily, 0, len(families)+len(own))
	for i := range families {
		out = append(out, familyMessage(&families[i]))
	}
	out = append(out, own...)
	slices.SortStableFunc(out, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return out
}

var kinds = map[reading.Kind]dto.MetricType{
	reading.Untyped: dto.MetricType_UNTYPED, reading.Counter: dto.MetricType_COUNTER, reading.Gauge: dto.MetricType_GAUGE,
	reading.Histogram: dto.MetricType_HISTOGRAM, reading.Summary: dto.MetricType_SUMMARY,
}

func familyMessage(f *reading.Family) *dto.MetricFamily {
	kind := kinds[f.Kind]
	out := &dto.MetricFamily{Name: &f.Name, Help: &f.Help, Type: &kind, Metric: make([]*dto.Metric, len(f.Series))}
	if f.Unit != "" {
		out.Unit = &f.Unit
	}
	for i := range f.Series {
		s := &f.Series[i]
		m := &dto.Metric{Label: s.Labels}
		switch f.Kind {
		case reading.Counter:
			m.Counter = &dto.Counter{Value: &s.Value, Exemplar: s.Exemplar, CreatedTimestamp: s.Created}
		case reading.Gauge:
			m.Gauge = &dto.Gauge{Value: &s.Value}
		case reading.Untyped:
			m.Untyped = &dto.Untyped{Value: &s.Value}
		case reading.Summary:
			m.Summary = &dto.Summary{SampleCount: &s.Count, SampleSum: &s.Sum, CreatedTimestamp: s.Created}
		case reading.Histogram:
			m.Histogram = histogramMessage(s)
		}
		out.Metric[i] = m
	}
	return out
}

func histogramMessage(s *reading.Series) *dto.Histogram {
	h := &dto.Histogram{SampleCount: &s.Count, SampleSum: &s.Sum, CreatedTimestamp: s.Created}
	if b := s.Histogram; b != nil {
		cumulative := uint64(0)
		for i, bound := range b.Bounds {
			cumulative += b.Counts[i]
			h.Bucket = append(h.Bucket, &dto.Bucket{UpperBound: proto.Float64(bound), CumulativeCount: proto.Uint64(cumulative), Exemplar: b.Exemplars[i]})
		}
		if e := b.Exemplars[len(b.Bounds)]; e != nil { // else +Inf is implied
			h.Bucket = append(h.Bucket, &dto.Bucket{UpperBound: proto.Float64(math.Inf(1)), CumulativeCount: &s.Count, Exemplar: e})
		}
	}
	if n := s.Native; n != nil {
		h.Schema, h.ZeroThreshold, h.ZeroCount = &n.Schema, &n.ZeroThreshold, proto.Uint64(uint64(n.ZeroCount))
		h.PositiveSpan, h.PositiveDelta = spanMessages(n.PositiveSpans, n.PositiveBuckets)
		h.NegativeSpan, h.NegativeDelta = spanMessages(n.NegativeSpans, n.NegativeBuckets)
		h.Exemplars = s.Exemplars
		if len(h.PositiveSpan)+len(h.NegativeSpan) == 0 && n.ZeroThreshold == 0 && n.ZeroCount == 0 {
			// By convention, this span of nothing tells an empty native histogram from a classic one.
			h.PositiveSpan = []*dto.BucketSpan{{Offset: proto.Int32(0), Length: proto.Uint32(0)}}
		}
	}
	return h
}

func spanMessages(spans []histogram.Span, buckets []float64) ([]*dto.BucketSpan, []int64) {
	out := make([]*dto.BucketSpan, len(spans))
	for i, s := range spans {
		out[i] = &dto.BucketSpan{Offset: proto.Int32(s.Offset), Length: proto.Uint32(s.Length)}
	}
	deltas, last := make([]int64, len(buckets)), int64(0)
	for i, b := range buckets {
		deltas[i] = int64(b) - last
		last = int64(b)
	}
	return out, deltas
}

// forOpenMetrics gives a counter whose name without _total belongs to another family the type unknown: two families of
// one name are not valid there.
func forOpenMetrics(f *dto.MetricFamily, names map[string]bool) *dto.MetricFamily {
	base, isTotal := strings.CutSuffix(f.GetName(), "_total")
	if f.GetType() != dto.MetricType_COUNTER || !isTotal || !names[base] {
		return f
	}
	out := &dto.MetricFamily{Name: f.Name, Help: f.Help, Type: dto.MetricType_UNTYPED.Enum(), Metric: make([]*dto.Metric, len(f.Metric))}
	for i, m := range f.Metric {
		out.Metric[i] = &dto.Metric{Label: m.Label, Untyped: &dto.Untyped{Value: m.GetCounter().Value}}
	}
	return out
}
