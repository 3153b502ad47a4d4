package controlplane

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/truecount/truecount/test/controlplane/cluster"
)

// tenant is a namespace with a StatefulSet web, whose pods web-0, web-1 … are objects without processes, and rules of its own.
// What its pods' metrics say is exposed by the test.
type tenant struct {
	cluster   *cluster.Cluster
	namespace string
}

// newTenant makes one and waits until its pods are ready.
func newTenant(t *testing.T, c *cluster.Cluster, namespace string, replicas int, metrics ...string) *tenant {
	t.Helper()
	makeNamespace(t, c, namespace)
	tn := &tenant{c, namespace}
	tn.apply(t, fmt.Sprintf(`apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  replicas: %d
  serviceName: web
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      automountServiceAccountToken: false
      containers: [{name: web, image: "registry.example/idle:1.0"}]
`, replicas))
	tn.rules(t, metrics...)
	kubectl(t, c, "-n", namespace, "rollout", "status", "statefulset/web", "--timeout=5m")
	return tn
}

func (tn *tenant) apply(t *testing.T, manifest string) {
	t.Helper()
	apply(t, tn.cluster, manifest, "-n", tn.namespace, "-f", "-")
}

// rules are the tenant's, in a ConfigMap that the adapter takes them from.
func (tn *tenant) rules(t *testing.T, metrics ...string) {
	t.Helper()
	config := map[string]any{"rules": ruleFor(metrics...)}
	text, err := json.Marshal(config) // which is YAML too
	if err != nil {
		t.Fatal(err)
	}
	tn.ruleText(t, string(text))
}

func (tn *tenant) ruleText(t *testing.T, text string) {
	t.Helper()
	object := &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: "web-metrics", Labels: map[string]string{"truecount/rules": "true"}},
		Data:       map[string]string{"rules.yaml": text},
	}
	manifest, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	tn.apply(t, string(manifest))
}

// ruleFor has one rule per metric: the series under its own name, the maximum per object.
func ruleFor(metrics ...string) []map[string]any {
	rules := []map[string]any{}
	for _, metric := range metrics {
		rules = append(rules, map[string]any{
			"seriesQuery":  metric,
			"resources":    map[string]string{"template": "<<.Resource>>"},
			"name":         map[string]string{"as": metric},
			"metricsQuery": "max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
		})
	}
	return rules
}

// series are the lines of a metric with the same value for the first pods, web-0 and so on.
func (tn *tenant) series(metric string, pods int, value string) []string {
	var lines []string
	for i := range pods {
		lines = append(lines, fmt.Sprintf("%s{namespace=%q,pod=\"web-%d\"} %s", metric, tn.namespace, i, value))
	}
	return lines
}

// path is where a metric of all pods is asked for.
func (tn *tenant) path(metric string) string {
	return "/apis/custom.metrics.k8s.io/v1beta2/namespaces/" + tn.namespace + "/pods/*/" + url.PathEscape(metric)
}

// metricValue is one item of a list, as v1beta2 writes it.
type metricValue struct {
	DescribedObject struct{ Kind, Namespace, Name string }
	Timestamp       metav1.Time
	Value           string
}

// values asks for a metric of all pods; problem is what the API says otherwise.
func (tn *tenant) values(t *testing.T, metric string) (items []metricValue, problem string) {
	t.Helper()
	out, problem := tn.get(t, tn.path(metric))
	if problem != "" {
		return nil, problem
	}
	var list struct{ Items []metricValue }
	decode(t, out, &list)
	return list.Items, ""
}

// awaitValues returns the values as soon as there are so many, whichever replica of the adapter is asked: each has to find out by itself.
func (tn *tenant) awaitValues(t *testing.T, metric string, count int) (items []metricValue) {
	t.Helper()
	said := ""
	defer func() {
		if t.Failed() {
			t.Logf("the last answer: %v %s", items, said)
		}
	}()
	await(t, fmt.Sprintf("%d values of %s", count, metric), func() bool {
		items, said = tn.values(t, metric)
		return len(items) == count && tn.everyReplicaHas(t, metric, count)
	})
	return items
}

func (tn *tenant) everyReplicaHas(t *testing.T, metric string, count int) bool {
	t.Helper()
	for _, replica := range theAdapter(t, tn.cluster).asFrontProxy(t) {
		if status, text := replica.get(t.Context(), tn.path(metric)); status != http.StatusOK || strings.Count(text, `"describedObject"`) != count {
			return false
		}
	}
	return true
}

// awaitSomeValues returns when there are any.
func (tn *tenant) awaitSomeValues(t *testing.T, metric string) {
	t.Helper()
	await(t, "a value of "+metric, func() bool {
		items, _ := tn.values(t, metric)
		return len(items) > 0
	})
}

// awaitProblem returns what is said of a metric as soon as it contains a text.
func (tn *tenant) awaitProblem(t *testing.T, metric, text string) (said string) {
	t.Helper()
	var items []metricValue
	defer func() {
		if t.Failed() {
			t.Logf("the last answer: %v %s", items, said)
		}
	}()
	await(t, "an error with "+text, func() bool {
		items, said = tn.values(t, metric)
		return strings.Contains(said, text)
	})
	return said
}

// autoscale makes an HPA on the pods' metrics, each with a target of the average.
func (tn *tenant) autoscale(t *testing.T, least, most int, targets map[string]string) {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: web}
  minReplicas: %d
  maxReplicas: %d
  behavior:
    scaleDown: {stabilizationWindowSeconds: 0}
  metrics:
`, least, most)
	for metric, target := range targets {
		fmt.Fprintf(&text, "    - {type: Pods, pods: {metric: {name: %s}, target: {type: AverageValue, averageValue: %s}}}\n", metric, target)
	}
	tn.apply(t, text.String())
}

func (tn *tenant) hpa(t *testing.T) *autoscalingv2.HorizontalPodAutoscaler {
	t.Helper()
	hpa, err := tn.cluster.Client.AutoscalingV2().HorizontalPodAutoscalers(tn.namespace).Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return hpa
}

// condition is a condition's status and what is said with it.
func (tn *tenant) condition(t *testing.T, kind autoscalingv2.HorizontalPodAutoscalerConditionType) (corev1.ConditionStatus, string) {
	t.Helper()
	for _, condition := range tn.hpa(t).Status.Conditions {
		if condition.Type == kind {
			return condition.Status, condition.Reason + ": " + condition.Message
		}
	}
	return "", ""
}

// wanted is spec.replicas.
func (tn *tenant) wanted(t *testing.T) int32 {
	t.Helper()
	set, err := tn.cluster.Client.AppsV1().StatefulSets(tn.namespace).Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return *set.Spec.Replicas
}

// get is a request as an administrator, whatever its answer.
func (tn *tenant) get(t *testing.T, path string) (text, problem string) {
	t.Helper()
	body, err := tn.cluster.Client.Discovery().RESTClient().Get().RequestURI(path).Do(t.Context()).Raw()
	if err != nil {
		// The reason, and all that the server says: the client's own words leave out what is no known kind of error.
		problem = fmt.Sprintf("%s: %v: %s", apierrors.ReasonForError(err), err, body)
	}
	return string(body), problem
}
