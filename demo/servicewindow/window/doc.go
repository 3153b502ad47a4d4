// Package window computes recurring service windows: on some days of the week, from a time of day, for so long, in a time
// zone. It is pure: the same window and the same moment always give the same answer.
package window
