package instrument_test

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// These are metrics as a broken collector may send them, which client_golang's own constructors refuse.
type (
	rawLabel struct {
		prometheus.Metric
		value string
	}
	rawDesc struct {
		prometheus.Metric
		desc *prometheus.Desc
	}
	doubleLabel struct{ prometheus.Metric }
)

func (r rawLabel) Write(out *dto.Metric) error {
	err := r.Metric.Write(out)
	out.Label = []*dto.LabelPair{{Name: out.Label[0].Name, Value: &r.value}}
	return err
}

func (r rawDesc) Desc() *prometheus.Desc { return r.desc }

func (d doubleLabel) Write(out *dto.Metric) error {
	err := d.Metric.Write(out)
	out.Label = append(out.Label, out.Label...)
	return err
}
