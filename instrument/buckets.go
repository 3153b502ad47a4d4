package instrument

// DefaultLatencyBuckets returns the upper bounds, in seconds, of request durations: those of django-prometheus
// (PROMETHEUS_LATENCY_BUCKETS), so that its dashboards and objectives keep their thresholds.
func DefaultLatencyBuckets() []float64 {
	return []float64{.01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 25, 50, 75}
}

// DefaultSizeBuckets returns the upper bounds, in bytes, of body sizes: 100 B to 100 MB by tens,
// a choice that many Go services share (slok/go-http-metrics has one bound more).
func DefaultSizeBuckets() []float64 {
	return []float64{1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}
}

// DjangoSizeBuckets returns the upper bounds, in bytes, of body sizes in django-prometheus: 0, and the powers of two
// from 1 to 2^29. They are the default with [DjangoNames].
func DjangoSizeBuckets() []float64 {
	bounds := []float64{0}
	for exponent := range 30 {
		bounds = append(bounds, float64(int(1)<<exponent))
	}
	return bounds
}
