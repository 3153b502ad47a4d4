// Package cli has the flags that the commands of a merge have in common: where the workers are, and what their gauges mean.
package cli
