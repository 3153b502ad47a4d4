package controlplane

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/truecount/truecount/test/controlplane/cluster"
)

const (
	v1beta1 = "v1beta1.custom.metrics.k8s.io"
	v1beta2 = "v1beta2.custom.metrics.k8s.io"

	clicksPath = "/namespaces/default/pods/*/demo_app_button_clicks_per_second"
)

// TestClicksScaleTheTutorialsDeployment is the whole chain on Kubernetes, with the files that users have: the manifests of
// deploy/clicks, the values of the two charts. The real autoscaler finds only one version of the API at a time.
func TestClicksScaleTheTutorialsDeployment(t *testing.T) {
	t.Parallel()
	c := running(t)
	a := theAdapter(t, c)
	runningClicks(t, c)
	release := together(t)
	awaitClicksMetric(t, c)
	idleIsZero(t, c)
	release()
	r := record(t, c, "default", "clicks", "app.kubernetes.io/name=clicks")

	t.Log("v1beta1 alone: clicks raise the number of replicas")
	alone(t)
	began := time.Now()
	unregisterAPI(t, a, v1beta2)
	click(t, c, 3)
	await(t, "more than one replica", func() bool { return r.wanted() > 1 })
	if first := r.wanted(); first > 5 {
		t.Errorf("three clicks make %d replicas, want 2 to 5 (replicas: %v)", first, r.replicas())
	}
	click(t, c, 40)
	await(t, "ten replicas", func() bool { return r.wanted() == 10 })
	kubectl(t, c, "rollout", "status", "deployment/clicks", "--timeout=5m")

	t.Log("v1beta2 alone: silence lowers it")
	registerAPI(t, a, v1beta2)
	unregisterAPI(t, a, v1beta1)
	await(t, "fewer replicas", func() bool { return r.wanted() < 10 })
	await(t, "one replica", func() bool { return r.wanted() == 1 })
	registerAPI(t, a, v1beta1)
	t.Logf("replicas: %v", r.replicas())

	all := r.replicas()
	top := slices.Index(all, 10)
	if !slices.IsSorted(all[:top+1]) || !slices.IsSortedFunc(all[top:], func(a, b int32) int { return int(b - a) }) {
		t.Errorf("replicas went back and forth: %v", all)
	}
	compareWithReplay(t, c, r, began)
}

// idleIsZero asks for the values as the tutorial's readers do, also with the parameter that they have in their URL.
func idleIsZero(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	for _, query := range []string{"", "?pod=clicks"} {
		out := kubectl(t, c, "get", "--raw", "/apis/custom.metrics.k8s.io/v1beta1"+clicksPath+query)
		var list struct {
			Kind, APIVersion string
			Items            []struct {
				DescribedObject       struct{ Kind, Namespace, Name, APIVersion string }
				MetricName, Timestamp string
				Value                 any
				Selector              any
			}
		}
		decode(t, out, &list)
		if list.Kind != "MetricValueList" || list.APIVersion != "custom.metrics.k8s.io/v1beta1" || len(list.Items) != 1 {
			t.Fatalf("%s is no list with one value", out)
		}
		item := list.Items[0]
		if item.DescribedObject.Kind != "Pod" || item.DescribedObject.Namespace != "default" || item.DescribedObject.APIVersion != "/v1" ||
			!strings.HasPrefix(item.DescribedObject.Name, "clicks-") {
			t.Errorf("the value describes %+v", item.DescribedObject)
		}
		if item.MetricName != "demo_app_button_clicks_per_second" || item.Value != "0" || item.Selector != nil {
			t.Errorf("the idle value is %s", out)
		}
		if _, err := time.Parse(time.RFC3339, item.Timestamp); err != nil {
			t.Error(err)
		}
	}
}

// awaitClicksMetric waits until the metric has a value, whichever replica is asked: the server has scraped twice, each replica of the
// adapter has seen the series.
func awaitClicksMetric(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	await(t, "a value of the metric", func() bool {
		const path = "/apis/custom.metrics.k8s.io/v1beta1" + clicksPath
		for _, replica := range theAdapter(t, c).asFrontProxy(t) {
			if status, _ := replica.get(t.Context(), path); status != http.StatusOK {
				return false
			}
		}
		_, err := c.Client.Discovery().RESTClient().Get().AbsPath(path).DoRaw(t.Context())
		return err == nil
	})
}

// click presses the button, through the service, on any of the pods.
func click(t *testing.T, c *cluster.Cluster, times int) {
	t.Helper()
	service, err := c.Client.CoreV1().Services("default").Get(t.Context(), "clicks", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for range times {
		response, err := http.Post("http://"+service.Spec.ClusterIP+"/click-button", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Fatalf("the click is answered with %s", response.Status)
		}
	}
}

// TestKubectlShowsTheMetricAsInTheTutorial asks as its readers do.
func TestKubectlShowsTheMetricAsInTheTutorial(t *testing.T) {
	t.Parallel()
	c := running(t)
	theAdapter(t, c)
	runningClicks(t, c)
	together(t)
	awaitClicksMetric(t, c)
	var list metav1.APIResourceList
	decode(t, kubectl(t, c, "get", "--raw", "/apis/custom.metrics.k8s.io/v1beta1"), &list)
	for _, resource := range []string{"pods", "namespaces", "services", "jobs.batch"} {
		i := slices.IndexFunc(list.APIResources, func(r metav1.APIResource) bool { return r.Name == resource+"/demo_app_button_clicks_per_second" })
		if i < 0 {
			t.Errorf("the metric is not listed for %s: %v", resource, list.APIResources)
			continue
		}
		got := list.APIResources[i]
		if got.Namespaced != (resource != "namespaces") || got.Kind != "MetricValueList" || strings.Join(got.Verbs, " ") != "get" {
			t.Errorf("%s is listed as %+v", resource, got)
		}
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}
