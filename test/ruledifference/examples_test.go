package ruledifference

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"gopkg.in/yaml.v2"
	k8slabels "k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/prometheus-adapter/cmd/config-gen/utils"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// exampleSeries are such as prometheus-adapter's examples and default rules are about.
func exampleSeries() []labels.Labels {
	var out []labels.Labels
	add := func(names string, pairs ...string) {
		for _, name := range strings.Fields(names) {
			out = append(out, labels.FromStrings(append(pairs, "__name__", name)...))
		}
	}
	add("container_cpu_usage_seconds_total container_memory_failures_total container_memory_working_set_bytes container_fs_reads_total container_last_seen",
		"namespace", "shop", "pod", "web-0", "container", "app", "node", "n1", "id", "/kubepods")
	add("container_cpu_usage_seconds_total", "namespace", "shop", "pod", "web-0", "container", "POD")
	add("http_requests_total http_request_duration_seconds_sum http_request_duration_seconds_count process_cpu_seconds_total go_goroutines up",
		"namespace", "shop", "pod", "web-0", "service", "web", "job", "web", "instance", "10.0.0.1:8000")
	add("kube_deployment_status_replicas", "namespace", "shop", "deployment", "web", "persistentvolumeclaim", "data")
	add("kube_node_status_capacity", "namespace", "kube-system", "node", "n1", "resource", "cpu")
	add("cheddar", "sharp", "true", "brand", "b", "namespace", "shop")
	add("queue_consumer_lag queue_depth", "name", "orders", "topic", "t", "namespace", "shop")
	add("not_in_a_namespace", "pod", "web-0")
	return out
}

func exampleRequests(m metric) []request {
	verb := k8slabels.SelectorFromSet(k8slabels.Set{"verb": "GET"})
	several, err := k8slabels.Parse("verb in (GET,POST),code!=500,zone,!old,tier notin (a,b)")
	if err != nil {
		panic(err)
	}
	return []request{
		{namespace: "shop", names: []string{"web-0"}, selector: k8slabels.Everything()},
		{namespace: "shop", names: []string{"web-0", "web.1"}, selector: verb},
		{namespace: "shop", names: []string{"web-0", "web-1", "web-2"}, all: true, selector: k8slabels.Everything()},
		{namespace: "shop", names: []string{"web-0", "web.1"}, all: true, selector: several},
	}
}

// source returns a file of prometheus-adapter.
func source(t *testing.T, path string) string {
	t.Helper()
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/prometheus-adapter")
	list.Env = append(os.Environ(), "GOWORK=off")
	dir, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTheExampleOfTheDocumentation(t *testing.T) {
	text := source(t, "docs/sample-config.yaml")
	if count := compare(t, text, mapper(), exampleSeries(), exampleRequests); count.refused != 1 {
		t.Errorf("as it is, the example is no YAML: quotes in quotes; got %+v", count)
	}
	text = strings.NewReplacer(`metricsQuery: "`, `metricsQuery: '`, `(<<.GroupBy>>)"`, `(<<.GroupBy>>)'`).Replace(text)
	if count := compare(t, text, mapper(), exampleSeries(), exampleRequests); count.metrics < 10 || count.refused > 0 {
		t.Errorf("too few metrics: %+v", count)
	}
}

func TestTheConfigMapOfTheManifests(t *testing.T) {
	var manifest struct {
		Data map[string]string `yaml:"data"`
	}
	if err := yaml.Unmarshal([]byte(source(t, "deploy/manifests/config-map.yaml")), &manifest); err != nil {
		t.Fatal(err)
	}
	if count := compare(t, manifest.Data["config.yaml"], mapper(), exampleSeries(), exampleRequests); count.refused > 0 || count.metrics != 0 {
		t.Errorf("it has resourceRules only, and both read it; got %+v", count)
	}
}

func TestTheDefaultRules(t *testing.T) {
	for _, prefix := range []string{"", "kube_"} {
		text, err := yaml.Marshal(utils.DefaultConfig(5*time.Minute, prefix))
		if err != nil {
			t.Fatal(err)
		}
		if count := compare(t, string(text), mapper(), exampleSeries(), exampleRequests); prefix == "" && count.metrics < 30 {
			t.Errorf("too few metrics: %+v", count)
		}
	}
}

func TestTheChartsDefaultIsWhatConfigGenWrites(t *testing.T) {
	text, err := yaml.Marshal(utils.DefaultConfig(5*time.Minute, ""))
	if err != nil {
		t.Fatal(err)
	}
	theirs, _ := metricrule.Load(metricrule.Options{}, metricrule.Source{Name: "generated.yaml", Data: text})
	chart, problems := metricrule.Load(metricrule.Options{}, metricrule.Source{Name: "values.yaml", Data: []byte("rules: {default: true}")})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	a, b := theirs.Rules(), chart.Rules()
	if len(a) != 6 || len(b) != 6 {
		t.Fatalf("%d and %d rules", len(a), len(b))
	}
	for i := range a {
		// By the order of the matchers they differ; parsed they are the same.
		if a[i].MetricsQuery != b[i].MetricsQuery {
			t.Errorf("rule %d: %s, and the chart's %s", i, a[i].MetricsQuery, b[i].MetricsQuery)
		}
	}
	da, db := theirs.Discoveries(), chart.Discoveries()
	if len(da) != len(db) {
		t.Fatalf("%v\n%v", da, db)
	}
	for i := range da {
		if da[i] != db[i] {
			t.Errorf("discovery %d: %v, and the chart's %v", i, da[i], db[i])
		}
	}
}
