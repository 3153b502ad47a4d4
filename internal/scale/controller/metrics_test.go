package controller_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/truecount/truecount/internal/scale/controller"
)

func TestMetricsTellEveryDecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var syncs atomic.Int64
		reg := prometheus.NewPedanticRegistry()
		s := serviceOf(1)
		o := options(s, func(_ context.Context, _ string, at time.Time) ([]controller.Sample, error) {
			switch syncs.Add(1) {
			case 1:
				return perPod(at, 0.016), nil // up to 2
			case 2:
				return perPod(at, 0.01, 0.01), nil // none
			}
			return nil, nil // hold
		})
		o.Registerer = reg
		running(t, o)
		expect := func(what string) {
			t.Helper()
			want := strings.ReplaceAll(strings.TrimSpace(what), "{", `{application="clicks",application_namespace="default",`) + "\n"
			want = strings.ReplaceAll(want, ",}", "}")
			if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "truecount_scale_desired_replicas", "truecount_scale_current_replicas",
				"truecount_scale_metric_value", "truecount_scale_decisions_total", "truecount_scale_sync_errors_total"); err != nil {
				t.Error(err)
			}
		}
		const help = `
# HELP truecount_scale_current_replicas Replicas that existed when the autoscaler last decided.
# TYPE truecount_scale_current_replicas gauge
# HELP truecount_scale_decisions_total Decisions of the autoscaler by direction: up, down, none, or hold while a metric is not known.
# TYPE truecount_scale_decisions_total counter
# HELP truecount_scale_desired_replicas Replicas that the autoscaler wants; absent before its first decision.
# TYPE truecount_scale_desired_replicas gauge
# HELP truecount_scale_sync_errors_total Decisions for which at least one metric was not known.
# TYPE truecount_scale_sync_errors_total counter
`
		const value = `# HELP truecount_scale_metric_value Value that the autoscaler compares with the target; absent while it is not known.
# TYPE truecount_scale_metric_value gauge
`
		expect(help + value + `truecount_scale_current_replicas{} 1
truecount_scale_desired_replicas{} 2
truecount_scale_metric_value{metric="demo_app_button_clicks_per_second"} 0.016
truecount_scale_decisions_total{direction="down"} 0
truecount_scale_decisions_total{direction="hold"} 0
truecount_scale_decisions_total{direction="none"} 0
truecount_scale_decisions_total{direction="up"} 1
truecount_scale_sync_errors_total{} 0`)
		pass(2 * time.Second)
		expect(help + `truecount_scale_current_replicas{} 2
truecount_scale_desired_replicas{} 2
truecount_scale_decisions_total{direction="down"} 0
truecount_scale_decisions_total{direction="hold"} 1
truecount_scale_decisions_total{direction="none"} 1
truecount_scale_decisions_total{direction="up"} 1
truecount_scale_sync_errors_total{} 1`)
		if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) != 0 {
			t.Errorf("%v %v", problems, err)
		}
	})
}

func TestSeveralControllersShareARegisterer(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	first := options(serviceOf(1), answers(0))
	first.Registerer = reg
	c, err := controller.New(first)
	if err != nil {
		t.Fatal(err)
	}
	second := first
	second.Name = "dogwalk"
	if _, err := controller.New(second); err != nil {
		t.Errorf("another application's was refused: %v", err)
	}
	if _, err := controller.New(first); err == nil || err.Error() != "an autoscaler for clicks in namespace default exists already" {
		t.Errorf("the same application's again: %v", err)
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	if err := c.Run(ended); err != nil {
		t.Error(err)
	}
	if _, err := controller.New(first); err != nil {
		t.Errorf("the same application's after the first has ended: %v", err)
	}
}

// What is not known is absent: a 0 would be taken for an autoscaler that was turned off.
func TestBeforeTheFirstDecisionNoReplicasAreTold(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	o := options(serviceOf(1), answers(0))
	o.Registerer = reg
	if _, err := controller.New(o); err != nil {
		t.Fatal(err)
	}
	if n, err := testutil.GatherAndCount(reg, "truecount_scale_desired_replicas", "truecount_scale_current_replicas"); n != 0 || err != nil {
		t.Errorf("%d series, %v", n, err)
	}
}
