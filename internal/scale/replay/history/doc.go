// Package history answers PromQL from files: what was exported of a database that is not reachable, or no longer there.
//
// It reads OpenMetrics text with timestamps, as `promtool tsdb dump-openmetrics` writes it, and saved answers of
// /api/v1/query_range. The samples are kept in memory, 16 bytes each, and asked by Prometheus' own engine.
//
// Where a series ends, so does its value: Prometheus looks back five minutes for a sample unless a marker says that the series
// is gone, and files do not keep that marker. In the text it has become a NaN, and is taken for the marker again where numbers came
// before it and nothing, or a gap, comes after it. In an answer a step without a point is one.
package history
