package controlplane

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/truecount/truecount/test/controlplane/cluster"
)

var installClicks sync.Once

// runningClicks applies the manifests of clicks as they are, once, and waits until a pod is ready.
func runningClicks(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	operatorCRDs(t, c)
	installClicks.Do(func() { apply(t, c, "", "-f", "../../deploy/clicks/kubernetes") })
	kubectl(t, c, "rollout", "status", "deployment/clicks", "--timeout=5m")
}

// TestTheServerScrapesEachWorkerWithTheFiveLabels is D2 against a real API server: the scrape configuration of the chart's
// values, in our server, in a pod with a service account.
func TestTheServerScrapesEachWorkerWithTheFiveLabels(t *testing.T) {
	t.Parallel()
	c := running(t)
	p := runningPrometheus(t, c)
	runningClicks(t, c)
	together(t)
	pods, err := c.Client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=clicks"})
	if err != nil {
		t.Fatal(err)
	}
	pod := pods.Items[0]
	var found []target
	await(t, "five targets of the pod, all scraped", func() bool {
		found = slices.DeleteFunc(p.targets(t, "clicks"), func(one target) bool { return one.Labels["pod"] != pod.Name })
		return len(found) == 5 && !slices.ContainsFunc(found, func(one target) bool { return one.Health != "up" })
	})
	slices.SortFunc(found, func(a, b target) int { return strings.Compare(a.ScrapeURL, b.ScrapeURL) })
	for worker, one := range found {
		address := fmt.Sprintf("%s:%d", pod.Status.PodIP, 5001+worker)
		want := map[string]string{
			"namespace": "default", "pod": pod.Name, "service": "clicks", "job": "clicks",
			"endpoint": fmt.Sprintf("metrics-%d", worker+1),
			"instance": address, // Prometheus' own
		}
		if !maps.Equal(one.Labels, want) {
			t.Errorf("labels %v, want %v", one.Labels, want)
		}
		if want := "http://" + address + "/metrics"; one.ScrapeURL != want {
			t.Errorf("scraped at %s, want %s", one.ScrapeURL, want)
		}
	}
}
