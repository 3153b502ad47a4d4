package hpa_test

import (
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/truecount/truecount/internal/scale/hpa"
)

func tolerances(down, up string) *autoscalingv2.HorizontalPodAutoscalerBehavior {
	return &autoscalingv2.HorizontalPodAutoscalerBehavior{
		ScaleDown: &autoscalingv2.HPAScalingRules{Tolerance: quantity(down)},
		ScaleUp:   &autoscalingv2.HPAScalingRules{Tolerance: quantity(up)},
	}
}

// The expectations are worked out in the comments from the algorithm's description at
// kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale; most of the situations also occur in Kubernetes'
// own replica_calculator_test.go, with the same outcome.
func TestProposalOfAPodsMetric(t *testing.T) {
	ten := podsMetric("clicks_per_second", "10m")
	qps := podsMetric("qps", "15")
	for name, c := range map[string]struct {
		situation
		want    int32
		current string
		verdict hpa.Verdict
	}{
		"above the target":                       {situation{metric: qps, pods: serving(3), reading: samples(20000, 10000, 30000)}, 4, "20", hpa.Follows},                                   // 20/15 × 3
		"below the target":                       {situation{metric: podsMetric("qps", "20"), pods: serving(5), reading: samples(12000, 12000, 12000, 12000, 12000)}, 3, "12", hpa.Follows}, // 0.6 × 5
		"no load at all":                         {situation{metric: ten, pods: serving(5), reading: samples(0, 0, 0, 0, 0)}, 0, "0", hpa.Follows},                                          // the minimum comes later
		"in millis: one click in two minutes":    {situation{metric: ten, pods: serving(1), reading: samples(8)}, 1, "8m", hpa.Follows},                                                     // 0.8 rounds up
		"in millis: two clicks in two minutes":   {situation{metric: ten, pods: serving(1), reading: samples(16)}, 2, "16m", hpa.Follows},                                                   // 1.6
		"exactly the target":                     {situation{metric: qps, pods: serving(3), reading: samples(15000, 15000, 15000)}, 3, "15", hpa.WithinTolerance},
		"the upper edge of the tolerance":        {situation{metric: ten, pods: serving(4), reading: samples(11, 11, 11, 11)}, 4, "11m", hpa.WithinTolerance},                                                          // 1.1
		"just above the tolerance":               {situation{metric: podsMetric("x", "1"), pods: serving(10), reading: samples(1101, 1101, 1101, 1101, 1101, 1101, 1101, 1101, 1101, 1101)}, 12, "1101m", hpa.Follows}, // 11.01
		"the lower edge of the tolerance":        {situation{metric: ten, pods: serving(4), reading: samples(9, 9, 9, 9)}, 4, "9m", hpa.WithinTolerance},                                                               // 0.9
		"just below the tolerance":               {situation{metric: podsMetric("x", "1"), pods: serving(10), reading: samples(899, 899, 899, 899, 899, 899, 899, 899, 899, 899)}, 9, "899m", hpa.Follows},             // 8.99
		"the mean is cut off to whole millis":    {situation{metric: ten, pods: serving(3), reading: samples(11, 11, 12)}, 3, "11m", hpa.WithinTolerance},                                                              // 11.33 → 11 → 1.1
		"a missing pod counts 0 when growing":    {situation{metric: qps, pods: serving(3), reading: samples(45000, 45000, absent)}, 6, "45", hpa.Follows},                                                             // (45+45+0)/3 = 30 → 2 × 3
		"a missing pod turns growth around":      {situation{metric: qps, pods: serving(3), reading: samples(20000, 20000, absent)}, 3, "20", hpa.WouldReverse},                                                        // 13.3/15 = 0.89
		"a missing pod damps into the tolerance": {situation{metric: qps, pods: serving(3), reading: samples(24000, 24000, absent)}, 3, "24", hpa.WithinTolerance},                                                     // 16/15 = 1.07
		"a missing pod is on target when less":   {situation{metric: podsMetric("qps", "10"), pods: serving(4), reading: samples(2000, 2000, 2000, absent)}, 2, "2", hpa.Follows},                                      // (6+10)/4 = 4 → 0.4 × 4
		"missing pods keep almost everything":    {situation{metric: podsMetric("qps", "20"), pods: serving(5), reading: samples(20000, 19000, 21000, absent, absent)}, 5, "20", hpa.WithinTolerance},                  // ratio 1: nothing invented
		"a missing pod stops a shrink":           {situation{metric: podsMetric("qps", "17"), replicas: 2, pods: serving(3), reading: samples(10000, 10000, absent)}, 2, "10", hpa.WouldReverse},                       // 0.725 × 3 = 3 > 2
		"a pending pod counts 0 when growing":    {situation{metric: qps, pods: serving(3, pending(2)), reading: samples(45000, 45000)}, 6, "45", hpa.Follows},
		"a pending pod's sample is not used":     {situation{metric: qps, pods: serving(3, pending(0)), reading: samples(100000, 45000, 45000)}, 6, "45", hpa.Follows},
		"pending pods are left out when less":    {situation{metric: podsMetric("qps", "50"), pods: serving(5, pending(1, 2, 3, 4)), reading: samples(10000)}, 1, "10", hpa.Follows}, // 0.2 × 1
		"pending pods do not make it less":       {situation{metric: qps, pods: serving(3, pending(2)), reading: samples(14500, 14500)}, 3, "14500m", hpa.WithinTolerance},           // 0.97, not 0.64
		"unready does not matter here":           {situation{metric: qps, pods: serving(3, unready(0)), reading: samples(50000, 15000, 30000)}, 7, "31666m", hpa.Follows},            // 2.11 × 3 = 6.3
		"young does not matter here":             {situation{metric: qps, pods: serving(3, young(0, 1, 2)), reading: samples(30000, 30000, 30000)}, 6, "30", hpa.Follows},
		"a failed pod is as if not there":        {situation{metric: qps, replicas: 2, pods: serving(3, failed(2)), reading: samples(30000, 30000, absent)}, 4, "30", hpa.Follows},
		"a deleted pod's sample is not used":     {situation{metric: qps, replicas: 2, pods: serving(3, deleting(2)), reading: samples(30000, 30000, 900000)}, 4, "30", hpa.Follows},
		"a wide tolerance upwards":               {situation{metric: qps, behavior: tolerances("0.1", "2"), pods: serving(3), reading: samples(45000, 45000, 45000)}, 3, "45", hpa.WithinTolerance},                   // 3 ≤ 1+2
		"a narrow tolerance upwards":             {situation{metric: podsMetric("qps", "20"), behavior: tolerances("0.1", "10m"), pods: serving(3), reading: samples(20000, 21000, 21000)}, 4, "20666m", hpa.Follows}, // 1.033
		"a wide tolerance downwards":             {situation{metric: qps, behavior: tolerances("0.5", "0.1"), pods: serving(4), reading: samples(8000, 8000, 8000, 8000)}, 4, "8", hpa.WithinTolerance},               // 0.533 ≥ 0.5
		"no tolerance at all":                    {situation{metric: qps, behavior: tolerances("0", "0"), pods: serving(3), reading: samples(15010, 15010, 15010)}, 4, "15010m", hpa.Follows},
		"more pods than replicas":                {situation{metric: podsMetric("qps", "50"), replicas: 2, pods: serving(3), reading: samples(10000, 10000, 10000)}, 1, "10", hpa.Follows}, // 0.2 × 3
		"beyond an int32":                        {situation{metric: podsMetric("x", "1m"), pods: serving(2), reading: samples(1<<61, 1<<61)}, 1<<31 - 1, "2305843009213693952m", hpa.Follows},
		"a stray sample counts in the mean":      {situation{metric: qps, pods: serving(2), reading: samples(30000, 30000, 90000)}, 7, "50", hpa.Follows},                               // 50/15 × 2 ready
		"pending and missing together":           {situation{metric: qps, pods: serving(4, pending(3)), reading: samples(60000, absent, absent, absent)}, 4, "60", hpa.WithinTolerance}, // 60/4 = 15
	} {
		t.Run(name, func(t *testing.T) { check(t, c.situation, c.want, c.current, c.verdict) })
	}
}

