package reading

import (
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// decodeText puts the samples of a text format, one line each, together to families.
func decodeText(c *collector, body []byte, openMetrics bool) error {
	var p textparse.Parser
	if openMetrics {
		p = textparse.NewOpenMetricsParser(body, labels.NewSymbolTable())
	} else {
		p = textparse.NewPromParser(body, labels.NewSymbolTable(), false)
	}
	a := assembler{c: c, openMetrics: openMetrics, families: map[string]*textFamily{}}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			a.finish()
			return nil
		}
		if err != nil {
			return err
		}
		switch entry {
		case textparse.EntryType:
			name, kind := p.Type()
			a.typed(string(name), kind)
		case textparse.EntryHelp:
			name, help := p.Help()
			a.described(string(name)).help = string(help)
		case textparse.EntryUnit:
			name, unit := p.Unit()
			a.described(string(name)).unit = string(unit)
		case textparse.EntrySeries:
			a.sample(p)
		}
	}
}

type textFamily struct {
	name, help, unit string
	kind             model.MetricType
	series           map[string]*textSeries
	order            []*textSeries
}

type textSeries struct {
	labels           []*dto.LabelPair
	value, sum       float64
	count            float64
	created          float64
	exemplar         *dto.Exemplar
	buckets          []textBucket
	hasValue, hasSum bool // has a value or a count; has a sum
}

type textBucket struct {
	bound, cumulative float64
	exemplar          *dto.Exemplar
}

type assembler struct {
	c           *collector
	openMetrics bool
	families    map[string]*textFamily
	order       []*textFamily
	series      int
	buckets     int
	discarded   textFamily
}

// described returns the family of that name, or one that is thrown away if there are too many.
func (a *assembler) described(name string) *textFamily {
	if f := a.families[name]; f != nil {
		return f
	}
	if len(a.families) >= a.c.limits.Series {
		a.discarded = textFamily{}
		return &a.discarded
	}
	f := &textFamily{name: name, kind: model.MetricTypeUnknown, series: map[string]*textSeries{}}
	a.families[name] = f
	a.order = append(a.order, f)
	return f
}

func (a *assembler) typed(name string, kind model.MetricType) {
	if f := a.described(name); len(f.order) == 0 {
		f.kind = kind
	}
}

// suffixes are the endings of sample names, by the type of the family that they belong to.
var suffixes = map[model.MetricType][]string{
	model.MetricTypeCounter:        {"_total", "_created"},
	model.MetricTypeHistogram:      {"_bucket", "_sum", "_count", "_created"},
	model.MetricTypeGaugeHistogram: {"_bucket", "_gsum", "_gcount"},
	model.MetricTypeSummary:        {"_sum", "_count", "_created"},
	model.MetricTypeInfo:           {"_info"},
}

// familyOf finds the family of a sample and the suffix that the sample's name adds.
func (a *assembler) familyOf(sample string) (*textFamily, string) {
	if f := a.families[sample]; f != nil {
		return f, ""
	}
	if i := strings.LastIndexByte(sample, '_'); i > 0 {
		suffix := sample[i:]
		// In text 0.0.4 these two are families of their own.
		foreign := !a.openMetrics && (suffix == "_total" || suffix == "_created")
		if f := a.families[sample[:i]]; f != nil && !foreign && slices.Contains(suffixes[f.kind], suffix) {
			return f, suffix
		}
	}
	return a.described(sample), ""
}

func (a *assembler) sample(p textparse.Parser) {
	_, _, value := p.Series()
	var l labels.Labels
	p.Labels(&l)
	f, suffix := a.familyOf(l.Get(model.MetricNameLabel))
	if f == &a.discarded {
		a.c.skip(SeriesLimit, 1)
		return
	}
	if f.kind == model.MetricTypeSummary && suffix == "" {
		a.c.skip(Quantiles, 1)
		return
	}
	le := ""
	pairs := make([]*dto.LabelPair, 0, l.Len())
	l.Range(func(l labels.Label) {
		switch {
		case l.Name == model.MetricNameLabel:
		case l.Name == model.BucketLabel && suffix == "_bucket":
			le = l.Value
		default:
			pairs = append(pairs, &dto.LabelPair{Name: proto.String(l.Name), Value: proto.String(l.Value)})
		}
	})
	s := a.seriesOf(f, pairs)
	if s == nil {
		return
	}
	s.take(a, f.kind, suffix, le, value, exemplarOf(p))
}

func (a *assembler) seriesOf(f *textFamily, pairs []*dto.LabelPair) *textSeries {
	key := string(AppendKey(nil, pairs)) // the parser sorts labels
	s := f.series[key]
	if s == nil {
		if a.series >= a.c.limits.Series {
			a.c.skip(SeriesLimit, 1)
			return nil
		}
		a.series++
		s = &textSeries{labels: pairs}
		f.series[key] = s
		f.order = append(f.order, s)
	}
	return s
}

