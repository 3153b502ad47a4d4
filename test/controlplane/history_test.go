package controlplane

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// syncLine is one line of what `truecount replay --syncs` reads: what the autoscaler saw at one of its decisions, and did.
type syncLine struct {
	At             time.Time `json:"at"`
	SpecReplicas   int32     `json:"specReplicas"`
	StatusReplicas int32     `json:"statusReplicas"`
	Pods           []syncPod `json:"pods"`
	Desired        int32     `json:"desired"`
}

type syncPod struct {
	Name         string     `json:"name"`
	Phase        string     `json:"phase"`
	Ready        string     `json:"ready,omitempty"`
	ReadyChanged *time.Time `json:"readyChanged,omitempty"`
	Started      *time.Time `json:"started,omitempty"`
	Deleting     bool       `json:"deleting,omitempty"`
}

// scrapeTime is what a scrape takes at most: its samples have the time at which it began, and are there when it has ended.
const scrapeTime = 300 * time.Millisecond

// syncs are the decisions of the autoscaler about a Deployment within a time: the API server's audit log has when it asked for the
// metric, when it was answered, and which replicas it then wrote; the recorder has what there was. The metric's value is of a moment between
// asked and answered, and the lines are made for either; the pods are those that there were after the answer, when the autoscaler lists them.
func (r *recorder) syncs(t *testing.T, auditLog, namespace, deployment, metric string, from, to time.Time) (asked, answered []syncLine) {
	t.Helper()
	var all []syncLine
	answers := map[time.Time]time.Time{}
	scales := map[time.Time]int32{}
	for _, event := range readAudit(t, auditLog) {
		at := event.RequestReceivedTimestamp
		if !strings.HasSuffix(event.User.Username, ":horizontal-pod-autoscaler") || event.ObjectRef.Namespace != namespace || at.Before(from) || at.After(to) {
			continue
		}
		switch {
		case event.ObjectRef.APIGroup == "custom.metrics.k8s.io" && strings.Contains(event.RequestURI, "/"+metric) && event.ResponseStatus.Code < 400:
			r.mu.Lock()
			d := last(r.deployments, at)
			r.mu.Unlock()
			line := syncLine{At: at, SpecReplicas: *d.Spec.Replicas, StatusReplicas: d.Status.Replicas, Pods: []syncPod{}}
			for _, pod := range r.podsAt(event.StageTimestamp) {
				line.Pods = append(line.Pods, podOf(pod))
			}
			all, answers[at] = append(all, line), event.StageTimestamp
		case event.ObjectRef.Subresource == "scale" && event.ObjectRef.Name == deployment && event.Verb == "update":
			scales[at] = event.RequestObject.Spec.Replicas
		}
	}
	slices.SortFunc(all, func(a, b syncLine) int { return a.At.Compare(b.At) })
	for i := range all {
		all[i].Desired = all[i].SpecReplicas
		for at, replicas := range scales {
			if at.After(all[i].At) && (i+1 == len(all) || at.Before(all[i+1].At)) {
				all[i].Desired = replicas
			}
		}
	}
	asked, answered = slices.Clone(all), slices.Clone(all)
	for i := range all {
		asked[i].At, answered[i].At = all[i].At.Add(-scrapeTime), answers[all[i].At]
	}
	return asked, answered
}

func podOf(pod *corev1.Pod) syncPod {
	p := syncPod{Name: pod.Name, Phase: string(pod.Status.Phase), Deleting: pod.DeletionTimestamp != nil}
	if pod.Status.StartTime != nil {
		started := pod.Status.StartTime.UTC()
		p.Started = &started
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			changed := condition.LastTransitionTime.UTC()
			p.Ready, p.ReadyChanged = string(condition.Status), &changed
		}
	}
	return p
}

// auditEvent is what the API server notes of a request.
type auditEvent struct {
	Verb, RequestURI string
	User             struct{ Username string }
	ObjectRef        struct{ Namespace, Name, APIGroup, Resource, Subresource string }
	ResponseStatus   struct{ Code int }
	RequestObject    struct {
		Spec struct{ Replicas int32 }
	}
	RequestReceivedTimestamp, StageTimestamp time.Time
}

func readAudit(t *testing.T, file string) (all []auditEvent) {
	t.Helper()
	log, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var event auditEvent
		if err := json.Unmarshal(lines.Bytes(), &event); err == nil { // the last line may not be whole yet
			all = append(all, event)
		}
	}
	return all
}

// writeLines writes one JSON object per line.
func writeLines[T any](t *testing.T, file string, all []T) {
	t.Helper()
	var text strings.Builder
	for _, one := range all {
		line, err := json.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(append(line, '\n'))
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// export writes the samples of a metric as OpenMetrics text with timestamps, as `promtool tsdb dump-openmetrics` does.
func (p *prometheus) export(t *testing.T, file, metric string, from, to time.Time) {
	t.Helper()
	var data struct {
		Result []struct {
			Metric map[string]string
			Values [][2]any
		}
	}
	p.ask(t, "/api/v1/query", url.Values{
		"query": {fmt.Sprintf("%s[%dms]", metric, to.Sub(from).Milliseconds())},
		"time":  {fmt.Sprintf("%.3f", float64(to.UnixMilli())/1000)},
	}, &data)
	var text strings.Builder
	for _, series := range data.Result {
		var labels []string
		for name, value := range series.Metric {
			if name != "__name__" {
				labels = append(labels, fmt.Sprintf("%s=%q", name, value))
			}
		}
		slices.Sort(labels)
		for _, sample := range series.Values {
			fmt.Fprintf(&text, "%s{%s} %s %.3f\n", metric, strings.Join(labels, ","), sample[1], sample[0])
		}
	}
	text.WriteString("# EOF\n")
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
