package hpa

import (
	"slices"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// conditions are the status conditions while a decision is made; what it does not touch stays as it was.
type conditions struct {
	list []autoscalingv2.HorizontalPodAutoscalerCondition
	now  time.Time
}

func carriedOver(before []autoscalingv2.HorizontalPodAutoscalerCondition, now time.Time) conditions {
	const all = 4 // AbleToScale, ScalingActive, ScalingLimited, ScaledToZero
	return conditions{append(make([]autoscalingv2.HorizontalPodAutoscalerCondition, 0, all), before...), now}
}

func (c *conditions) set(t autoscalingv2.HorizontalPodAutoscalerConditionType, status bool, reason, message string) {
	i := slices.IndexFunc(c.list, func(have autoscalingv2.HorizontalPodAutoscalerCondition) bool { return have.Type == t })
	if i < 0 {
		c.list = append(c.list, autoscalingv2.HorizontalPodAutoscalerCondition{Type: t})
		i = len(c.list) - 1
	}
	want := corev1.ConditionFalse
	if status {
		want = corev1.ConditionTrue
	}
	have := &c.list[i]
	if have.Status != want {
		have.LastTransitionTime = metav1.NewTime(c.now)
	}
	have.Status, have.Reason, have.Message = want, reason, message
}

func (c *conditions) able(reason, message string) {
	c.set(autoscalingv2.AbleToScale, true, reason, message)
}

func (c *conditions) active(status bool, reason, message string) {
	c.set(autoscalingv2.ScalingActive, status, reason, message)
}

func (c *conditions) limited(status bool, l limit) {
	c.set(autoscalingv2.ScalingLimited, status, l.reason, l.message)
}

// limit is what kept a recommendation from being followed to the letter.
type limit struct{ reason, message string }

var (
	withinRange   = limit{"DesiredWithinRange", "the desired count is within the acceptable range"}
	scaleUpLimit  = limit{"ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate"}
	scaleDownRate = limit{"ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate"}
	tooMany       = limit{"TooManyReplicas", "the desired replica count is more than the maximum replica count"}
	tooFew        = limit{"TooFewReplicas", "the desired replica count is less than the minimum replica count"}
	steady        = limit{"ReadyForNewScale", "recommended size matches current size"}
	heldUp        = limit{"ScaleUpStabilized", "recent recommendations were lower than current one, applying the lowest recent recommendation"}
	heldDown      = limit{"ScaleDownStabilized", "recent recommendations were higher than current one, applying the highest recent recommendation"}
)
