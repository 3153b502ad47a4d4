package application

import (
	"fmt"
	"maps"
	"slices"

	"github.com/truecount/truecount/internal/strictyaml"
)

// scale checks what the number of replicas follows.
func (c *checker) scale(s *Spec) {
	if s.Scale == nil {
		return
	}
	const at = "spec.scale"
	if s.Scale.Max > 0 && s.Scale.Min > s.Scale.Max {
		c.fail(at+".min", "swap them, or raise max", "the smallest number of replicas, %d, is above the largest, %d%s", s.Scale.Min, s.Scale.Max, c.place(at+".max"))
	}
	if len(s.Scale.On) == 0 && s.Scale.Min < s.Scale.Max {
		c.fail(at, "add on: [{signal: …, averageValue: …}], or make min and max the same", "nothing says when to scale between %d and %d replicas", s.Scale.Min, s.Scale.Max)
	}
	for i, on := range s.Scale.On {
		c.scaleMetric(fmt.Sprintf("%s.on[%d]", at, i), on, s.Signals)
	}
	if b := s.Scale.Behavior; b != nil {
		c.rules(at+".behavior.scaleUp", b.ScaleUp)
		c.rules(at+".behavior.scaleDown", b.ScaleDown)
	}
}

func (c *checker) scaleMetric(at string, on ScaleMetric, signals map[string]Signal) {
	if _, ok := signals[on.Signal]; !ok && on.Signal != "" {
		names := slices.Sorted(maps.Keys(signals))
		c.fail(at+".signal", strictyaml.Suggest(on.Signal, names, "declare it: signals: {"+strictyaml.Shorten(on.Signal)+": {query: …}}"), "no signal %s is declared under spec.signals", strictyaml.Quote(on.Signal))
	}
	average, value := c.source.Given(at+".averageValue"), c.source.Given(at+".value")
	switch {
	case average && value:
		c.fail(at, "leave one", "want exactly one of averageValue and value, got both")
	case !average && !value && on.AverageValue == nil && on.Value == nil:
		c.fail(at, "add averageValue: the value per replica, as 10m", "want exactly one of averageValue and value, got none")
	}
	for _, q := range []struct {
		name  string
		value *Quantity
	}{{"averageValue", on.AverageValue}, {"value", on.Value}} {
		if q.value != nil && c.source.Given(at+"."+q.name) && q.value.Sign() <= 0 {
			c.fail(at+"."+q.name, "", "want a quantity above 0, got %s", q.value.String())
		}
	}
}

func (c *checker) rules(at string, r *ScalingRules) {
	if r == nil {
		return
	}
	if r.Policies != nil && len(r.Policies) == 0 {
		c.fail(at+".policies", "leave the field out for Kubernetes' own policies, or write selectPolicy: Disabled", "the list is empty")
	}
	if r.Tolerance != nil && r.Tolerance.Sign() < 0 {
		c.fail(at+".tolerance", "", "want a quantity of at least 0, got %s", r.Tolerance.String())
	}
}
