package application

import (
	"time"

	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/truecount/truecount/internal/strictyaml"
)

// Duration is a length of time, written as in Prometheus: 250ms, 15s, 1h30m, 15d.
type Duration time.Duration

// Std returns d in Go's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String returns d as it is written in the file.
func (d Duration) String() string { return model.Duration(d).String() }

// SetScalar reads d as it is written in the file.
func (d *Duration) SetScalar(text string) bool {
	parsed, err := model.ParseDuration(text)
	*d = Duration(parsed)
	return err == nil
}

// Wanted says what a duration is.
func (*Duration) Wanted() (kind, advice string) {
	return "a duration", "write a number and a unit: 250ms, 15s, 2m, 1h30m, 15d"
}

// MarshalYAML writes d as it is written in the file.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }

// Quantity is a number as Kubernetes writes it: 10m is 0.01, 2k is 2000.
type Quantity struct{ resource.Quantity }

// SetScalar reads q as Kubernetes writes it.
func (q *Quantity) SetScalar(text string) bool {
	if !strictyaml.Bounded(text) {
		return false
	}
	parsed, err := resource.ParseQuantity(text)
	q.Quantity = parsed
	return err == nil
}

// Wanted says what a quantity is.
func (*Quantity) Wanted() (kind, advice string) {
	return "a quantity", "write a number, with a suffix if you like: 10m is 0.01, 2k is 2000"
}

// MarshalYAML writes q in Kubernetes' canonical form.
func (q Quantity) MarshalYAML() (any, error) { return q.String(), nil }