func check(t *testing.T, s situation, want int32, current string, verdict hpa.Verdict) {
	t.Helper()
	got := s.proposal(t)
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	if got.Replicas != want || got.Current.String() != current || got.Verdict != verdict {
		t.Errorf("proposes %d at %s (%s), want %d at %s (%s); counted %+v", got.Replicas, got.Current, got.Verdict, want, current, verdict, got.Pods)
	}
}

func TestProposalOfAResourceMetric(t *testing.T) {
	stale := samples(300, 500, 700) // measured over a window that began before the pod was ready
	for i, s := range stale.Pods {
		s.Time = noon.Add(-40 * time.Second)
		stale.Pods[i] = s
	}
	justReady := change(func(p *hpa.Pod) { p.Started, p.ReadyChanged = noon.Add(-2*time.Minute), noon.Add(-time.Minute) }, 0)
	onceReady := change(func(p *hpa.Pod) { p.Ready, p.ReadyChanged = corev1.ConditionFalse, noon.Add(-time.Minute) }, 0)
	for name, c := range map[string]struct {
		situation
		want    int32
		current string
		verdict hpa.Verdict
	}{
		"above the target":                         {situation{metric: cpu(30), pods: serving(3), reading: samples(300, 500, 700)}.withRequests(1000, 1000, 1000), 5, "50%", hpa.Follows},                       // 50/30 × 3
		"below the target":                         {situation{metric: cpu(50), pods: serving(5), reading: samples(100, 300, 500, 250, 250)}.withRequests(1000, 1000, 1000, 1000, 1000), 3, "28%", hpa.Follows}, // 0.56 × 5
		"percent are cut off":                      {situation{metric: cpu(100), pods: serving(3), reading: samples(1109, 1109, 1109)}.withRequests(1000, 1000, 1000), 3, "110%", hpa.WithinTolerance},          // 110.9 → 110
		"unequal requests":                         {situation{metric: cpu(100), pods: serving(3), reading: samples(1010, 1030, 1020)}.withRequests(900, 1000, 1100), 3, "102%", hpa.WithinTolerance},
		"an unready pod damps growth":              {situation{metric: cpu(30), pods: serving(3, unready(0)), reading: samples(300, 500, 700)}.withRequests(1000, 1000, 1000), 4, "60%", hpa.Follows}, // 40/30 × 3
		"a young pod damps growth":                 {situation{metric: cpu(30), pods: serving(3, young(0)), reading: samples(300, 500, 700)}.withRequests(1000, 1000, 1000), 4, "60%", hpa.Follows},
		"a young pod with a whole window counts":   {situation{metric: cpu(30), pods: serving(3, justReady), reading: samples(300, 500, 700)}.withRequests(1000, 1000, 1000), 5, "50%", hpa.Follows}, // -60 s + 30 s ≤ -10 s
		"a young pod with half a window does not":  {situation{metric: cpu(30), pods: serving(3, justReady), reading: stale}.withRequests(1000, 1000, 1000), 4, "60%", hpa.Follows},                  // -30 s > -40 s
		"an old pod that was ready before counts":  {situation{metric: cpu(30), pods: serving(3, onceReady), reading: samples(300, 500, 700)}.withRequests(1000, 1000, 1000), 5, "50%", hpa.Follows},
		"a pod without condition is unready":       {situation{metric: cpu(30), pods: serving(3, change(func(p *hpa.Pod) { p.Ready = "" }, 0)), reading: samples(300, 500, 700)}.withRequests(1000, 1000, 1000), 4, "60%", hpa.Follows},
		"unready pods stop growth":                 {situation{metric: cpu(30), pods: serving(3, unready(1, 2)), reading: samples(400, 500, 700)}.withRequests(1000, 1000, 1000), 3, "40%", hpa.WouldReverse},                  // 13/30
		"unready pods are left out when less":      {situation{metric: cpu(50), pods: serving(5, unready(3, 4)), reading: samples(100, 300, 500, 250, 250)}.withRequests(1000, 1000, 1000, 1000, 1000), 2, "30%", hpa.Follows}, // 0.6 × 3
		"failed pods are ignored":                  {situation{metric: cpu(30), replicas: 2, pods: serving(4, failed(2, 3)), reading: samples(500, 700)}.withRequests(1000, 1000, 1000, 1000), 4, "60%", hpa.Follows},
		"deleted pods are ignored":                 {situation{metric: cpu(50), replicas: 5, pods: serving(7, deleting(5, 6)), reading: samples(100, 300, 500, 250, 250)}.withRequests(1000, 1000, 1000, 1000, 1000, 1000, 1000), 3, "28%", hpa.Follows},
		"missing pods are full when less":          {situation{metric: cpu(100), pods: serving(4), reading: samples(400, 95, absent, absent)}.withRequests(1000, 1000, 1000, 1000), 3, "24%", hpa.Follows},          // 62 % × 4 = 2.5
		"missing pods are on a target above 100 %": {situation{metric: cpu(300), pods: serving(4, unready(0)), reading: samples(200, 100, 100, absent)}.withRequests(1000, 1000, 2000, 2000), 2, "6%", hpa.Follows}, // (200+6000)/5000 = 124 → 0.41 × 3 = 1.2
		"missing pods, unequal requests":           {situation{metric: cpu(50), pods: serving(2), reading: samples(100, absent)}.withRequests(1000, 3000), 2, "10%", hpa.WouldReverse},                              // 3100/4000 = 77 %
		"a missing pod, exactly on target":         {situation{metric: cpu(100), pods: serving(2), reading: samples(1000, absent)}.withRequests(1000, 1000), 2, "100%", hpa.WithinTolerance},
		"a missing pod damps into the tolerance":   {situation{metric: cpu(100), pods: serving(2), reading: samples(1900, absent)}.withRequests(1000, 1000), 2, "190%", hpa.WithinTolerance},                            // 95 %
		"missing and unready together, growing":    {situation{metric: cpu(50), pods: serving(3, unready(0)), reading: samples(100, 2000, absent)}.withRequests(1000, 1000, 1000), 4, "200%", hpa.Follows},              // 66 % → 1.32 × 3
		"missing and unready together, shrinking":  {situation{metric: cpu(50), pods: serving(4, unready(0)), reading: samples(100, 100, 100, absent)}.withRequests(1000, 1000, 1000, 1000), 3, "10%", hpa.Follows},     // (200+1000)/3000 = 40 → 2.4
		"a rolling update's surge does not grow":   {situation{metric: cpu(50), replicas: 2, pods: serving(3), reading: samples(100, 100, absent)}.withRequests(1000, 1000, 1000), 2, "10%", hpa.WouldReverse},          // 0.8 × 3 = 2.4 > 2
		"stray samples have no request":            {situation{metric: cpu(100), pods: serving(4), reading: samples(4000, 9500, 3000, 7000, 3200, 2000)}.withRequests(1000, 1000, 1000, 1000), 24, "587%", hpa.Follows}, // 5.87 × 4
		"an average instead of percent":            {situation{metric: cpuAverage("400m"), pods: serving(3), reading: samples(600, 600, 600)}, 5, "600m", hpa.Follows},                                                  // 1.5 × 3
		"an average looks at readiness too":        {situation{metric: cpuAverage("400m"), pods: serving(3, unready(0)), reading: samples(600, 900, 900)}, 5, "900m", hpa.Follows},                                      // 600/400 × 3
		"one container":                            {situation{metric: containerCPU("web", 30), pods: serving(3), reading: samples(300, 500, 700)}.withRequests(1000, 1000, 1000), 5, "50%", hpa.Follows},
	} {
		t.Run(name, func(t *testing.T) { check(t, c.situation, c.want, c.current, c.verdict) })
	}
}

