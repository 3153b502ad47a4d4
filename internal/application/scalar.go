package application

import (
	"time"

	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Duration is a length of time, written as in Prometheus: 250ms, 15s, 1h30m, 15d.
type Duration time.Duration

// Std returns d in Go's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String returns d as it is written in the file.
func (d Duration) String() string { return model.Duration(d).String() }

// MarshalYAML writes d as it is written in the file.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }

// Quantity is a number as Kubernetes writes it: 10m is 0.01, 2k is 2000.
type Quantity struct{ resource.Quantity }

// MarshalYAML writes q in Kubernetes' canonical form.
func (q Quantity) MarshalYAML() (any, error) { return q.String(), nil }
