package instrument

import (
	"github.com/prometheus/client_golang/prometheus"
)

// httpDeclaration collects the metrics of one scheme until they are registered.
type httpDeclaration struct {
	opts      Options
	overflows *overflows
	made      []declared
	err       error
}

type declared struct {
	name string
	prometheus.Collector
}

func (d *httpDeclaration) full(name string) string {
	return prometheus.BuildFQName(d.opts.Namespace, "", name)
}

func (d *httpDeclaration) add(name string, c prometheus.Collector) {
	d.made = append(d.made, declared{name, c})
}

func (d *httpDeclaration) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: d.full(name), Help: help})
	d.add(d.full(name), c)
	return c
}

func (d *httpDeclaration) counterVec(name, help string, labels ...string) *prometheus.CounterVec {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: d.full(name), Help: help}, labels)
	d.add(d.full(name), vec)
	return vec
}

func (d *httpDeclaration) histogramVec(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	vec := prometheus.NewHistogramVec(d.opts.Histograms.histogram(d.full(name), help, buckets), labels)
	// Buckets that are out of order are refused by a panic, and only when the first series is made.
	if err := recovered(func() { vec.WithLabelValues(make([]string, len(labels))...) }); err != nil && d.err == nil {
		d.err = registrationError(d.full(name), err)
	}
	if len(labels) > 0 {
		vec.Reset()
	}
	d.add(d.full(name), vec)
	return vec
}

// histogram has no labels, and is exposed from the start. It is nil if the buckets are wrong, which register reports.
func (d *httpDeclaration) histogram(name, help string, buckets []float64) (observer prometheus.Observer) {
	vec := d.histogramVec(name, help, buckets)
	if d.err == nil {
		observer = vec.WithLabelValues()
	}
	return observer
}

func (d *httpDeclaration) gaugeFunc(name, help string, value func() float64) {
	d.add(d.full(name), prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: d.full(name), Help: help}, value))
}

func (d *httpDeclaration) register(reg prometheus.Registerer) error {
	if d.err != nil {
		return d.err
	}
	for _, metric := range d.made {
		if err := reg.Register(metric.Collector); err != nil {
			return registrationError(metric.name, err)
		}
	}
	return nil
}
