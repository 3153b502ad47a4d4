package hpa

import (
	"errors"
	"fmt"
	"math"
)

// Milli turns a sample's value into the thousandths in which autoscaling counts, cutting off what is smaller, as
// prometheus-adapter does. Only a true 0 is 0: a value between 0 and a thousandth counts as one, as the autoscaler counts
// the quantity "400u". NaN, infinities, negative values and those beyond an int64 are errors, never 0.
func Milli(value float64) (int64, error) {
	switch m := value * 1000; {
	case math.IsNaN(value):
		return 0, errors.New("the value is NaN")
	case math.IsInf(value, 0):
		return 0, errors.New("the value is infinite")
	case value < 0:
		return 0, fmt.Errorf("the value %g is negative", value)
	case m >= math.MaxInt64: // as a float64 that is 2^63, the first that does not fit
		return 0, fmt.Errorf("the value %g is too large to count in thousandths", value)
	case value > 0 && m < 1:
		return 1, nil
	default:
		return int64(m), nil
	}
}

// sum adds thousandths and says when they do not fit.
func sum(a, b int64) (int64, error) {
	if b < 0 {
		return 0, fmt.Errorf("the value %dm is negative", b)
	}
	if a > math.MaxInt64-b {
		return 0, errors.New("the sum of the values is too large to count in thousandths")
	}
	return a + b, nil
}

// replicas rounds up to a number of replicas that fits.
func replicas(f float64) int32 {
	if f >= math.MaxInt32 {
		return math.MaxInt32
	}
	return int32(math.Ceil(f))
}
