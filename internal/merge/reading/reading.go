// Package reading is what one worker said about its metrics at one moment: families of series, decoded strictly
// from any exposition format and checked, so that whoever adds readings up never meets a hostile value.
//
// A Reading is cumulative, as the worker's own registry is. It carries classic and native histograms, exemplars and
// start timestamps. It drops, and counts in Skipped, what cannot be added up over workers (summary quantiles,
// gauge histograms) and what would poison the merged exposition (invalid UTF-8, reserved or doubled labels, counters
// that are negative or not a number). Timestamps of samples are ignored: a merged value has none.
//
// Values of this package are not changed after they were built and may then be shared between goroutines.
package reading

import (
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/histogram"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Kind is the type of a family.
type Kind uint8

// The kinds that a Reading carries. Untyped values are added up like gauges.
const (
	Untyped Kind = iota
	Counter
	Gauge
	Histogram
	Summary
)

func (k Kind) String() string {
	switch k {
	case Counter:
		return "counter"
	case Gauge:
		return "gauge"
	case Histogram:
		return "histogram"
	case Summary:
		return "summary"
	}
	return "untyped"
}

// Cumulative tells whether the values of this kind are counts that go on after the worker that counted has ended.
func (k Kind) Cumulative() bool { return k == Counter || k == Histogram || k == Summary }

// Reading is everything that one worker said at one moment. Names of families and, within a family, label sets are unique.
type Reading struct {
	Families []Family
	// Skipped says how many series were left out, by reason.
	Skipped map[Reason]int
}

// Reason says why a series was left out of a Reading.
type Reason string

// The reasons.
const (
	InvalidName      Reason = "invalid_name"      // a metric or label name that no exposition format allows, or the reserved truecount_merge_
	InvalidLabel     Reason = "invalid_label"     // a doubled or reserved label, a value that is not UTF-8, holds NUL or is too long
	InvalidValue     Reason = "invalid_value"     // a counter or a count that is negative, not a number or infinite
	InvalidHistogram Reason = "invalid_histogram" // bounds out of order, counts that go down, spans that don't fit
	Duplicate        Reason = "duplicate"         // a family or label set that was said already
	SeriesLimit      Reason = "series_limit"      // more than the limit for one worker
	Quantiles        Reason = "summary_quantiles" // a summary's quantiles; its sum and count are kept
	Unsupported      Reason = "unsupported"       // gauge histograms, histograms with fractional counts
)

// Family is one metric: a name, its meaning, its series.
type Family struct {
	Name   string // as in text format 0.0.4: a counter's ends in whatever its samples end in
	Help   string
	Unit   string
	Kind   Kind
	Series []Series
}

// Series is one label set and its value.
type Series struct {
	Labels []*dto.LabelPair // sorted by name, without the metric's name

	Value    float64       // of a counter, a gauge, an untyped metric
	Exemplar *dto.Exemplar // of a counter, or nil

	Count uint64  // of a histogram or summary
	Sum   float64 // of a histogram or summary; may be NaN or infinite if such a value was observed

	Histogram *Buckets                  // classic buckets of a histogram, or nil
	Native    *histogram.FloatHistogram // native buckets of a histogram, or nil; the counts are whole numbers
	Exemplars []*dto.Exemplar           // of a native histogram
	Created   *timestamppb.Timestamp    // when the worker began to count this series, or nil
}

// Buckets are the classic buckets of a histogram.
type Buckets struct {
	Bounds    []float64       // finite upper bounds, ascending
	Counts    []uint64        // observations in each bucket alone, not cumulative; one more than Bounds: the last is up to +Inf
	Exemplars []*dto.Exemplar // one place for each of Counts, nil where there is none
}

// AppendKey appends bytes that are equal exactly for equal label sets. Labels must be sorted.
func AppendKey(b []byte, labels []*dto.LabelPair) []byte {
	for _, l := range labels {
		b = append(b, l.GetName()...)
		b = append(b, 0xff) // occurs in no UTF-8 text
		b = append(b, l.GetValue()...)
		b = append(b, 0xff)
	}
	return b
}

// Limits bound what one worker may say. Zero fields take the values of [DefaultLimits].
type Limits struct {
	Bytes       int // of the whole answer, decompressed
	Series      int // label sets; every classic and native bucket of a histogram beyond its tenth weighs a tenth of a series
	Labels      int // of one series
	NameBytes   int // of a metric's or label's name
	ValueBytes  int // of a label's value
	HelpBytes   int // of a help text; longer ones are cut
	BucketCount int // of one histogram
}

// DefaultLimits leave room for a service that is instrumented generously, and keep a worker that floods within about 100 MB of memory.
func DefaultLimits() Limits {
	return Limits{Bytes: 16 << 20, Series: 50_000, Labels: 64, NameBytes: 512, ValueBytes: 4096, HelpBytes: 1024, BucketCount: 1000}
}

// OrDefault returns the limits with zero fields filled in.
func (l Limits) OrDefault() Limits {
	d := DefaultLimits()
	for _, f := range []struct {
		have *int
		want int
	}{
		{&l.Bytes, d.Bytes}, {&l.Series, d.Series}, {&l.Labels, d.Labels}, {&l.NameBytes, d.NameBytes},
		{&l.ValueBytes, d.ValueBytes}, {&l.HelpBytes, d.HelpBytes}, {&l.BucketCount, d.BucketCount},
	} {
		if *f.have == 0 {
			*f.have = f.want
		}
	}
	return l
}

// reservedPrefix belongs to the merge's own metrics: a worker that uses it could speak in their name.
const reservedPrefix = "truecount_merge_"

// CleanHelp makes a help text valid UTF-8 without NUL, and cuts it to HelpBytes.
func (l Limits) CleanHelp(help string) string {
	limit := l.HelpBytes
	help = strings.ReplaceAll(strings.ToValidUTF8(help, "\uFFFD"), "\x00", "")
	if len(help) > limit {
		help = strings.ToValidUTF8(help[:limit], "")
	}
	return help
}
