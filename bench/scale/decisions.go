package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/replay"
	"github.com/truecount/truecount/internal/scale/replay/history"
)

// compareDecisions replays what test/controlplane has recorded of kube-controller-manager, at its own instants, and prints how many of
// its decisions are made otherwise.
func compareDecisions(ctx context.Context, out io.Writer, dir string) error {
	h := history.New()
	err := unpacked(filepath.Join(dir, "history.txt.gz"), func(r io.Reader) error { return h.Read("history.txt", "", r) })
	if err != nil {
		return err
	}
	o := tutorial()
	err = unpacked(filepath.Join(dir, "syncs.jsonl.gz"), func(r io.Reader) (err error) {
		o.Recorded, err = replay.ReadSyncs("syncs.jsonl", r)
		return err
	})
	if err != nil {
		return err
	}
	o.From, o.To = o.Recorded[0].At, o.Recorded[len(o.Recorded)-1].At
	source := h.Source()
	defer source.Close()
	report, err := replay.Run(ctx, source, o)
	if err != nil {
		return err
	}
	agreement := report.Scenarios[0].Agreement
	if agreement == nil {
		return fmt.Errorf("%s: nothing of it can be compared", dir)
	}
	fmt.Fprintf(out, "decisions of Kubernetes' own controller: %d compared, %d differing\n", agreement.Compared, agreement.Compared-agreement.Same)
	return nil
}

func unpacked(file string, read func(io.Reader) error) error {
	packed, err := os.Open(file)
	if err != nil {
		return err
	}
	defer packed.Close()
	text, err := gzip.NewReader(packed)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return read(text)
}

// tutorial is the autoscaler that was recorded: the tutorial's, with the controller's stabilisation of 15 s.
func tutorial() replay.Options {
	target, least := resource.MustParse("10m"), int32(1)
	settings := hpa.DefaultSettings()
	settings.DownscaleStabilization = 15 * time.Second
	return replay.Options{
		Namespace: "default", Name: "clicks", Settings: settings,
		Questions: []replay.Question{{Expr: `sum by (pod) (rate(demo_app_button_clicks_total{namespace="default"}[2m]))`}},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "clicks"},
			MinReplicas:    &least, MaxReplicas: 10,
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{
				Metric: autoscalingv2.MetricIdentifier{Name: "clicks"},
				Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &target},
			}}},
		},
	}
}
