package latency

import (
	"fmt"
	"math"
	"time"
)

// A Shape is how response times are distributed: log-normally, as those of real services roughly are, with most answers
// near the median and a long tail of slow ones. Zero fields are given their defaults by New.
type Shape struct {
	// Median is what half of the answers stay below. Default 60 ms.
	Median time.Duration
	// P99 is what 99 of 100 answers stay below. Default 400 ms. As large as Median, all answers take the same time.
	P99 time.Duration
	// Longest is what no answer exceeds, broken or not. Default 10 s.
	Longest time.Duration
}

var defaultShape = Shape{Median: 60 * time.Millisecond, P99: 400 * time.Millisecond, Longest: 10 * time.Second}

// z99 is the 99 % quantile of the standard normal distribution.
const z99 = 2.3263478740408408

// at returns the response time for a value of the standard normal distribution, made slower by a factor.
func (s Shape) at(z, slowdown float64) time.Duration {
	sigma := math.Log(float64(s.P99)/float64(s.Median)) / z99
	nanoseconds := float64(s.Median) * math.Exp(sigma*z) * slowdown
	return time.Duration(min(nanoseconds, float64(s.Longest)))
}

func (s Shape) check() error {
	if s.Median > s.P99 || s.P99 > s.Longest {
		return fmt.Errorf("RESPONSE_TIME_MEDIAN, RESPONSE_TIME_P99 and RESPONSE_TIME_MAX are %s, %s and %s: none may be smaller than the one before it",
			s.Median, s.P99, s.Longest)
	}
	return nil
}
