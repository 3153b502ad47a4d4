package hpadiff

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// view is a decision as both tell it.
type view struct {
	Desired     int32
	Recommended int32  // before stabilisation and limits; 0 if the metrics were not followed
	Metric      string // that asked for most
	Reason      string // of a change
	Conditions  []string
	Values      []string // of the metrics
}

// Where words differ on purpose.
var (
	// Kubernetes names the container, and one of several pods at random.
	lackingRequest = regexp.MustCompile(`missing request for (\w+) in .*`)
	// Kubernetes mixes up the parts of this one.
	objectError = regexp.MustCompile(`unable to get metric (\S+): (\w+) on (\S+) ([^/]+)/(.*)`)
)

func conditions(all []autoscalingv2.HorizontalPodAutoscalerCondition) (list []string) {
	for _, c := range all {
		message := lackingRequest.ReplaceAllString(c.Message, "missing request for $1")
		message = objectError.ReplaceAllString(message, "unable to get metric $1: $5 on $2 $3/$4")
		list = append(list, fmt.Sprintf("%s=%s since %s: %s: %s", c.Type, c.Status, c.LastTransitionTime.Format(time.TimeOnly), c.Reason, message))
	}
	return list
}

// theirView is what the controller left in the autoscaler's status and in its log.
func theirView(status *autoscalingv2.HorizontalPodAutoscalerStatus, replicas int32, s said) view {
	v := view{Desired: replicas, Recommended: s.recommended, Metric: s.metric, Reason: s.reason, Conditions: conditions(status.Conditions)}
	for i := range status.CurrentMetrics {
		m := &status.CurrentMetrics[i]
		var current autoscalingv2.MetricValueStatus
		switch {
		case m.Pods != nil:
			current = m.Pods.Current
		case m.Object != nil:
			current = m.Object.Current
		case m.External != nil:
			current = m.External.Current
		case m.Resource != nil:
			current = m.Resource.Current
		case m.ContainerResource != nil:
			current = m.ContainerResource.Current
		default:
			v.Values = append(v.Values, "unknown")
			continue
		}
		var parts []string
		if u := current.AverageUtilization; u != nil {
			parts = append(parts, fmt.Sprintf("%d%%", *u))
		}
		if q := current.AverageValue; q != nil {
			parts = append(parts, average(q.MilliValue()))
		}
		if q := current.Value; q != nil {
			parts = append(parts, fmt.Sprintf("%dm", q.MilliValue()))
		}
		v.Values = append(v.Values, strings.Join(parts, ", "))
	}
	return v
}

// average says the average of a metric that is not the pods'. Per replica where there is none, Kubernetes shows the edge of an
// int64, which edge depends on the processor; we show the sum.
func average(milli int64) string {
	if milli == math.MinInt64 || milli == math.MaxInt64 {
		return "shared by none"
	}
	return fmt.Sprintf("%dm on average", milli)
}

func ourView(d hpa.Decision, observed int32) view {
	v := view{Desired: d.Desired, Reason: d.RescaleReason, Conditions: conditions(d.Conditions)}
	if d.Outcome == hpa.Computed {
		v.Recommended, v.Metric = d.Steps.Recommended, d.Metrics[d.Chosen].Description
	}
	for i := range d.Metrics {
		m := &d.Metrics[i]
		switch {
		case m.Err != nil:
			v.Values = append(v.Values, "unknown")
		case m.Current.Kind == autoscalingv2.UtilizationMetricType:
			v.Values = append(v.Values, fmt.Sprintf("%d%%, %dm on average", m.Current.Percent, m.Usage.Milli))
		case m.Current.Kind == autoscalingv2.AverageValueMetricType && observed == 0 &&
			(m.Source == autoscalingv2.ObjectMetricSourceType || m.Source == autoscalingv2.ExternalMetricSourceType):
			v.Values = append(v.Values, "shared by none")
		case m.Current.Kind == autoscalingv2.AverageValueMetricType:
			v.Values = append(v.Values, average(m.Current.Milli))
		default:
			v.Values = append(v.Values, fmt.Sprintf("%dm", m.Current.Milli))
		}
	}
	return v
}
