package app

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// lintClean leaves out of /metrics what `promtool check metrics` objects to: families of the embedded Prometheus that
// carry "histogram" in their name. Most are the same durations that prometheus_*_duration_seconds has as well. A person
// who runs `up` checks /metrics with promtool; `serve` shows all that Prometheus shows, because dashboards expect it.
type lintClean struct{ prometheus.Gatherer }

// Gather implements [prometheus.Gatherer].
func (g lintClean) Gather() ([]*dto.MetricFamily, error) {
	families, err := g.Gatherer.Gather()
	return slices.DeleteFunc(families, func(family *dto.MetricFamily) bool {
		return strings.HasPrefix(family.GetName(), "prometheus_") && strings.Contains(family.GetName(), "_histogram_")
	}), err
}
