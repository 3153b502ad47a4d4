package merge_test

import (
	"bytes"
	"math"
	"net/http"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

func protoHandler(families ...*dto.MetricFamily) http.Handler {
	var out bytes.Buffer
	for _, f := range families {
		if _, err := protodelim.MarshalTo(&out, f); err != nil {
			panic(err)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", acceptProto)
		_, _ = w.Write(out.Bytes())
	})
}

func pair(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

func counterFamily(name string, value float64, labels ...*dto.LabelPair) *dto.MetricFamily {
	return &dto.MetricFamily{Name: &name, Type: dto.MetricType_COUNTER.Enum(),
		Metric: []*dto.Metric{{Label: labels, Counter: &dto.Counter{Value: &value}}}}
}

func bigHistogram(count uint64) *dto.MetricFamily {
	return &dto.MetricFamily{Name: proto.String("big"), Type: dto.MetricType_HISTOGRAM.Enum(), Metric: []*dto.Metric{{
		Histogram: &dto.Histogram{SampleCount: &count, SampleSum: proto.Float64(0.1),
			Bucket: []*dto.Bucket{{UpperBound: proto.Float64(1), CumulativeCount: proto.Uint64(count - 1)}}}}}}
}

// poisoned is an answer with one good series and every way to spoil one. Invalid UTF-8 is written by hand: the library refuses.
func poisoned() []byte {
	downward := &dto.MetricFamily{Name: proto.String("downward"), Type: dto.MetricType_HISTOGRAM.Enum(), Metric: []*dto.Metric{{
		Histogram: &dto.Histogram{SampleCount: proto.Uint64(3), Bucket: []*dto.Bucket{
			{UpperBound: proto.Float64(1), CumulativeCount: proto.Uint64(3)}, {UpperBound: proto.Float64(2), CumulativeCount: proto.Uint64(1)}}}}}}
	var out bytes.Buffer
	for _, f := range []*dto.MetricFamily{
		counterFamily("good_total", 1, pair("path", "a\"b\\c\nd")),
		counterFamily("poison_a_total", 1, pair("x", "\x00")),
		counterFamily("poison_b_total", 1, pair("x", strings.Repeat("x", 1<<20-100))),
		counterFamily("poison_c_total", 1, pair("x", "1"), pair("x", "2")),
		counterFamily("poison_d_total", 1, pair("le", "1")),
		counterFamily("poison_e_total", 1, pair("__name__", "up")),
		counterFamily("poison_f_total", 1, pair("", "1")),
		counterFamily("poison_g_total", math.NaN()),
		counterFamily("poison_h_total", -1),
		counterFamily("poison_i_total", math.Inf(1)),
		counterFamily("truecount_merge_reads_total", 1e9),
		downward,
	} {
		if _, err := protodelim.MarshalTo(&out, f); err != nil {
			panic(err)
		}
	}
	label := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "x")
	label = protowire.AppendBytes(protowire.AppendTag(label, 2, protowire.BytesType), []byte("\xff\xfe"))
	metric := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), label)
	metric = protowire.AppendBytes(protowire.AppendTag(metric, 3, protowire.BytesType), nil) // a counter of 0
	family := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "poison_z_total")
	family = protowire.AppendBytes(protowire.AppendTag(family, 4, protowire.BytesType), metric)
	out.Write(protowire.AppendBytes(nil, family))
	return out.Bytes()
}
