package controlplane

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/truecount/truecount/test/controlplane/cluster"
)

// prometheus is the server of the cluster, which the adapter asks.
type prometheus struct {
	cluster *cluster.Cluster
	url     string
}

var installPrometheus sync.Once

// runningPrometheus installs it, once, with the scrape configuration of the chart's values, and waits until it is there.
func runningPrometheus(t *testing.T, c *cluster.Cluster) *prometheus {
	t.Helper()
	installPrometheus.Do(func() {
		config := "scrape_configs:\n" + extraScrapeConfigs(t, "../../deploy/clicks/helm-values/prometheus.yaml") + exporterScrapeConfig
		_, err := c.Client.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: "prometheus-server"},
			Data:       map[string]string{"prometheus.yml": config},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		apply(t, c, "", "-f", "testdata/prometheus.yaml")
	})
	kubectl(t, c, "rollout", "status", "deployment/prometheus-server", "--timeout=5m")
	service, err := c.Client.CoreV1().Services("default").Get(t.Context(), "prometheus-server", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return &prometheus{c, "http://" + service.Spec.ClusterIP}
}

// extraScrapeConfigs is the text that the chart takes over.
func extraScrapeConfigs(t *testing.T, valuesFile string) string {
	t.Helper()
	text, err := os.ReadFile(valuesFile)
	if err != nil {
		t.Fatal(err)
	}
	var values struct{ ExtraScrapeConfigs string }
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		t.Fatal(err)
	}
	return values.ExtraScrapeConfigs
}

// ask is a request of its API; the answer's data is decoded.
func (p *prometheus) ask(t *testing.T, path string, query url.Values, data any) {
	t.Helper()
	if err := p.tryAsk(t, path, query, data); err != nil {
		t.Fatal(err)
	}
}

func (p *prometheus) tryAsk(t *testing.T, path string, query url.Values, data any) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var answer struct {
		Status string
		Data   json.RawMessage
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Status != "success" {
		return fmt.Errorf("GET %s: %s: %s", path, response.Status, strings.TrimSpace(string(text)))
	}
	return json.Unmarshal(answer.Data, data)
}

// target is one that is scraped.
type target struct {
	ScrapePool string
	ScrapeURL  string
	Labels     map[string]string
	Health     string
}

func (p *prometheus) targets(t *testing.T, pool string) []target {
	t.Helper()
	var data struct{ ActiveTargets []target }
	p.ask(t, "/api/v1/targets", url.Values{"state": {"active"}, "scrapePool": {pool}}, &data)
	return data.ActiveTargets
}
