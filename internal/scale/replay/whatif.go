package replay

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/truecount/truecount/internal/hint"
)

const whatIfHint = "target=20m, target.METRIC=20m, min=2, max=20, tolerance=0.2, up=4/15s, up=100%/15s, up=off, up.window=60s, up.select=Min, " +
	"up.tolerance=0.2, the same for down, behavior=FILE, behavior=none, name=TEXT"

// ParseWhatIf reads settings that differ from a spec, as "target=20m,min=2,up=4/15s". File reads the file of behavior=FILE,
// which holds what a manifest has below spec.behavior. Each setting is as of autoscaling/v2; a policy (up=4/15s,
// down=10%/60s) is added to others given for the same direction and replaces those of the spec.
func ParseWhatIf(text string, spec *autoscalingv2.HorizontalPodAutoscalerSpec, file func(path string) ([]byte, error)) (WhatIf, error) {
	w := whatIf{WhatIf: WhatIf{Name: text, Spec: *spec.DeepCopy()}, file: file, replaced: map[string]bool{}}
	for _, setting := range strings.Split(text, ",") {
		key, value, found := strings.Cut(strings.TrimSpace(setting), "=")
		if !found || value == "" {
			return WhatIf{}, hint.Errorf(whatIfHint, "what if %s: %q is no setting", text, setting)
		}
		if err := w.set(key, value); err != nil {
			return WhatIf{}, hint.Errorf(whatIfHint, "what if %s: %s: %w", text, setting, err)
		}
	}
	return w.WhatIf, nil
}

type whatIf struct {
	WhatIf
	file     func(string) ([]byte, error)
	replaced map[string]bool // directions whose policies are no longer those of the spec
}

func (w *whatIf) set(key, value string) error {
	first, rest, _ := strings.Cut(key, ".")
	switch first {
	case "name":
		w.Name = value
		return nil
	case "min":
		n, err := count(value)
		w.Spec.MinReplicas = &n
		return err
	case "max":
		n, err := count(value)
		w.Spec.MaxReplicas = n
		return err
	case "target":
		return w.target(rest, value)
	case "tolerance":
		return errors.Join(w.direction("up", "tolerance", value), w.direction("down", "tolerance", value))
	case "up", "down":
		return w.direction(first, rest, value)
	case "behavior":
		return w.behavior(value)
	}
	return errors.New("there is no such setting")
}

func count(text string) (int32, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is no number of replicas", text)
	}
	return int32(n), nil
}

// target changes the target of the metric, or of the only one.
func (w *whatIf) target(metric, value string) error {
	if metric == "" && len(w.Spec.Metrics) > 1 {
		return errors.New("there are several metrics: write target.METRIC=…")
	}
	for i := range w.Spec.Metrics {
		m := &w.Spec.Metrics[i]
		if name, _ := described(m); metric != "" && name != metric {
			continue
		}
		return retarget(targetOf(m), value)
	}
	return fmt.Errorf("there is no metric %s", metric)
}

func retarget(t *autoscalingv2.MetricTarget, value string) error {
	if t.AverageUtilization != nil {
		n, err := count(strings.TrimSuffix(value, "%"))
		t.AverageUtilization = &n
		return err
	}
	q, err := resource.ParseQuantity(value)
	if err != nil {
		return fmt.Errorf("%q is no quantity, as 10m or 0.5", value)
	}
	if t.AverageValue != nil {
		t.AverageValue = &q
	} else {
		t.Value = &q
	}
	return nil
}

// direction changes the behavior up or down.
func (w *whatIf) direction(direction, what, value string) error {
	rules := w.rules(direction)
	switch what {
	case "":
		return w.policy(direction, rules, value)
	case "window":
		d, err := model.ParseDuration(value)
		if err != nil || time.Duration(d)%time.Second != 0 {
			return fmt.Errorf("%q is no time in seconds, as 60s or 5m", value)
		}
		s := int32(min(time.Duration(d)/time.Second, 1<<30))
		rules.StabilizationWindowSeconds = &s
		return nil
	case "select":
		s := autoscalingv2.ScalingPolicySelect(value)
		rules.SelectPolicy = &s
		return nil
	case "tolerance":
		q, err := resource.ParseQuantity(value)
		if err != nil {
			return fmt.Errorf("%q is no quantity, as 0.1", value)
		}
		rules.Tolerance = &q
		return nil
	}
	return errors.New("there is no such setting")
}

func (w *whatIf) rules(direction string) *autoscalingv2.HPAScalingRules {
	if w.Spec.Behavior == nil {
		w.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{}
	}
	at := &w.Spec.Behavior.ScaleUp
	if direction == "down" {
		at = &w.Spec.Behavior.ScaleDown
	}
	if *at == nil {
		*at = &autoscalingv2.HPAScalingRules{}
	}
	return *at
}

// policy reads 4/15s, 50%/60s or off.
func (w *whatIf) policy(direction string, rules *autoscalingv2.HPAScalingRules, value string) error {
	if value == "off" {
		disabled := autoscalingv2.DisabledPolicySelect
		rules.SelectPolicy = &disabled
		return nil
	}
	amount, period, found := strings.Cut(value, "/")
	p := autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PodsScalingPolicy}
	if percent, is := strings.CutSuffix(amount, "%"); is {
		p.Type, amount = autoscalingv2.PercentScalingPolicy, percent
	}
	d, err := model.ParseDuration(period)
	if !found || err != nil {
		return fmt.Errorf("%q is no policy, as 4/15s or 50%%/60s", value)
	}
	if p.Value, err = count(amount); err != nil {
		return fmt.Errorf("%q is no policy, as 4/15s or 50%%/60s", value)
	}
	p.PeriodSeconds = int32(min(time.Duration(d)/time.Second, 1<<30))
	if !w.replaced[direction] {
		rules.Policies, w.replaced[direction] = nil, true
	}
	rules.Policies = append(rules.Policies, p)
	return nil
}

func (w *whatIf) behavior(value string) error {
	if value == "none" {
		w.Spec.Behavior = nil
		return nil
	}
	content, err := w.file(value)
	if err != nil {
		return err
	}
	var b autoscalingv2.HorizontalPodAutoscalerBehavior
	if err := yaml.UnmarshalStrict(content, &b); err != nil {
		return fmt.Errorf("it is not what a manifest has below spec.behavior (scaleUp, scaleDown): %w", plainYAML(err))
	}
	w.Spec.Behavior = &b
	return nil
}

// plainYAML takes the Go out of what the YAML library says.
func plainYAML(err error) error {
	text := err.Error()
	for _, prefix := range []string{"error unmarshaling JSON: while decoding JSON: ", "error converting YAML to JSON: ", "yaml: ", "json: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	text, _, _ = strings.Cut(text, " into Go ")
	return errors.New(text)
}
