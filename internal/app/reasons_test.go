package app

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/truecount/truecount/internal/scale/controller"
	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/replay"
	"github.com/truecount/truecount/internal/scale/replay/history"
	"github.com/truecount/truecount/internal/web"
)

// situation is a history of the metric load per pod, a spec, and words that a reason must have at some sync.
type situation struct {
	replicas int
	load     []string // one value per sync, of every pod; "" is a gap
	spec     func(*autoscalingv2.HorizontalPodAutoscalerSpec)
	settings func(*hpa.Settings)
	says     string
	desired  int32 // at the sync that says so
}

// TestTheSameSituationIsDecidedForTheSameReasonEverywhere has the supervisor's loop decide over a history, looks at what the first
// page shows of it, and replays the same history: decisions and reasons are the same at every sync.
func TestTheSameSituationIsDecidedForTheSameReasonEverywhere(t *testing.T) {
	for name, s := range map[string]situation{
		"NaN holds": {replicas: 3, load: []string{"10", "NaN", "NaN", "10"},
			says: "held at 3: load is not known: pod shop-0: the value is NaN", desired: 3},
		"an infinity holds": {replicas: 2, load: []string{"10", "+Inf"}, says: "held at 2: load is not known: pod shop-0: the value is infinite", desired: 2},
		"a gap holds":       {replicas: 2, load: []string{"10", "", "10"}, says: "held at 2: load is not known: the query found nothing", desired: 2},
		"limited by policy": {replicas: 2, load: []string{"10", "90", "90", "90"},
			spec: func(s *autoscalingv2.HorizontalPodAutoscalerSpec) {
				s.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: &autoscalingv2.HPAScalingRules{
					Policies: []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15}}}}
			}, says: "load is 90 per replica, target 10: 18 recommended; limited by policy: 4 pods per 15 s, so 6", desired: 6},
		"the default policy": {replicas: 3, load: []string{"90", "90"}, says: "27 recommended; limited by policy: the double at most, but always 4, so 6", desired: 6},
		"stabilisation": {replicas: 4, load: []string{"10", "2", "2"},
			says: "load is 2 per replica, target 10: 1 recommended; held at 4 by the stabilisation window for another 4m45s", desired: 4},
		"stabilisation ends": {replicas: 4, load: []string{"10", "2", "2", "2", "2"}, settings: func(s *hpa.Settings) { s.DownscaleStabilization = 30 * time.Second },
			says: "load is 2 per replica, target 10: 1 recommended", desired: 1},
		"tolerance": {replicas: 3, load: []string{"10.9", "10.9"}, says: "load is 10900m per replica, target 10, within the tolerance: 3 still right", desired: 3},
		"maximum":   {replicas: 15, load: []string{"90", "90"}, says: "limited to the maximum 20", desired: 20},
		"minimum": {replicas: 2, load: []string{"0", "0"}, settings: func(s *hpa.Settings) { s.DownscaleStabilization = time.Nanosecond },
			says: "limited to the minimum 1", desired: 1},
		"above the maximum": {replicas: 25, load: []string{"10"}, says: "25 replicas are more than the maximum 20", desired: 20},
		"turned off":        {replicas: 0, load: []string{"10"}, says: "the target has zero replicas, which turns autoscaling off", desired: 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { s.check(t) })
		})
	}
}

const reasonSync = 15 * time.Second

