package deploy_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// container returns the container of that name.
func (v *variant) container(t *testing.T, name string) corev1.Container {
	t.Helper()
	for _, c := range v.deployment.Spec.Template.Spec.Containers {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("%s: no container %s", v.folder, name)
	return corev1.Container{}
}

// env returns a whole number of a container's environment.
func env(t *testing.T, c corev1.Container, name string) int {
	t.Helper()
	for _, e := range c.Env {
		if e.Name == name {
			n, err := strconv.Atoi(e.Value)
			if err != nil {
				t.Fatalf("%s=%s is no number", name, e.Value)
			}
			return n
		}
	}
	t.Fatalf("%s has no %s", c.Name, name)
	return 0
}

func TestThePortsFollowTheNumberOfWorkers(t *testing.T) {
	for _, v := range variants(t) {
		t.Run(v.folder, func(t *testing.T) {
			app := v.container(t, v.app)
			outside, start := app, env(t, app, "METRICS_START_PORT")
			if v.nginx {
				outside, start = v.container(t, "nginx"), 5001
			}
			port := demo(t, v.app).Spec.Port
			want := map[string]int{"http": port}
			workers := env(t, app, "WEB_CONCURRENCY")
			for i := range workers {
				want[fmt.Sprintf("metrics-%d", i+1)] = start + i
			}
			got := map[string]int{}
			for _, p := range outside.Ports {
				got[p.Name] = int(p.ContainerPort)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("container ports:\n%s", diff)
			}
			if !v.nginx && env(t, app, "PORT") != port {
				t.Errorf("the application listens on %d, its port is %d", env(t, app, "PORT"), port)
			}

			got = map[string]int{}
			for _, p := range v.service.Spec.Ports {
				if p.TargetPort != intstr.FromString(p.Name) {
					t.Errorf("the Service's port %s leads to %v", p.Name, p.TargetPort)
				}
				if got[p.Name] = int(p.Port); p.Name == "http" {
					got[p.Name] = port // 80 outside
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the Service's ports:\n%s", diff)
			}

			var scraped, names []string
			for i := range workers {
				names = append(names, fmt.Sprintf("metrics-%d", i+1))
			}
			for _, e := range v.monitor.Spec.Endpoints {
				scraped = append(scraped, e.Port)
				if e.Path != "/metrics" || e.Interval != "15s" {
					t.Errorf("endpoint %+v", e)
				}
				if v.auth != (e.BasicAuth != nil) {
					t.Errorf("endpoint %s: basic auth is %v", e.Port, e.BasicAuth)
				}
			}
			if diff := cmp.Diff(names, scraped); diff != "" {
				t.Errorf("the ServiceMonitor's endpoints:\n%s", diff)
			}
		})
	}
}

func TestSelectorsFindWhatTheyAreMeantToFind(t *testing.T) {
	for _, v := range variants(t) {
		t.Run(v.folder, func(t *testing.T) {
			labels := v.deployment.Spec.Template.Labels
			for what, selector := range map[string]map[string]string{
				"Deployment": v.deployment.Spec.Selector.MatchLabels, "Service": v.service.Spec.Selector,
			} {
				if diff := cmp.Diff(labels, selector); diff != "" {
					t.Errorf("the %s does not select the pods:\n%s", what, diff)
				}
			}
			if diff := cmp.Diff(v.service.Labels, v.monitor.Spec.Selector.MatchLabels); diff != "" {
				t.Errorf("the ServiceMonitor does not select the Service:\n%s", diff)
			}
			if !slices.Equal(v.monitor.Spec.NamespaceSelector.MatchNames, []string{v.service.Namespace}) || v.monitor.Labels["release"] == "" {
				t.Errorf("the ServiceMonitor looks in %v and has labels %v", v.monitor.Spec.NamespaceSelector.MatchNames, v.monitor.Labels)
			}
			backend := v.ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service
			if backend.Name != v.service.Name || backend.Port.Name != "http" {
				t.Errorf("the Ingress leads to %+v", backend)
			}
			restricted(t, v.folder, v.deployment.Spec.Template.Spec)
		})
	}
}

func TestTheProbesAreTheTutorials(t *testing.T) {
	for _, v := range variants(t) {
		app := v.container(t, v.app)
		for what, p := range map[string]*corev1.Probe{"readiness": app.ReadinessProbe, "liveness": app.LivenessProbe} {
			if p == nil || p.HTTPGet == nil || p.HTTPGet.Path != demo(t, v.app).Spec.Health.Path ||
				p.InitialDelaySeconds != 10 || p.PeriodSeconds != 30 || p.FailureThreshold != 3 || p.TimeoutSeconds != 1 {
				t.Errorf("%s: %s probe is %+v", v.folder, what, p)
				continue
			}
			if !slices.ContainsFunc(app.Ports, func(c corev1.ContainerPort) bool {
				return c.Name == p.HTTPGet.Port.StrVal && int(c.ContainerPort) == env(t, app, "PORT")
			}) {
				t.Errorf("%s: the %s probe asks port %s, which is not the application's", v.folder, what, p.HTTPGet.Port.StrVal)
			}
		}
	}
}

func TestTheHPAIsTheApplicationFiles(t *testing.T) {
	for _, v := range variants(t) {
		a := demo(t, v.app)
		if (v.hpa != nil) != a.Scales() {
			t.Errorf("%s: has an HPA: %v, scales: %v", v.folder, v.hpa != nil, a.Scales())
			continue
		}
		if v.hpa == nil {
			continue
		}
		if diff := cmp.Diff(asJSON(t, a.HPASpec()), asJSON(t, v.hpa.Spec)); diff != "" {
			t.Errorf("%s: the HPA differs from demo/%s/truecount.yaml:\n%s", v.folder, v.app, diff)
		}
		if v.deployment.Spec.Replicas != nil {
			t.Errorf("%s: the Deployment sets the replicas that the HPA decides", v.folder)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTheDashboardsShowTheApplicationFilesPanels(t *testing.T) {
	titles := map[string]string{"clicks": "Prometheus Demo App Dashboard", "dogwalk": "Dog Walks", "latency": "Response Times", "servicewindow": "Service Windows"}
	for _, v := range variants(t) {
		if v.auth { // the dashboard is that of the folder without
			continue
		}
		if len(v.configMaps) != 1 || v.configMaps[0].Labels["grafana_dashboard"] != "1" {
			t.Fatalf("%s: want one ConfigMap for Grafana's sidecar, got %v", v.folder, v.configMaps)
		}
		var dashboard struct {
			Title  string
			UID    string
			Panels []struct {
				ID          int
				Title       string
				FieldConfig struct{ Defaults struct{ Unit string } }
				Targets     []struct{ Expr, LegendFormat string }
			}
		}
		for name, text := range v.configMaps[0].Data {
			if !strings.HasSuffix(name, ".json") {
				t.Errorf("%s: the sidecar does not read %s", v.folder, name)
			}
			if err := json.Unmarshal([]byte(text), &dashboard); err != nil {
				t.Fatalf("%s: %v", v.folder, err)
			}
		}
		if dashboard.Title != titles[v.app] || dashboard.UID == "" {
			t.Errorf("%s: is called %q (%s)", v.folder, dashboard.Title, dashboard.UID)
		}
		var want, got [][4]string
		for _, p := range demo(t, v.app).Spec.Dashboard.Panels {
			want = append(want, [4]string{p.Title, p.Query, p.Legend, p.Unit})
		}
		for _, p := range dashboard.Panels {
			got = append(got, [4]string{p.Title, p.Targets[0].Expr, p.Targets[0].LegendFormat, p.FieldConfig.Defaults.Unit})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the panels differ from demo/%s/truecount.yaml:\n%s", v.folder, v.app, diff)
		}
	}
}
