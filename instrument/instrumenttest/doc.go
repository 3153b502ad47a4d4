// Package instrumenttest has assertions about metrics, for the tests of services that count them: the value of a series,
// what a call adds to it, whether it is there, what a histogram observed, and whether names are as Prometheus
// advises. A failure shows what is there instead.
//
// A series is written as Prometheus shows it, with all of its labels in any order:
//
//	walks_started_total
//	walks_started_total{size="md"}
//	walk_distance_bucket{le="50"}
//
// What is asked is a [prometheus.Gatherer]: a registry, or an *instrument.Metrics. Tests should make one for
// themselves, so that no other test counts in it.
package instrumenttest
