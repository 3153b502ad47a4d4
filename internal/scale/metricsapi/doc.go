// Package metricsapi answers what Kubernetes asks about metrics: custom.metrics.k8s.io and, where it is wanted,
// external.metrics.k8s.io.
//
// An answer is the truth or an error. A value that is no number, infinite, too old, or beyond what a quantity holds is an
// error with the reason, never 0; a true 0 is 0. Discovery, which namespaces wait for when they are deleted, is answered
// from memory and needs no Prometheus.
//
// Objects are known from a watch of their names and labels, so that no request lists them. A list of values is one query for
// the metric in the namespace, whatever the number of pods, and requests that ask the same at the same moment share it.
package metricsapi
