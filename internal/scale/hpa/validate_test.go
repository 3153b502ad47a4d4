package hpa_test

import (
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/hpa"
)

func TestValidate(t *testing.T) {
	qps := podsMetric("qps", "10m")
	both := object(target("1", ""))
	both.Object.Target.AverageValue = quantity("1")
	wrongKind := podsMetric("qps", "1")
	wrongKind.Pods.Target = target("1", "")
	with := func(b *autoscalingv2.HorizontalPodAutoscalerBehavior) *autoscalingv2.HorizontalPodAutoscalerSpec {
		s := spec(1, 10, qps)
		s.Behavior = b
		return s
	}
	policy := func(kind autoscalingv2.HPAScalingPolicyType, value, period int32) *autoscalingv2.HPAScalingRules {
		return &autoscalingv2.HPAScalingRules{Policies: []autoscalingv2.HPAScalingPolicy{{Type: kind, Value: value, PeriodSeconds: period}}}
	}
	noMinimum := spec(1, 1, qps)
	noMinimum.MinReplicas = nil
	for name, c := range map[string]struct {
		spec *autoscalingv2.HorizontalPodAutoscalerSpec
		want string // "" is valid
	}{
		"the tutorial's":             {spec(1, 10, qps), ""},
		"the minimum is optional":    {noMinimum, ""},
		"several metrics":            {spec(0, 10, qps, cpu(80), cpuAverage("1"), containerCPU("web", 80), external(target("", "1")), object(target("1", ""))), ""},
		"behavior in full":           {with(behavior(policies(4, 15, 100, 1800, 0), policies(1, 60, 0, 0, 3600))), ""},
		"half a behavior":            {with(behavior(nil, policies(1, 60, 0, 0, 3600))), ""},
		"no metric":                  {spec(1, 10), "spec.metrics: there is no metric to scale on"},
		"minimum above maximum":      {spec(5, 3, qps), "spec.maxReplicas: 3 is less than spec.minReplicas, 5"},
		"a negative minimum":         {spec(-1, 3, qps), "spec.minReplicas: -1 is negative"},
		"zero with pods alone":       {spec(0, 3, qps), "spec.minReplicas: 0 needs a metric that does not come from the pods"},
		"no maximum":                 {spec(1, 0, qps), "spec.maxReplicas: 0 is less than 1"},
		"a metric without name":      {spec(1, 3, qps, podsMetric("", "1")), "spec.metrics[1].pods: the metric has no name"},
		"a target of zero":           {spec(1, 3, podsMetric("x", "0")), "spec.metrics[0].pods.target: the AverageValue is not above zero"},
		"a utilization of zero":      {spec(1, 3, cpu(0)), "spec.metrics[0].resource.target: the Utilization is not above zero"},
		"a target of the wrong kind": {spec(1, 3, wrongKind), "spec.metrics[0].pods.target: it cannot be a Value"},
		"two targets":                {spec(1, 3, both), "spec.metrics[0].object.target: 2 amounts are given"},
		"no target":                  {spec(1, 3, external(autoscalingv2.MetricTarget{})), "spec.metrics[0].external.target: 0 amounts are given"},
		"an unknown type":            {spec(1, 3, autoscalingv2.MetricSpec{Type: "Moon"}), `spec.metrics[0].type: "Moon" has no source beside it`},
		"no container":               {spec(1, 3, containerCPU("", 50)), "spec.metrics[0].containerResource.container: it is empty"},
		"a window beyond an hour":    {with(behavior(policies(1, 1, 0, 0, 3601), nil)), "spec.behavior.scaleUp.stabilizationWindowSeconds: 3601 is out of range"},
		"an unknown selection":       {with(behavior(nil, selecting(policies(1, 1, 0, 0, 0), "Best"))), `spec.behavior.scaleDown.selectPolicy: "Best" is unknown`},
		"an unknown policy":          {with(behavior(policy("Nodes", 1, 1), nil)), `spec.behavior.scaleUp.policies[0].type: "Nodes" is unknown`},
		"a policy of nothing":        {with(behavior(policy("Pods", 0, 1), nil)), "spec.behavior.scaleUp.policies[0].value: 0 is not above zero"},
		"a period beyond 30 minutes": {with(behavior(policy("Pods", 1, 1801), nil)), "spec.behavior.scaleUp.policies[0].periodSeconds: 1801 is out of range"},
		"no policies":                {with(behavior(&autoscalingv2.HPAScalingRules{Policies: []autoscalingv2.HPAScalingPolicy{}}, nil)), "spec.behavior.scaleUp.policies: the list is empty"},
		"a negative tolerance":       {with(tolerances("-0.1", "0")), "spec.behavior.scaleDown.tolerance: -100m is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			err := hpa.Validate(c.spec)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || err.Error() != c.want):
				t.Errorf("got %v", err)
			case c.want != "" && hint.Of(err) == "":
				t.Error("there is no hint")
			}
		})
	}
}

func TestValidateNamesEveryMistake(t *testing.T) {
	err := hpa.Validate(spec(5, 3, podsMetric("x", "0"), cpu(0)))
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v", err)
	}
}
