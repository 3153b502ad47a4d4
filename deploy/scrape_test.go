package deploy_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"text/template"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/kubernetes"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

// loadConfig reads a Prometheus configuration by Prometheus' own loader.
func loadConfig(t *testing.T, text string) []*config.ScrapeConfig {
	t.Helper()
	c, err := config.Load(text, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("Prometheus refuses the configuration: %v\n%s", err, text)
	}
	scrapes, err := c.GetScrapeConfigs()
	if err != nil {
		t.Fatal(err)
	}
	return scrapes
}

// prometheusValues is what these files set of the chart prometheus-community/prometheus.
type prometheusValues struct {
	Server struct {
		ExtraSecretMounts []struct {
			Name, SecretName, MountPath string
			ReadOnly                    bool
		} `json:"extraSecretMounts"`
	} `json:"server"`
	ExtraScrapeConfigs string `json:"extraScrapeConfigs"`
}

func TestTheChartsScrapeConfigurationFindsTheWorkers(t *testing.T) {
	for _, v := range variants(t) {
		t.Run(v.folder, func(t *testing.T) {
			path := filepath.Join(v.app, "helm-values", "prometheus.yaml")
			if v.auth {
				path = filepath.Join(v.folder, "helm-values", "prometheus.yaml")
			}
			var values prometheusValues
			if err := yaml.UnmarshalStrict(read(t, path), &values); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			scrapes := loadConfig(t, "scrape_configs:\n"+values.ExtraScrapeConfigs)
			if len(scrapes) != 1 {
				t.Fatalf("%s: %d scrape configurations", path, len(scrapes))
			}
			s := scrapes[0]
			sd, ok := s.ServiceDiscoveryConfigs[0].(*kubernetes.SDConfig)
			if !ok || sd.Role != kubernetes.RoleEndpoint || time.Duration(s.ScrapeInterval) != 5*time.Second {
				t.Errorf("%s: discovery %+v every %v", path, s.ServiceDiscoveryConfigs, s.ScrapeInterval)
			}
			checkAuth(t, v, values, s)

			for i, port := range v.monitor.Spec.Endpoints {
				want := labels.FromStrings("namespace", "default", "pod", v.app+"-7f-abc", "service", v.app, "job", v.app, "endpoint", port.Port)
				got, kept := relabelled(s, v.service.Labels, v.service.Name, v.app+"-7f-abc", port.Port, 5001+i)
				if !kept || !labels.Equal(got, want) {
					t.Errorf("the worker at %s is kept %v with labels %v, want %v", port.Port, kept, got, want)
				}
			}
			if _, kept := relabelled(s, v.service.Labels, v.service.Name, "p", "http", 80); kept {
				t.Error("the application's own port is scraped")
			}
			if _, kept := relabelled(s, map[string]string{"app.kubernetes.io/name": "other"}, "other", "p", "metrics-1", 5001); kept {
				t.Error("another application is scraped")
			}
		})
	}
}

// checkAuth checks that the scrape's password comes from the Secret that the ServiceMonitor uses, and only where the metrics
// ask for one.
func checkAuth(t *testing.T, v *variant, values prometheusValues, s *config.ScrapeConfig) {
	t.Helper()
	auth := s.HTTPClientConfig.BasicAuth
	if !v.auth {
		if auth != nil {
			t.Error("basic auth where nobody asks for it")
		}
		return
	}
	mount := values.Server.ExtraSecretMounts[0]
	monitor := v.monitor.Spec.Endpoints[0].BasicAuth
	if auth == nil || auth.UsernameFile != mount.MountPath+"/"+monitor.Username.Key || auth.PasswordFile != mount.MountPath+"/"+monitor.Password.Key ||
		mount.SecretName != monitor.Username.Name || mount.SecretName != monitor.Password.Name || !mount.ReadOnly {
		t.Errorf("scrape: %+v, mounted %+v; ServiceMonitor: %+v", auth, mount, monitor)
	}
}

// relabelled returns the labels that a discovered endpoint gets, without meta labels and those of the address.
func relabelled(s *config.ScrapeConfig, serviceLabels map[string]string, service, pod, portName string, port int) (labels.Labels, bool) {
	b := labels.NewBuilder(labels.EmptyLabels())
	b.Set(model.AddressLabel, fmt.Sprintf("10.0.0.7:%d", port))
	b.Set(model.JobLabel, s.JobName)
	b.Set("__meta_kubernetes_namespace", "default")
	b.Set("__meta_kubernetes_service_name", service)
	b.Set("__meta_kubernetes_pod_name", pod)
	b.Set("__meta_kubernetes_endpoint_port_name", portName)
	for name, value := range serviceLabels {
		b.Set("__meta_kubernetes_service_label_"+regexp.MustCompile(`[^a-zA-Z0-9_]`).ReplaceAllString(name, "_"), value)
	}
	kept := relabel.ProcessBuilder(b, s.RelabelConfigs...)
	b.Range(func(l labels.Label) {
		if len(l.Name) > 1 && l.Name[:2] == "__" {
			b.Del(l.Name)
		}
	})
	return b.Labels(), kept
}