func TestProposalOfAnObjectOrExternalMetric(t *testing.T) {
	for name, c := range map[string]struct {
		situation
		want    int32
		current string
		verdict hpa.Verdict
	}{
		"object above its target":                 {situation{metric: object(target("15", "")), pods: serving(3), reading: values(20000)}, 4, "20", hpa.Follows}, // 1.33 × 3
		"object below its target":                 {situation{metric: object(target("20", "")), pods: serving(5), reading: values(12000)}, 3, "12", hpa.Follows},
		"object within the tolerance":             {situation{metric: object(target("20", "")), pods: serving(3), reading: values(20666)}, 3, "20666m", hpa.WithinTolerance},
		"object multiplies with ready pods only":  {situation{metric: object(target("15", "")), pods: serving(5, unready(0), pending(1)), reading: values(20000)}, 4, "20", hpa.Follows}, // 1.33 × 3
		"object without a ready pod":              {situation{metric: object(target("15", "")), pods: serving(2, unready(0, 1)), reading: values(20000)}, 0, "20", hpa.Follows},
		"object shared by the replicas":           {situation{metric: object(target("", "5")), pods: serving(3), reading: values(20000)}, 4, "6667m", hpa.Follows}, // 20/5
		"object shared, within the tolerance":     {situation{metric: object(target("", "5")), pods: serving(4), reading: values(20208)}, 4, "5052m", hpa.WithinTolerance},
		"object shared, replicas and pods differ": {situation{metric: object(target("", "10")), replicas: 7, pods: serving(4), reading: values(41000)}, 4, "10250m", hpa.WithinTolerance}, // as the observed
		"external above its target":               {situation{metric: external(target("4400m", "")), pods: serving(3), reading: values(8600)}, 6, "8600m", hpa.Follows},                   // 1.95 × 3
		"external adds up its series":             {situation{metric: external(target("4400m", "")), pods: serving(3), reading: values(4300, 4300)}, 6, "8600m", hpa.Follows},
		"external within the tolerance":           {situation{metric: external(target("8888m", "")), pods: serving(3), reading: values(8600)}, 3, "8600m", hpa.WithinTolerance},
		"external below its target":               {situation{metric: external(target("14400m", "")), pods: serving(5), reading: values(8600)}, 3, "8600m", hpa.Follows}, // 0.597 × 5
		"external shared by the replicas":         {situation{metric: external(target("", "2150m")), pods: serving(3), reading: values(8600)}, 4, "2867m", hpa.Follows},  // 8600/2150
		"external shared, within the tolerance":   {situation{metric: external(target("", "2900m")), pods: serving(3), reading: values(8600)}, 3, "2867m", hpa.WithinTolerance},
		"external shared, below":                  {situation{metric: external(target("", "3")), pods: serving(5), reading: values(8600)}, 3, "1720m", hpa.Follows},
		"external shared, narrower tolerance":     {situation{metric: external(target("", "2800m")), behavior: tolerances("0.1", "0.01"), pods: serving(3), reading: values(8600)}, 4, "2867m", hpa.Follows},
		"external nothing to do":                  {situation{metric: external(target("", "3")), pods: serving(5), reading: values(0)}, 0, "0", hpa.Follows},
		"external beyond an int32":                {situation{metric: external(target("", "1m")), pods: serving(5), reading: values(1 << 62)}, 1<<31 - 1, "922337203685477581m", hpa.Follows},
	} {
		t.Run(name, func(t *testing.T) { check(t, c.situation, c.want, c.current, c.verdict) })
	}
}
