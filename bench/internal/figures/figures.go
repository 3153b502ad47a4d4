// Package figures turns repeated measurements into the few numbers that are quoted: medians, spreads and shares. On a
// shared machine a mean tells about the neighbours; a median tells about the program.
package figures

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Number is what is measured: a [time.Duration], bytes, or nanoseconds per operation.
type Number interface{ ~int64 | ~float64 }

// Median returns the middle value, or the mean of the two in the middle; 0 of none.
func Median[N Number](values []N) N {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Quantile returns the smallest value that at least the share q of all values does not exceed (nearest rank); 0 of none.
func Quantile[N Number](q float64, values []N) N {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Sum adds up.
func Sum[N Number](values []N) (sum N) {
	for _, v := range values {
		sum += v
	}
	return sum
}

// Millis writes a duration in milliseconds, which is what people compare here.
func Millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// MiB writes a number of bytes.
func MiB(bytes int64) string { return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20)) }

// Percent writes part of whole.
func Percent[N Number](part, whole N) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(whole))
}