// adapterValues is what the file sets of the chart prometheus-community/prometheus-adapter.
type adapterValues struct {
	Prometheus struct {
		URL  string `json:"url"`
		Port int    `json:"port"`
	} `json:"prometheus"`
	Rules struct {
		Default bool `json:"default"`
		Custom  []struct {
			SeriesQuery string `json:"seriesQuery"`
			Resources   struct {
				Template string `json:"template"`
			} `json:"resources"`
			Name struct {
				Matches string `json:"matches"`
				As      string `json:"as"`
			} `json:"name"`
			MetricsQuery string `json:"metricsQuery"`
		} `json:"custom"`
	} `json:"rules"`
}

func TestTheAdapterAnswersTheMetricThatTheHPAAsksFor(t *testing.T) {
	var values adapterValues
	if err := yaml.UnmarshalStrict(read(t, "clicks/helm-values/prometheus-adapter.yaml"), &values); err != nil {
		t.Fatal(err)
	}
	rule := values.Rules.Custom[0]
	app := demo(t, "clicks")
	metric := app.HPASpec().Metrics[0].Pods.Metric.Name

	matches := regexp.MustCompile(rule.Name.Matches)
	series := app.StripMetric()
	if got := string(matches.ExpandString(nil, rule.Name.As, series, matches.FindStringSubmatchIndex(series))); rule.SeriesQuery != series || got != metric {
		t.Errorf("the rule makes %q of %q, the HPA asks for %q", got, rule.SeriesQuery, metric)
	}
	if resource := expand(t, rule.Resources.Template, map[string]string{"Resource": "pod"}); resource != "pod" {
		t.Errorf("a pod is found by the label %q", resource)
	}
	query := expand(t, rule.MetricsQuery, map[string]string{"Series": series, "LabelMatchers": "", "GroupBy": "pod"})
	if got, want := promql(t, query), promql(t, app.Queries()[metric]); got != want {
		t.Errorf("the adapter asks %s, demo/clicks/truecount.yaml %s", got, want)
	}
}

// expand fills in an adapter template.
func expand(t *testing.T, text string, values map[string]string) string {
	t.Helper()
	parsed, err := template.New("").Delims("<<", ">>").Option("missingkey=error").Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, values); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// promql returns an expression in its canonical form.
func promql(t *testing.T, query string) string {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return expr.String()
}

func TestComposesPrometheusScrapesEveryWorker(t *testing.T) {
	for _, app := range demos {
		scrapes := loadConfig(t, string(read(t, app+"/prometheus.yml")))
		var got, want []string
		static := scrapes[0].ServiceDiscoveryConfigs[0].(discovery.StaticConfig)
		for _, target := range []*targetgroup.Group(static)[0].Targets {
			got = append(got, string(target[model.AddressLabel]))
		}
		image := dockerfile(t, app)
		for i := range image.number(t, "WEB_CONCURRENCY") {
			want = append(want, fmt.Sprintf("%s:%d", app, image.number(t, "METRICS_START_PORT")+i))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: targets:\n%s", app, diff)
		}
		if l := []*targetgroup.Group(static)[0].Labels; l["service"] != model.LabelValue(app) || l["namespace"] != "default" || l["pod"] == "" {
			t.Errorf("%s: labels %v", app, l)
		}
	}
}

func TestComposesAlertsAreTheApplicationFiles(t *testing.T) {
	for _, app := range demos {
		want, has := demo(t, app).RuleGroup()
		if _, err := os.Stat(app + "/alerts.yml"); has != (err == nil) {
			t.Errorf("%s has alerts: %v; alerts.yml: %v", app, has, err)
		}
		if !has {
			continue
		}
		groups, errs := rulefmt.Parse(read(t, app+"/alerts.yml"), false, model.LegacyValidation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		if len(groups.Groups) != 1 {
			t.Fatalf("%s: %d groups", app, len(groups.Groups))
		}
		if diff := cmp.Diff(want, groups.Groups[0]); diff != "" {
			t.Errorf("%s/alerts.yml differs from demo/%s/truecount.yaml:\n%s", app, app, diff)
		}
	}
}
