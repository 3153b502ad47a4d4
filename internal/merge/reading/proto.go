package reading

import (
	"errors"
	"fmt"
	"math"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// maxMetricBytes bounds one series on the wire: a message of empty parts grows about thirtyfold in memory.
const maxMetricBytes = 1 << 20

// Field numbers of io.prometheus.client.MetricFamily.
const (
	fieldName   = 1
	fieldHelp   = 2
	fieldType   = 3
	fieldMetric = 4
	fieldUnit   = 5
)

var errTruncated = errors.New("the answer breaks off within a message")

func decodeProto(c *collector, body []byte) error {
	for len(body) > 0 {
		size, n := protowire.ConsumeVarint(body)
		if n < 0 || size > uint64(len(body)-n) {
			return errTruncated
		}
		if err := decodeFamily(c, body[n:n+int(size)]); err != nil {
			return err
		}
		body = body[n+int(size):]
	}
	return nil
}

// decodeFamily walks the family by hand so that its series are decoded one by one, and none after the limit.
func decodeFamily(c *collector, msg []byte) error {
	var name, help, unit string
	kind, series := dto.MetricType_COUNTER, 0 // COUNTER is proto2's default: the first of the enumeration
	err := eachField(msg, func(field protowire.Number, varint uint64, content []byte) error {
		switch field {
		case fieldName:
			name = string(content)
		case fieldHelp:
			help = string(content)
		case fieldUnit:
			unit = string(content)
		case fieldType:
			kind = dto.MetricType(int32(varint))
		case fieldMetric:
			series++
		}
		return nil
	})
	if err != nil {
		return err
	}
	k, ok := protoKinds[kind]
	if !ok {
		c.skip(Unsupported, series)
		return nil
	}
	f := c.family(name, help, unit, k, series)
	if f == nil {
		return nil
	}
	err = eachField(msg, func(field protowire.Number, _ uint64, content []byte) error {
		if field != fieldMetric {
			return nil
		}
		if len(content) > maxMetricBytes || c.weight >= 10*c.limits.Series {
			c.skip(SeriesLimit, 1)
			return nil
		}
		var m dto.Metric
		if err := proto.Unmarshal(content, &m); err != nil {
			return fmt.Errorf("series of %q: %w", name, err)
		}
		c.metric(f, &m)
		return nil
	})
	c.close(f)
	return err
}

var protoKinds = map[dto.MetricType]Kind{
	dto.MetricType_COUNTER: Counter, dto.MetricType_GAUGE: Gauge, dto.MetricType_UNTYPED: Untyped,
	dto.MetricType_HISTOGRAM: Histogram, dto.MetricType_SUMMARY: Summary,
}

func eachField(msg []byte, visit func(field protowire.Number, varint uint64, content []byte) error) error {
	for len(msg) > 0 {
		field, wire, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return errTruncated
		}
		msg = msg[n:]
		var varint uint64
		var content []byte
		switch wire {
		case protowire.BytesType:
			content, n = protowire.ConsumeBytes(msg)
		case protowire.VarintType:
			varint, n = protowire.ConsumeVarint(msg)
		default:
			n = protowire.ConsumeFieldValue(field, wire, msg)
		}
		if n < 0 {
			return errTruncated
		}
		msg = msg[n:]
		if err := visit(field, varint, content); err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) metric(f *Family, m *dto.Metric) {
	if !has(f.Kind, m) {
		c.skip(InvalidValue, 1)
		return
	}
	s := Series{Labels: m.GetLabel()}
	switch f.Kind {
	case Counter:
		s.Value, s.Exemplar, s.Created = m.GetCounter().GetValue(), m.GetCounter().GetExemplar(), m.GetCounter().GetCreatedTimestamp()
	case Gauge:
		s.Value = m.GetGauge().GetValue()
	case Untyped:
		s.Value = m.GetUntyped().GetValue()
	case Summary:
		s.Count, s.Sum, s.Created = m.GetSummary().GetSampleCount(), m.GetSummary().GetSampleSum(), m.GetSummary().GetCreatedTimestamp()
		c.skip(Quantiles, len(m.GetSummary().GetQuantile()))
	case Histogram:
		if reason := protoHistogram(&s, m.GetHistogram()); reason != "" {
			c.skip(reason, 1)
			return
		}
	}
	c.admit(f, s)
}

// has tells whether m has a value of the kind that its family says.
func has(k Kind, m *dto.Metric) bool {
	switch k {
	case Counter:
		return m.Counter != nil
	case Gauge:
		return m.Gauge != nil
	case Summary:
		return m.Summary != nil
	case Histogram:
		return m.Histogram != nil
	}
	return m.Untyped != nil
}

func protoHistogram(s *Series, h *dto.Histogram) Reason {
	if h.GetSampleCountFloat() > 0 || h.GetZeroCountFloat() > 0 || len(h.GetPositiveCount())+len(h.GetNegativeCount()) > 0 {
		return Unsupported
	}
	s.Count, s.Sum, s.Created = h.GetSampleCount(), h.GetSampleSum(), h.GetCreatedTimestamp()
	var ok bool
	if s.Native, ok = nativeOf(h); !ok {
		return InvalidHistogram
	}
	if s.Native != nil {
		s.Exemplars = h.GetExemplars()
	}
	if s.Native != nil && len(h.GetBucket()) == 0 {
		return ""
	}
	b := bucketBuilder{}
	for _, bucket := range h.GetBucket() {
		if bucket.GetCumulativeCountFloat() > 0 {
			return Unsupported
		}
		b.add(bucket.GetUpperBound(), bucket.GetCumulativeCount(), bucket.GetExemplar())
	}
	s.Histogram, ok = b.build(&s.Count)
	if !ok {
		return InvalidHistogram
	}
	return ""
}

// bucketBuilder turns cumulative buckets in ascending order into counts per bucket.
type bucketBuilder struct {
	b        Buckets
	last     uint64
	inf      bool
	lastInf  *dto.Exemplar
	badOrder bool
}

func (b *bucketBuilder) add(bound float64, cumulative uint64, e *dto.Exemplar) {
	if b.inf || cumulative < b.last {
		b.badOrder = true
		return
	}
	if math.IsInf(bound, 1) {
		b.inf, b.lastInf = true, e
	} else {
		b.b.Bounds = append(b.b.Bounds, bound)
		b.b.Exemplars = append(b.b.Exemplars, e)
	}
	b.b.Counts = append(b.b.Counts, cumulative-b.last)
	b.last = cumulative
}

// build completes the last bucket. Where +Inf was said, it is the count: some clients write count and buckets one after the other.
func (b *bucketBuilder) build(count *uint64) (*Buckets, bool) {
	if b.badOrder {
		return nil, false
	}
	if b.inf {
		*count = b.last
	} else {
		if *count < b.last {
			return nil, false
		}
		b.b.Counts = append(b.b.Counts, *count-b.last)
	}
	b.b.Exemplars = append(b.b.Exemplars, b.lastInf)
	return &b.b, true
}