func (s situation) check(t *testing.T) {
	began := time.Now()
	source := s.history(t, began)
	defer source.Close()
	spec, settings := s.hpa()
	decided := s.supervise(t, source, spec, settings)
	var syncs []replay.Sync
	for _, d := range decided {
		syncs = append(syncs, d.sync)
	}
	said, i := false, 0
	_, err := replay.Run(t.Context(), source, replay.Options{
		Namespace: "shops", Name: "shop", Spec: spec, Settings: settings, Questions: []replay.Question{{Expr: "load"}}, Recorded: syncs,
		Each: func(scenario string, d hpa.Decision) error {
			if scenario != "recorded" {
				return nil
			}
			theirs := decided[i].status
			if d.Desired != theirs.Desired || d.Outcome != theirs.Outcome || d.Reason() != theirs.Reason() {
				t.Errorf("sync %d: the supervisor decides %s %d: %s\nthe replay %s %d: %s", i, theirs.Outcome, theirs.Desired, theirs.Reason(), d.Outcome, d.Desired, d.Reason())
			}
			var page web.Scale
			showDecision(&page, theirs)
			if page.Reason != d.Reason() || page.Error != "" && page.Error != d.Reason() || (page.Error != "") != (d.Err != nil) {
				t.Errorf("sync %d: the page shows %q and %q, the replay %q", i, page.Reason, page.Error, d.Reason())
			}
			said = said || strings.Contains(d.Reason(), s.says) && d.Desired == s.desired
			i++
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if i != len(s.load) || !said {
		t.Errorf("%d of %d syncs, and none decides %d with: %s", i, len(s.load), s.desired, s.says)
		for _, d := range decided {
			t.Logf("%d → %d: %s", d.status.Current, d.status.Desired, d.status.Reason())
		}
	}
}

func (s situation) hpa() (autoscalingv2.HorizontalPodAutoscalerSpec, hpa.Settings) {
	target := resource.MustParse("10")
	least := int32(1)
	spec := autoscalingv2.HorizontalPodAutoscalerSpec{MinReplicas: &least, MaxReplicas: 20, Metrics: []autoscalingv2.MetricSpec{{
		Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{Metric: autoscalingv2.MetricIdentifier{Name: "load"},
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &target}},
	}}}
	settings := hpa.DefaultSettings()
	if s.spec != nil {
		s.spec(&spec)
	}
	if s.settings != nil {
		s.settings(&settings)
	}
	return spec, settings
}

// history has a sample of each pod that there could be at each sync, and markers where there is none.
func (s situation) history(t *testing.T, began time.Time) *history.Source {
	t.Helper()
	var text strings.Builder
	for pod := range 30 {
		for i, v := range s.load {
			if v == "" {
				v = "NaN" // between numbers it would be one: the next sample is later than usual
				at := began.Add(time.Duration(i-1)*reasonSync + time.Second)
				fmt.Fprintf(&text, "load{pod=\"shop-%d\"} %s %d\n", pod, v, at.Unix())
				continue
			}
			fmt.Fprintf(&text, "load{pod=\"shop-%d\"} %s %d\n", pod, v, began.Add(time.Duration(i)*reasonSync).Unix())
		}
	}
	h := history.New()
	if err := h.Read("story", "", strings.NewReader(text.String()+"# EOF\n")); err != nil {
		t.Fatal(err)
	}
	return h.Source()
}

// decision is what the loop decided, and what it saw.
type decision struct {
	status controller.Status
	sync   replay.Sync
}

// supervise runs the loop for as many syncs as there are values.
func (s situation) supervise(t *testing.T, source *history.Source, spec autoscalingv2.HorizontalPodAutoscalerSpec, settings hpa.Settings) (all []decision) {
	t.Helper()
	target := &remembered{desired: s.replicas}
	c, err := controller.New(controller.Options{
		Name: "shop", Namespace: "shops", Spec: spec, Settings: settings, Target: target, SyncPeriod: reasonSync,
		Queries: map[string]string{"load": "load"},
		Query: func(ctx context.Context, query string, at time.Time) ([]controller.Sample, error) {
			seen := target.sync(at)
			target.seen.Store(&seen)
			samples, err := source.Query(ctx, query, at)
			var out []controller.Sample
			for _, s := range samples {
				out = append(out, controller.Sample{Labels: s.Labels.Map(), Value: s.Value, Time: s.Time})
			}
			return out, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	for range s.load {
		synctest.Wait()
		status, _ := c.Last()
		all = append(all, decision{status, *target.seen.Load()})
		time.Sleep(reasonSync) // in the bubble
	}
	cancel()
	<-ended
	return all
}

// remembered is a target whose replicas are there at once, and which remembers what the loop saw.
type remembered struct {
	desired int
	seen    atomic.Pointer[replay.Sync]
}

func (r *remembered) Desired() int       { return r.desired }
func (r *remembered) Scale(replicas int) { r.desired = replicas }
func (r *remembered) Pods() (pods []hpa.Pod) {
	for i := range r.desired {
		pods = append(pods, hpa.Pod{Name: fmt.Sprintf("shop-%d", i), Phase: corev1.PodRunning, Ready: corev1.ConditionTrue})
	}
	return pods
}

func (r *remembered) sync(at time.Time) replay.Sync {
	n := int32(r.desired)
	s := replay.Sync{At: at, SpecReplicas: &n}
	for _, p := range r.Pods() {
		s.Pods = append(s.Pods, replay.SyncPod{Name: p.Name, Phase: string(p.Phase), Ready: string(p.Ready)})
	}
	return s
}
