package reading

import (
	"math"
	"slices"
	"strconv"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// textSeries is a series while its samples, one line each, come in.
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
