package promapi

// uncached is what VictoriaMetrics is asked for so that it evaluates a range at the times of the question. Otherwise it moves both
// ends of a range of 50 points or more to multiples of the step, as its cache of results wants it
// (https://docs.victoriametrics.com/#prometheus-querying-api-enhancements).
const uncached = "nocache"

// onGrid says whether the points lie at start or whole steps after it; all in milliseconds.
func onGrid(points []Point, start, step int64) bool {
	before := start
	for _, p := range points {
		if d := p.Time - before; d != step && d%step != 0 {
			return false
		}
		before = p.Time
	}
	return true
}

func moved() *fault {
	return faultf(NotUnderstood, "answered a range query for other times than it was asked about").
		with("a cache before it does that: Mimir and Cortex have -query-frontend.align-queries-with-step, which must be off")
}
