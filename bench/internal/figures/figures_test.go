package figures_test

import (
	"testing"
	"time"

	"github.com/truecount/truecount/bench/internal/figures"
)

func TestTheMedianIsTheMiddleOrTheMeanOfTheTwoInTheMiddle(t *testing.T) {
	for name, c := range map[string]struct {
		values []int64
		want   int64
	}{
		"none":              {nil, 0},
		"one":               {[]int64{7}, 7},
		"odd, not in order": {[]int64{9, 1, 5}, 5},
		"even":              {[]int64{10, 2, 4, 100}, 7},
	} {
		t.Run(name, func(t *testing.T) {
			if got := figures.Median(c.values); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestAQuantileIsAValueThatWasMeasured(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3, 6, 7, 8, 9, 10}
	for q, want := range map[float64]float64{0: 1, 0.1: 1, 0.5: 5, 0.9: 9, 0.91: 10, 1: 10} {
		if got := figures.Quantile(q, values); got != want {
			t.Errorf("quantile %v: got %v, want %v", q, got, want)
		}
	}
	if values[0] != 5 {
		t.Error("the measurements were sorted in place")
	}
}

func TestNumbersAreWrittenAsPeopleCompareThem(t *testing.T) {
	for got, want := range map[string]string{
		figures.Millis(1234567 * time.Microsecond):             "1235 ms",
		figures.Millis(1250 * time.Microsecond):                "1.2 ms",
		figures.MiB(48 << 20):                                  "48 MiB",
		figures.Percent(time.Second, 4*time.Second):            "25 %",
		figures.Percent(time.Second, 0):                        "–",
		figures.Millis(figures.Sum([]time.Duration{1e8, 2e8})): "300 ms",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
