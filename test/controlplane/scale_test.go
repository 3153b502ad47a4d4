package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/truecount/truecount/test/controlplane/cluster"
	"sigs.k8s.io/yaml"
)

const (
	manyPods    = 5000
	manyMetrics = 20
	// The memory that an adapter may take with them, twice what it takes: an unbounded one takes more with each request.
	memoryLimit = 400 << 20
)

func TestK11FiveThousandPodsAreOneQueryPerMetric(t *testing.T) {
	t.Parallel()
	c := running(t)
	p := runningPrometheus(t, c)
	b := standBetween(t, p.url)
	var rules []map[string]any
	for i := range manyMetrics {
		rules = append(rules, map[string]any{
			"seriesQuery":  "k11_load",
			"resources":    map[string]string{"template": "<<.Resource>>"},
			"name":         map[string]string{"as": fmt.Sprintf("k11_load_%d", i)},
			"metricsQuery": fmt.Sprintf("max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>) * %d", i+1),
		})
	}
	config, err := yaml.Marshal(map[string]any{"rules": rules})
	if err != nil {
		t.Fatal(err)
	}
	together(t)
	a := installAdapter(t, c, "k11", adapterOptions{
		config: string(config), prometheus: b.URL,
		flags: []string{"--value-timeout=1m"}, // this is about the number of questions, however long each takes
	})
	makePods(t, c, "k11-pods", manyPods)
	tn := &tenant{c, "k11-pods"}
	expose(t, tn.series("k11_load", manyPods, "3")...)

	call := a.asFrontProxy(t)[0]
	call.client.Timeout = 2 * time.Minute
	ask := func(metric int) (items int, said string) {
		status, text := call.get(t.Context(), strings.Replace(tn.path(fmt.Sprintf("k11_load_%d", metric)), "v1beta2", "v1beta1", 1))
		if status != 200 {
			return 0, text
		}
		return strings.Count(text, `"describedObject"`), ""
	}
	await(t, "a value of each pod", func() bool {
		items, _ := ask(0)
		return items == manyPods
	})

	b.asked()
	for metric := range manyMetrics {
		if items, said := ask(metric); items != manyPods {
			t.Fatalf("%d values of metric %d: %.300s", items, metric, said)
		}
	}
	values := 0
	for _, query := range b.asked() {
		if strings.HasPrefix(query, "/api/v1/query?") {
			values++
			if len(query) > 4096 {
				t.Errorf("a query has %d characters: the pods' names are in it", len(query))
			}
		}
	}
	if values != manyMetrics {
		t.Errorf("%d metrics are %d queries", manyMetrics, values)
	}

	// Many at once, and still bounded.
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			for metric := range manyMetrics {
				if items, said := ask(metric); items != manyPods {
					t.Errorf("%d values of metric %d: %.300s", items, metric, said)
				}
			}
		})
	}
	asking.Wait()
	for _, peak := range peakMemory(t, b.URL) {
		t.Logf("an adapter took %d MB at most", peak>>20)
		if peak > memoryLimit {
			t.Errorf("an adapter took %d MB", peak>>20)
		}
	}
}

// makePods makes pods of a node of their own, past the scheduler.
func makePods(t *testing.T, c *cluster.Cluster, namespace string, count int) {
	t.Helper()
	makeNamespace(t, c, namespace)
	// Pods may be made as soon as the service account is there.
	await(t, "the service account", func() bool {
		_, err := c.Client.CoreV1().ServiceAccounts(namespace).Get(t.Context(), "default", metav1.GetOptions{})
		return err == nil
	})
	no := false
	numbers := make(chan int)
	var making sync.WaitGroup
	for range 16 {
		making.Go(func() {
			for i := range numbers {
				_, err := c.Client.CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{
					ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("web-%d", i), Labels: map[string]string{"app": "web"}},
					Spec: corev1.PodSpec{
						NodeName: "node-3", AutomountServiceAccountToken: &no,
						Containers: []corev1.Container{{Name: "web", Image: "registry.example/idle:1.0"}},
					},
				}, metav1.CreateOptions{})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range count {
		numbers <- i
	}
	close(numbers)
	making.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// peakMemory is what each process took at most that has a text in its command line.
func peakMemory(t *testing.T, text string) (peaks []uint64) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		command, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(command), text) {
			continue // ended, or another
		}
		status, err := os.ReadFile(filepath.Join(filepath.Dir(file), "status"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(status)) {
			if kilobytes, found := strings.CutPrefix(line, "VmHWM:"); found {
				n, err := strconv.ParseUint(strings.Fields(kilobytes)[0], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				peaks = append(peaks, n<<10)
			}
		}
	}
	if len(peaks) == 0 {
		t.Fatalf("no process has %s in its command line", text)
	}
	return peaks
}

func TestK12TwoRulesForOneMetricAreAnErrorWithBoth(t *testing.T) {
	t.Parallel()
	c := running(t)
	theAdapter(t, c)
	together(t)
	tn := newTenant(t, c, "k12", 1)
	tn.ruleText(t, `rules:
- seriesQuery: k12_first
  resources: {template: "<<.Resource>>"}
  name: {as: k12_load}
  metricsQuery: max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
- seriesQuery: k12_second
  resources: {template: "<<.Resource>>"}
  name: {as: k12_load}
  metricsQuery: max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
- seriesQuery: k12_other
  resources: {template: "<<.Resource>>"}
  metricsQuery: max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
`)
	expose(t, append(append(tn.series("k12_first", 1, "1"), tn.series("k12_second", 1, "2")...), tn.series("k12_other", 1, "3")...)...)
	if got := tn.awaitValues(t, "k12_other", 1)[0].Value; got != "3" { // hidden by nothing
		t.Errorf("the other metric is %s", got)
	}
	said := tn.awaitProblem(t, "k12_load", "rules.yaml:6")
	requireText(t, said, "k12_first", "k12_second", "rules.yaml:2")
}

// requireText looks for texts in what was said.
func requireText(t *testing.T, said string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(said, text) {
			t.Errorf("%q is not in: %s", text, said)
		}
	}
}
