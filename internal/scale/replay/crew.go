package replay

import (
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// crew are the simulated pods, oldest first.
type crew struct {
	startup time.Duration
	pods    []hpa.Pod
	readyAt []time.Time
	named   int
}

// scale starts or ends pods. The youngest end first, as a ReplicaSet ends them, and at once.
func (c *crew) scale(to int32, at time.Time) {
	for len(c.pods) < int(to) {
		c.pods = append(c.pods, hpa.Pod{
			Name: "simulated-" + strconv.Itoa(c.named), Phase: corev1.PodPending, Ready: corev1.ConditionFalse, Started: at, ReadyChanged: at,
		})
		c.readyAt = append(c.readyAt, at.Add(c.startup))
		c.named++
	}
	c.pods, c.readyAt = c.pods[:max(0, to)], c.readyAt[:max(0, to)]
}

// tick lets pods become ready whose time has come.
func (c *crew) tick(at time.Time) []hpa.Pod {
	for i := range c.pods {
		p := &c.pods[i]
		if p.Phase == corev1.PodPending && !at.Before(c.readyAt[i]) {
			p.Phase, p.Ready, p.ReadyChanged = corev1.PodRunning, corev1.ConditionTrue, c.readyAt[i]
		}
	}
	return c.pods
}

// begin has so many pods that have been ready for long.
func (c *crew) begin(n int32, at time.Time) {
	c.scale(n, at.Add(-24*time.Hour))
	c.tick(at)
}
