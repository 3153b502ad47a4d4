package instrument

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Histograms is how the library's own histograms are kept.
type Histograms int

const (
	// ClassicHistograms have the buckets that the options name: a series per bucket, which every Prometheus can read.
	ClassicHistograms Histograms = iota
	// NativeHistograms have exponential buckets that grow by 9 % and are one series each. Prometheus reads them by
	// protobuf and only if it is told to (scrape_native_histograms); other scrapers, and dashboards that ask for
	// buckets, see sum and count.
	NativeHistograms
	// ClassicAndNativeHistograms have both, for the time of a migration: the scraper chooses.
	ClassicAndNativeHistograms
)

// The resolution and the bounds of native histograms are those that client_golang's documentation advises: a factor of
// 1.1, at most 160 buckets, which are started anew at most once an hour.
const (
	nativeFactor   = 1.1
	nativeBuckets  = 160
	nativeMinReset = time.Hour
)

// histogram returns the options of a histogram of the kind asked for.
func (k Histograms) histogram(name, help string, buckets []float64) prometheus.HistogramOpts {
	opts := prometheus.HistogramOpts{Name: name, Help: help}
	if k != NativeHistograms {
		opts.Buckets = slices.Clone(buckets)
	}
	if k != ClassicHistograms {
		opts.NativeHistogramBucketFactor = nativeFactor
		opts.NativeHistogramMaxBucketNumber = nativeBuckets
		opts.NativeHistogramMinResetDuration = nativeMinReset
	}
	return opts
}
