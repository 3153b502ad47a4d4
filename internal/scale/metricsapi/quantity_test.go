package metricsapi

import (
	"math"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/scale/hpa"
)

func TestK2AQuantityIsExactOrAnError(t *testing.T) {
	for name, c := range map[string]struct {
		value       float64
		want, fails string
	}{
		"a true zero":        {0, "0", ""},
		"minus zero":         {math.Copysign(0, -1), "0", ""},
		"one":                {1, "1", ""},
		"thousandths":        {0.2, "200m", ""},
		"cut off":            {1.0 / 120, "8m", ""},
		"nearer to 0":        {0.0004, "400u", ""},
		"nearer still":       {4e-7, "400n", ""},
		"the least":          {math.SmallestNonzeroFloat64, "1n", ""},
		"negative":           {-1.5, "-1500m", ""},
		"negative, near 0":   {-0.0004, "-400u", ""},
		"large":              {9.2e15, "9200T", ""},
		"NaN":                {math.NaN(), "", "is NaN"},
		"infinite":           {math.Inf(1), "", "infinite (+Inf)"},
		"minus infinite":     {math.Inf(-1), "", "infinite (-Inf)"},
		"beyond":             {9.3e15, "", "beyond what a quantity can hold"},
		"far beyond":         {1e19, "", "beyond what a quantity can hold"},
		"beyond, below zero": {-1e19, "", "beyond what a quantity can hold"},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := quantity(c.value)
			switch {
			case c.fails != "":
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("got %v, %v", q, err)
				}
			case err != nil:
				t.Error(err)
			case q.String() != c.want:
				t.Errorf("got %s, want %s", q, c.want)
			}
		})
	}
}

// FuzzQuantity holds that the autoscaler counts a quantity as package hpa counts the value that it is made of.
func FuzzQuantity(f *testing.F) {
	for _, v := range []float64{0, 0.0004, 0.57, 1e-12, 9.2e15, 9.3e15, -0.0001, -3, math.NaN(), math.Inf(1), math.MaxFloat64} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v float64) {
		q, err := quantity(v)
		if err != nil {
			return
		}
		if math.IsNaN(v) || q.IsZero() != (v == 0) || (q.Sign() < 0) != (v < 0) {
			t.Fatalf("%g became %s", v, q)
		}
		if want, err := hpa.Milli(v); err == nil && q.MilliValue() != want {
			t.Errorf("%g became %s, of which the autoscaler counts %d thousandths, want %d", v, q, q.MilliValue(), want)
		}
	})
}
