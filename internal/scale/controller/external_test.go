package controller_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/truecount/truecount/internal/scale/controller"
	"github.com/truecount/truecount/internal/scale/hpa"
)

// draining is a service whose last replica is on its way out.
type draining struct{ *service }

func (d draining) Pods() []hpa.Pod {
	pods := d.service.Pods()
	pods[len(pods)-1].Deleting = true
	return pods
}

func twoQueues(_ context.Context, _ string, at time.Time) ([]controller.Sample, error) {
	return []controller.Sample{
		{Labels: map[string]string{"queue": "walks"}, Value: 30, Time: at.Add(-time.Second)},
		{Labels: map[string]string{"queue": "mail"}, Value: 15, Time: at.Add(-3 * time.Second)},
	}, nil
}

func TestAnExternalMetricAddsUpItsSeriesForTheReplicasThatStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := draining{serviceOf(4)}
		o := options(s, twoQueues)
		average := resource.MustParse("10")
		o.Spec.Metrics = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: "queue_length"},
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &average},
		}}}
		o.Queries = map[string]string{"queue_length": "queue_length"}
		d := last(t, running(t, o))
		m := d.Metrics[0]
		if d.Desired != 5 || d.Running != 3 || m.Current.String() != "15" {
			t.Errorf("%d, running %d, %s each: %s", d.Desired, d.Running, m.Current, d.Reason())
		}
		if !m.Time.Equal(d.At.Add(-3 * time.Second)) {
			t.Errorf("as of %s, the older series is of %s", m.Time, d.At.Add(-3*time.Second))
		}
	})
}

func TestAnObjectMetricIsOneSeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(serviceOf(2), twoQueues)
		value := resource.MustParse("10")
		o.Spec.Metrics = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ObjectMetricSourceType, Object: &autoscalingv2.ObjectMetricSource{
			DescribedObject: autoscalingv2.CrossVersionObjectReference{Kind: "Service", Name: "clicks"},
			Metric:          autoscalingv2.MetricIdentifier{Name: "queue_length"},
			Target:          autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: &value},
		}}}
		o.Queries = map[string]string{"queue_length": "queue_length"}
		d := last(t, running(t, o))
		if d.Outcome != hpa.Held || !strings.Contains(d.Reason(), "2 values instead of one") {
			t.Errorf("%s: %s", d.Outcome, d.Reason())
		}
	})
}

func TestK3AStaleSeriesMakesAnExternalMetricInvalid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(serviceOf(2), func(_ context.Context, _ string, at time.Time) ([]controller.Sample, error) {
			return []controller.Sample{{Value: 1, Time: at}, {Value: 1, Time: at.Add(-time.Hour)}}, nil
		})
		value := resource.MustParse("10")
		o.Spec.Metrics = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: "queue_length"},
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: &value},
		}}}
		o.Queries = map[string]string{"queue_length": "queue_length"}
		if d := last(t, running(t, o)); d.Outcome != hpa.Held || !strings.Contains(d.Reason(), "the value is 1h0m0s old") {
			t.Errorf("%s: %s", d.Outcome, d.Reason())
		}
	})
}
