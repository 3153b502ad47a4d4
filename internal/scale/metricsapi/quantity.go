package metricsapi

import (
	"errors"
	"fmt"
	"math"

	"k8s.io/apimachinery/pkg/api/resource"
)

// limit is what a quantity can hold when it is counted in thousandths, as the autoscaler does: 2^63 thousandths, which a
// float64 has exactly.
const limit = float64(1 << 63)

// quantity turns a value into a quantity. It cuts off what is smaller than a thousandth, as prometheus-adapter does and as
// package hpa counts, so that a decision here is the one of the cluster. A value nearer to 0 than a thousandth is not cut to 0:
// it is written in millionths or billionths. What is no number, infinite, or too large for an autoscaler is an error.
func quantity(value float64) (*resource.Quantity, error) {
	size := math.Abs(value)
	switch {
	case math.IsNaN(value):
		return nil, errors.New("the value is NaN")
	case math.IsInf(value, 0):
		return nil, fmt.Errorf("the value is infinite (%+g)", value)
	case size*1000 >= limit:
		return nil, fmt.Errorf("the value %g is beyond what a quantity can hold in thousandths (%.4g)", value, limit/1000)
	case size == 0 || size*1000 >= 1:
		return resource.NewMilliQuantity(int64(value*1000), resource.DecimalSI), nil
	case size*1e6 >= 1:
		return resource.NewScaledQuantity(int64(value*1e6), resource.Micro), nil
	case size*1e9 >= 1:
		return resource.NewScaledQuantity(int64(value*1e9), resource.Nano), nil
	}
	// Nothing smaller can be written. It is not 0: a quantity rounds away from it, and so does the autoscaler.
	return resource.NewScaledQuantity(int64(math.Copysign(1, value)), resource.Nano), nil
}
