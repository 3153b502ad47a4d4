package replay_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/replay"
	"github.com/truecount/truecount/internal/scale/replay/history"
)

// realSyncs are those of the controller on the cluster.
func realSyncs(t *testing.T) []replay.Sync {
	t.Helper()
	syncs, err := replay.ReadSyncs("syncs.jsonl", recorded(t, "testdata/controlplane/syncs.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	return syncs
}

// realHistory is what Prometheus had scraped on the cluster, and what is added to it as OpenMetrics.
func realHistory(t *testing.T, more string) *history.Source {
	t.Helper()
	h := history.New()
	if err := h.Read("history.txt", "", recorded(t, "testdata/controlplane/history.txt.gz")); err != nil {
		t.Fatal(err)
	}
	if more != "" {
		if err := h.Read("more", "", strings.NewReader(more+"# EOF\n")); err != nil {
			t.Fatal(err)
		}
	}
	source := h.Source()
	t.Cleanup(func() { source.Close() })
	return source
}

// asOnTheCluster are the autoscaler's manifest, its metric and the controller's flags. The times are left to the test.
func asOnTheCluster() replay.Options {
	o := replay.Options{
		Namespace: "default", Name: "clicks", Spec: perPod(1, 10, "10m"),
		Questions: []replay.Question{{Expr: `sum by (pod) (rate(demo_app_button_clicks_total{namespace="default"}[2m]))`}},
		Sync:      2 * time.Second,
		Settings:  hpa.DefaultSettings(),
	}
	o.Spec.ScaleTargetRef.Name = "clicks"
	o.Settings.DownscaleStabilization = 15 * time.Second
	return o
}

func recorded(t *testing.T, file string) io.Reader {
	t.Helper()
	packed, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { packed.Close() })
	text, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// kubeStateOf is what kube-state-metrics, scraped at a distance, would have said of what the controller on the cluster saw. What
// changed between two syncs changed at the time that the pod itself gives.
func kubeStateOf(t *testing.T, every, phase time.Duration) string {
	syncs := realSyncs(t)
	first, last := syncs[0].At, syncs[len(syncs)-1].At
	pods := map[string]struct{ begin, ready time.Time }{}
	for i, s := range syncs {
		since := first.Add(-time.Minute) // not at the sync before
		if i > 0 {
			since = syncs[i-1].At.Add(1)
		}
		for _, p := range s.Pods {
			life, known := pods[p.Name]
			if !known {
				life.begin = latest(since, p.Started)
			}
			if p.Ready == "True" && life.ready.IsZero() {
				life.ready = latest(since, p.ReadyChanged)
			}
			pods[p.Name] = life
		}
	}
	var text strings.Builder
	for at := first.Add(phase - 10*time.Second); at.Before(last.Add(5 * time.Second)); at = at.Add(every) {
		say := func(series string, value int32) {
			fmt.Fprintf(&text, "%s %d %.3f\n", series, value, float64(at.UnixMilli())/1000)
		}
		replicas := *syncs[0].SpecReplicas
		for _, s := range syncs {
			if s.At.Before(at) {
				replicas = *s.Desired
			}
		}
		say(`kube_deployment_spec_replicas{namespace="default",deployment="clicks"}`, replicas)
		say(`kube_replicaset_owner{namespace="default",replicaset="clicks-1",owner_kind="Deployment",owner_name="clicks"}`, 1)
		for name, life := range pods {
			if life.begin.After(at) {
				continue
			}
			ready := int32(0)
			if !life.ready.IsZero() && !life.ready.After(at) {
				ready = 1
			}
			say(fmt.Sprintf(`kube_pod_owner{namespace="default",pod=%q,owner_kind="ReplicaSet",owner_name="clicks-1"}`, name), 1)
			say(fmt.Sprintf(`kube_pod_status_phase{namespace="default",pod=%q,phase="Running"}`, name), 1)
			say(fmt.Sprintf(`kube_pod_status_ready{namespace="default",pod=%q,condition="true"}`, name), ready)
		}
	}
	return text.String()
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// without leaves a metric out.
func without(metric, text string) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, metric) }), "")
}
