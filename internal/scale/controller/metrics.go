package controller

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// metrics are the instruments of one controller.
type metrics struct {
	desired, current *prometheus.GaugeVec // one series, from the first decision on: before it nothing is known
	value, target    *prometheus.GaugeVec
	decisions        *prometheus.CounterVec
	errors           prometheus.Counter

	registerer prometheus.Registerer
}

func newMetrics(reg prometheus.Registerer, application, namespace string) (*metrics, error) {
	// Several applications share the registerer; constant labels tell their controllers apart.
	labels := prometheus.Labels{"application": application, "application_namespace": namespace}
	m := &metrics{
		registerer: reg,
		desired: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "truecount_scale_desired_replicas", ConstLabels: labels,
			Help: "Replicas that the autoscaler wants; absent before its first decision."}, nil),
		current: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "truecount_scale_current_replicas", ConstLabels: labels,
			Help: "Replicas that existed when the autoscaler last decided."}, nil),
		value: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "truecount_scale_metric_value", ConstLabels: labels,
			Help: "Value that the autoscaler compares with the target; absent while it is not known."}, []string{"metric"}),
		target: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "truecount_scale_metric_target", ConstLabels: labels,
			Help: "Target that the autoscaler compares the value with."}, []string{"metric"}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "truecount_scale_decisions_total", ConstLabels: labels,
			Help: "Decisions of the autoscaler by direction: up, down, none, or hold while a metric is not known."}, []string{"direction"}),
		errors: prometheus.NewCounter(prometheus.CounterOpts{Name: "truecount_scale_sync_errors_total", ConstLabels: labels,
			Help: "Decisions for which at least one metric was not known."}),
	}
	for _, direction := range []string{"up", "down", "none", "hold"} {
		m.decisions.WithLabelValues(direction)
	}
	if reg == nil {
		return m, nil
	}
	for i, c := range m.collectors() {
		if err := reg.Register(c); err != nil {
			for _, registered := range m.collectors()[:i] {
				reg.Unregister(registered)
			}
			if errors.As(err, new(prometheus.AlreadyRegisteredError)) {
				return nil, fmt.Errorf("an autoscaler for %s in namespace %s exists already", application, namespace)
			}
			return nil, fmt.Errorf("registering the autoscaler's metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.desired, m.current, m.value, m.target, m.decisions, m.errors}
}

func (m *metrics) unregister() {
	if m.registerer == nil {
		return
	}
	for _, c := range m.collectors() {
		m.registerer.Unregister(c)
	}
}

func (m *metrics) observe(s Status) {
	m.desired.WithLabelValues().Set(float64(s.Desired))
	m.current.WithLabelValues().Set(float64(s.Running))
	for i := range s.Metrics {
		r := &s.Metrics[i]
		m.target.WithLabelValues(r.Name).Set(r.Target.Float())
		if r.Err != nil {
			m.value.DeleteLabelValues(r.Name)
		} else {
			m.value.WithLabelValues(r.Name).Set(r.Current.Float())
		}
	}
	if s.Err != nil {
		m.errors.Inc()
	}
	m.decisions.WithLabelValues(direction(s)).Inc()
}

func direction(s Status) string {
	switch {
	case s.Outcome == hpa.Held:
		return "hold"
	case s.Desired > s.Current:
		return "up"
	case s.Desired < s.Current:
		return "down"
	}
	return "none"
}
