package instrumenttest

import (
	"math"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Value returns the value of a series. The test ends if there is no such series.
func Value(t testing.TB, g prometheus.Gatherer, series string) float64 {
	t.Helper()
	return Take(t, g).Value(t, series)
}

// Expect fails the test if the series is not there or has another value. NaN equals NaN.
func Expect(t testing.TB, g prometheus.Gatherer, series string, want float64) {
	t.Helper()
	now := Take(t, g)
	key := read(t, series)
	if got, ok := now.samples[key]; !ok {
		t.Errorf("%s is not exposed, want %v%s", key, want, now.near(key))
	} else if !same(got, want) {
		t.Errorf("%s is %v, want %v", key, got, want)
	}
}

// ExpectExposed fails the test if one of the series is not there.
func ExpectExposed(t testing.TB, g prometheus.Gatherer, series ...string) {
	t.Helper()
	now := Take(t, g)
	for _, s := range series {
		if key := read(t, s); !now.has(key) {
			t.Errorf("%s is not exposed%s", key, now.near(key))
		}
	}
}

// ExpectMissing fails the test if one of the series is there. A name without labels stands for all series of that name; the
// name of a histogram or summary, as [Histogram] takes it, stands for its _count.
func ExpectMissing(t testing.TB, g prometheus.Gatherer, series ...string) {
	t.Helper()
	now := Take(t, g)
	for _, s := range series {
		key := read(t, s)
		if now.compound[key.name] {
			key = key.suffixed("_count")
		}
		for _, found := range now.list() {
			if found == key || key.labels == "" && found.name == key.name {
				t.Errorf("%s is exposed, with the value %v", found, now.samples[found])
			}
		}
	}
}

// Difference returns what do adds to the value of a series. One that is not there counts as 0, but the test ends if it is
// not there afterwards.
func Difference(t testing.TB, g prometheus.Gatherer, series string, do func()) float64 {
	t.Helper()
	before := Take(t, g)
	do()
	return before.Difference(t, series)
}

// ExpectDifference fails the test if do adds something else to the value of the series; 0 says that it must not be counted.
func ExpectDifference(t testing.TB, g prometheus.Gatherer, series string, want float64, do func()) {
	t.Helper()
	before := Take(t, g)
	do()
	before.ExpectDifference(t, series, want)
}

// Histogram returns how many values a histogram or a summary observed, and their sum; series is its name, with labels if
// it has some, without _count or le. The test ends if there is none.
func Histogram(t testing.TB, g prometheus.Gatherer, series string) (count, sum float64) {
	t.Helper()
	now := Take(t, g)
	key := read(t, series)
	ofCount, ofSum := key.suffixed("_count"), key.suffixed("_sum")
	if !now.has(ofCount) || !now.has(ofSum) {
		t.Fatalf("the histogram %s is not exposed%s", key, now.near(ofCount))
	}
	return now.samples[ofCount], now.samples[ofSum]
}

// ExpectHistogram fails the test if the histogram observed another number of values or another sum; see [Histogram].
func ExpectHistogram(t testing.TB, g prometheus.Gatherer, series string, count int, sum float64) {
	t.Helper()
	gotCount, gotSum := Histogram(t, g, series)
	if !same(gotCount, float64(count)) || !same(gotSum, sum) {
		t.Errorf("the histogram %s observed %v values, %v in sum, want %d and %v", read(t, series), gotCount, gotSum, count, sum)
	}
}

// same allows for what adding the same numbers in another order makes of them.
func same(a, b float64) bool {
	return a == b || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b))
}
