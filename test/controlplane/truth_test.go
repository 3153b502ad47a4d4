package controlplane

import (
	"fmt"
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

func TestK2AValueThatIsNoNumberIsAnErrorAndOthersAreExact(t *testing.T) {
	t.Parallel()
	c := running(t)
	theAdapter(t, c)
	together(t)
	cases := []struct{ metric, exposed, value, problem string }{
		{"k2_zero", "0", "0", ""},
		{"k2_negative", "-5", "-5", ""},
		{"k2_thousandth", "0.001", "1m", ""},
		{"k2_tiny", "0.0000004", "", ""}, // any quantity but 0
		{"k2_large", "9e15", "9P", ""},
		{"k2_too_large", "9.3e15", "", "9.3e+15"},
		{"k2_overflow", "1e300", "", "1e+300"},
		{"k2_nan", "NaN", "", "NaN"},
		{"k2_inf", "+Inf", "", "infinite"},
		{"k2_minus_inf", "-Inf", "", "infinite"},
	}
	var metrics, lines []string
	for _, one := range cases {
		metrics = append(metrics, one.metric)
	}
	tn := newTenant(t, c, "k2", 1, metrics...)
	for _, one := range cases {
		lines = append(lines, tn.series(one.metric, 1, one.exposed)...)
	}
	expose(t, lines...)
	for _, one := range cases {
		if one.problem != "" {
			tn.awaitProblem(t, one.metric, one.problem)
			continue
		}
		switch got := tn.awaitValues(t, one.metric, 1)[0].Value; {
		case one.value == "" && (got == "0" || got == ""):
			t.Errorf("%s is answered as %q", one.exposed, got)
		case one.value != "" && got != one.value:
			t.Errorf("%s is answered as %q, want %q", one.exposed, got, one.value)
		}
	}

	tn.autoscale(t, 1, 5, map[string]string{"k2_nan": "1"})
	await(t, "the autoscaler holds", func() bool {
		status, said := tn.condition(t, autoscalingv2.ScalingActive)
		return status == corev1.ConditionFalse && strings.Contains(said, "NaN")
	})
	if n := tn.wanted(t); n != 1 {
		t.Errorf("%d replicas of a metric that is NaN", n)
	}
}

func TestK3OnlyPodsWithDataAndItsOwnTime(t *testing.T) {
	t.Parallel()
	c := running(t)
	theAdapter(t, c)
	together(t)
	tn := newTenant(t, c, "k3", 10, "k3_some", "k3_none", "k3_stale", "k3_timed", "k3_stranger")
	measured := time.Now().Add(-20 * time.Second).Truncate(time.Millisecond)
	old := time.Now().Add(-150 * time.Second) // of 2 minutes
	lines := tn.series("k3_some", 3, "7")
	lines = append(lines, fmt.Sprintf("k3_timed{namespace=%q,pod=\"web-0\"} 1 %d", tn.namespace, measured.UnixMilli()))
	lines = append(lines, fmt.Sprintf("k3_stale{namespace=%q,pod=\"web-0\"} 1 %d", tn.namespace, old.UnixMilli()))
	lines = append(lines, fmt.Sprintf("k3_stranger{namespace=%q,pod=\"gone-0\"} 1", tn.namespace))
	expose(t, lines...)

	t.Run("three of ten pods", func(t *testing.T) {
		var names []string
		for _, item := range tn.awaitValues(t, "k3_some", 3) {
			names = append(names, item.DescribedObject.Name)
		}
		if got := strings.Join(names, " "); got != "web-0 web-1 web-2" {
			t.Errorf("values of %s", got)
		}
	})
	t.Run("the sample's own time", func(t *testing.T) {
		// The API gives seconds.
		if got := tn.awaitValues(t, "k3_timed", 1)[0].Timestamp; !got.Time.Equal(measured.Truncate(time.Second)) {
			t.Errorf("measured at %v, answered with %v", measured, got)
		}
	})
	t.Run("too old", func(t *testing.T) { tn.awaitProblem(t, "k3_stale", "older than 2m0s is not taken") })
	for _, metric := range []string{"k3_none", "k3_stranger"} {
		t.Run(metric, func(t *testing.T) {
			items, problem := tn.values(t, metric)
			if problem == "" || !strings.Contains(problem, "NotFound") {
				t.Errorf("answered with %v and %q, want not found", items, problem)
			}
		})
	}
}

func TestK10AMetricThatFailsForbidsLessAndAllowsMore(t *testing.T) {
	t.Parallel()
	c := running(t)
	theAdapter(t, c)
	together(t)
	tn := newTenant(t, c, "k10", 4, "k10_load", "k10_broken")
	exposed := func(load string) {
		expose(t, append(tn.series("k10_load", 8, load), tn.series("k10_broken", 8, "NaN")...)...)
	}
	exposed("0.1") // of 1: one replica would do
	tn.awaitValues(t, "k10_load", 4)
	tn.awaitProblem(t, "k10_broken", "NaN")
	tn.autoscale(t, 1, 8, map[string]string{"k10_load": "1", "k10_broken": "1"})
	await(t, "the autoscaler says that it does not act, and why", func() bool {
		status, said := tn.condition(t, autoscalingv2.ScalingActive)
		return status == corev1.ConditionFalse && strings.Contains(said, "k10_broken") && strings.Contains(said, "NaN")
	})
	if n := tn.wanted(t); n != 4 {
		t.Errorf("%d replicas, want the 4 that there were", n)
	}
	exposed("2") // twice too much
	await(t, "eight replicas", func() bool { return tn.wanted(t) == 8 })
}
