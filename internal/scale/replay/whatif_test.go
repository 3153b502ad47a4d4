package replay_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/replay"
)

func files(path string) ([]byte, error) {
	switch path {
	case "calm.yaml":
		return []byte("scaleDown: {stabilizationWindowSeconds: 600}\n"), nil
	case "wrong.yaml":
		return []byte("scaleDown: {window: 600}\n"), nil
	}
	return nil, errors.New("no such file")
}

func TestWhatIfsChangeASpec(t *testing.T) {
	whole := perPod(1, 10, "10")
	queue := external(1, 10, autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: new(resource.MustParse("5"))})
	queue.Metrics[0].External.Metric.Name = "queue"
	whole.Metrics = append(whole.Metrics, queue.Metrics[0])
	one := perPod(1, 10, "10")
	one.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: &autoscalingv2.HPAScalingRules{
		Policies: []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 9, PeriodSeconds: 9}}}}
	before := one.DeepCopy()
	for text, c := range map[string]struct {
		spec autoscalingv2.HorizontalPodAutoscalerSpec
		want string // as the report shows it
	}{
		"target=20m,min=2,max=30,name=other": {one, "2 to 30 replicas, load 20m per replica, up 9 pods per 9 s, down as by default"},
		"target.queue=7, target.load=3":      {whole, "1 to 10 replicas, load 3 per replica, queue 7"},
		"up=4/15s,up=100%/1m":                {one, "1 to 10 replicas, load 10 per replica, up 4 pods per 15 s or 100% per 60 s, down as by default"},
		"up=off,down=1/60s,down.window=5m,down.select=Min,tolerance=0.2": {one,
			"1 to 10 replicas, load 10 per replica, up 9 pods per 9 s or policy Disabled or tolerance 200m, down 1 pods per 60 s or policy Min or window 300 s or tolerance 200m"},
		"behavior=none":      {one, "1 to 10 replicas, load 10 per replica"},
		"behavior=calm.yaml": {one, "1 to 10 replicas, load 10 per replica, up as by default, down window 600 s"},
	} {
		t.Run(text, func(t *testing.T) {
			w, err := replay.ParseWhatIf(text, &c.spec, files)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(text, "name=") != (w.Name == "other") {
				t.Error("name:", w.Name)
			}
			s := (&story{}).every(sync, minute, `load{pod="a"}`, always(1))
			o := options(c.spec, 0)
			o.WhatIfs = []replay.WhatIf{w}
			for range c.spec.Metrics[1:] {
				o.Questions = append(o.Questions, replay.Question{Expr: "load"})
			}
			if got := scenario(t, run(t, s.source(t), o), w.Name).Spec; got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	quantities := cmp.Comparer(func(a, b resource.Quantity) bool { return a.Cmp(b) == 0 })
	if diff := cmp.Diff(before, &one, quantities); diff != "" {
		t.Error("the spec itself was changed:", diff)
	}
}

func TestAWhatIfThatIsNoneSaysWhy(t *testing.T) {
	spec := perPod(1, 10, "10")
	for text, says := range map[string]string{
		"":                    "is no setting",
		"target":              "is no setting",
		"target=":             "is no setting",
		"target=much":         `"much" is no quantity`,
		"target.queue=1":      "there is no metric queue",
		"min=few":             `"few" is no number of replicas`,
		"max=-1":              "is no number of replicas",
		"speed=1":             "there is no such setting",
		"up=fast":             `"fast" is no policy`,
		"up=4/day":            "is no policy",
		"up.speed=1":          "there is no such setting",
		"down.window=1.5s":    "is no time in seconds",
		"behavior=none.yaml":  "no such file",
		"behavior=wrong.yaml": `unknown field "window"`,
	} {
		t.Run(text, func(t *testing.T) {
			_, err := replay.ParseWhatIf(text, &spec, files)
			if err == nil || !strings.Contains(err.Error(), says) || hint.Of(err) == "" || strings.Contains(err.Error(), "Go ") {
				t.Errorf("got %v, want %s", err, says)
			}
		})
	}
}