func (s *textSeries) take(a *assembler, kind model.MetricType, suffix, le string, value float64, e *dto.Exemplar) {
	switch {
	case suffix == "_created":
		s.created = value
	case suffix == "_bucket":
		bound, err := strconv.ParseFloat(le, 64)
		if a.buckets++; err != nil || a.buckets > 10*a.c.limits.Series || len(s.buckets) > a.c.limits.BucketCount {
			bound = math.NaN() // makes the histogram invalid
		}
		if n := len(s.buckets); n == 0 || !math.IsNaN(s.buckets[n-1].bound) {
			s.buckets = append(s.buckets, textBucket{bound, value, e})
		}
	case suffix == "_sum" || suffix == "_gsum":
		s.sum, s.hasSum = value, true
	case suffix == "_count" || suffix == "_gcount":
		s.count, s.hasValue = value, true
	case s.hasValue:
		a.c.skip(Duplicate, 1)
	case (kind == model.MetricTypeHistogram || kind == model.MetricTypeGaugeHistogram) && suffix == "":
		a.c.skip(InvalidHistogram, 1)
	default:
		s.value, s.exemplar, s.hasValue = value, e, true
	}
}

func exemplarOf(p textparse.Parser) *dto.Exemplar {
	var e exemplar.Exemplar
	if !p.Exemplar(&e) {
		return nil
	}
	out := &dto.Exemplar{Value: proto.Float64(e.Value)}
	if e.HasTs {
		out.Timestamp = timestamppb.New(time.UnixMilli(e.Ts))
	}
	e.Labels.Range(func(l labels.Label) {
		out.Label = append(out.Label, &dto.LabelPair{Name: proto.String(l.Name), Value: proto.String(l.Value)})
	})
	return out
}

var textKinds = map[model.MetricType]Kind{
	model.MetricTypeCounter: Counter, model.MetricTypeGauge: Gauge, model.MetricTypeUnknown: Untyped,
	model.MetricTypeHistogram: Histogram, model.MetricTypeSummary: Summary,
	model.MetricTypeInfo: Gauge, model.MetricTypeStateset: Gauge, // as Prometheus stores them
}

func (a *assembler) finish() {
	for _, tf := range a.order {
		kind, ok := textKinds[tf.kind]
		if !ok {
			a.c.skip(Unsupported, len(tf.order))
			continue
		}
		if len(tf.order) == 0 {
			continue
		}
		f := a.c.family(a.nameOf(tf), tf.help, tf.unit, kind, len(tf.order))
		if f == nil {
			continue
		}
		for _, s := range tf.order {
			if series, reason := s.build(kind); reason != "" {
				a.c.skip(reason, 1)
			} else {
				a.c.admit(f, series)
			}
		}
		a.c.close(f)
	}
}

// nameOf is the family's name in text 0.0.4: OpenMetrics names some families without their samples' ending.
func (a *assembler) nameOf(f *textFamily) string {
	switch {
	case a.openMetrics && f.kind == model.MetricTypeCounter && !strings.HasSuffix(f.name, "_total"):
		return f.name + "_total"
	case a.openMetrics && f.kind == model.MetricTypeInfo && !strings.HasSuffix(f.name, "_info"):
		return f.name + "_info"
	}
	return f.name
}

func (s *textSeries) build(kind Kind) (Series, Reason) {
	out := Series{Labels: s.labels, Value: s.value, Exemplar: s.exemplar, Sum: s.sum}
	if s.created > 0 && s.created < 1e11 {
		out.Created = timestamppb.New(time.UnixMilli(int64(s.created * 1000)))
	}
	if kind != Histogram && kind != Summary {
		if !s.hasValue {
			return out, InvalidValue
		}
		return out, ""
	}
	var ok bool
	if out.Count, ok = wholeNumber(s.count); !ok || !s.hasValue && len(s.buckets) == 0 {
		return out, InvalidHistogram
	}
	if kind == Summary {
		return out, ""
	}
	slices.SortStableFunc(s.buckets, func(a, b textBucket) int {
		switch {
		case a.bound < b.bound:
			return -1
		case a.bound > b.bound:
			return 1
		}
		return 0
	})
	b := bucketBuilder{}
	for _, bucket := range s.buckets {
		cumulative, ok := wholeNumber(bucket.cumulative)
		if !ok {
			return out, InvalidHistogram
		}
		b.add(bucket.bound, cumulative, bucket.exemplar)
	}
	if out.Histogram, ok = b.build(&out.Count); !ok {
		return out, InvalidHistogram
	}
	return out, ""
}

// wholeNumber converts a count; counts beyond 2^63 are taken for an error.
func wholeNumber(v float64) (uint64, bool) {
	if !(v >= 0 && v < 1<<63) || v != math.Trunc(v) {
		return 0, false
	}
	return uint64(v), true
}
