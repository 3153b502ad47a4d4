package controller_test

import (
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/controller"
)

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	for want, change := range map[string]func(*controller.Options){
		"clicks: the metric " + clicksPerSecond + " of spec.metrics[0] has no query": func(o *controller.Options) { o.Queries = nil },
		"spec.maxReplicas: 0 is less than 1":                                         func(o *controller.Options) { o.Spec.MaxReplicas = 0 },
		"metrics of type Resource come from a cluster's metrics API, which this machine does not have": func(o *controller.Options) {
			percent := int32(50)
			o.Spec.Metrics[0] = autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
				Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent},
			}}
		},
	} {
		t.Run(want, func(t *testing.T) {
			o := options(serviceOf(1), answers(0))
			change(&o)
			_, err := controller.New(o)
			if err == nil || err.Error() != want || hint.Of(err) == "" {
				t.Errorf("got %v, hint %q", err, hint.Of(err))
			}
		})
	}
}
