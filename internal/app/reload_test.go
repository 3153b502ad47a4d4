package app

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/hint"
)

func TestReloadErrorLeavesPreviousStateIntact(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "rules.yml", "groups: [{name: kept, rules: [{record: kept, expr: vector(1)}]}]\n")
	config := write(t, dir, "prometheus.yml", "global: {evaluation_interval: 100ms}\nrule_files: [rules.yml]\n")
	r := launch(t, Options{Listen: "127.0.0.1:0", DataDir: filepath.Join(dir, "data"), ConfigFile: config, EnableLifecycle: true})
	r.eventuallyValue("kept", "1")
	before := r.get("/api/v1/status/config")

	for name, bad := range map[string]string{
		"not yaml":         "scrape_configs: [",
		"an unknown field": "scrape_confis: []",
		"bad rules":        "rule_files: [bad-rules.yml]",
		"gone":             "",
	} {
		if bad == "" {
			os.Remove(config)
		} else {
			write(t, dir, "bad-rules.yml", "groups: [{name: bad, rules: [{record: bad, expr: 'sum('}]}]\n")
			write(t, dir, "prometheus.yml", bad)
		}
		if err := r.Reload(); err == nil || hint.Of(err) == "" {
			t.Errorf("%s: Reload says %v, hint %q", name, err, hint.Of(err))
		}
		if status, _, err := r.send(http.MethodPost, r.URL()+"/-/reload"); err != nil || status != http.StatusInternalServerError {
			t.Errorf("%s: POST /-/reload: %d %v", name, status, err)
		}
		if after := r.get("/api/v1/status/config"); after != before {
			t.Errorf("%s: the configuration in force changed:\n%s", name, after)
		}
		if rules := r.get("/api/v1/rules"); !strings.Contains(rules, `"name":"kept"`) {
			t.Errorf("%s: the rules changed: %s", name, rules)
		}
	}

	// A good file after a bad one is taken.
	write(t, dir, "prometheus.yml", "scrape_configs: [{job_name: new}]\n")
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	if after := r.get("/api/v1/status/config"); !strings.Contains(after, "job_name: new") {
		t.Errorf("the good configuration is not in force: %s", after)
	}
}

func TestReloadBesideRunningWorkersLosesNoCount(t *testing.T) {
	r := launch(t, Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), AnyApplicationPort: true,
		Applications: []*application.Application{button(t, "clicks", freePort(t))}})
	r.click("clicks", 2)
	r.eventuallyValue("sum(demo_app_button_clicks_total)", "2")
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	r.click("clicks", 2)
	r.eventuallyValue("sum(demo_app_button_clicks_total)", "4")
}

func TestReloadBeforeAndAfterItRunsIsRefused(t *testing.T) {
	a := serving(t)
	if err := a.Reload(); err == nil {
		t.Error("Reload before Run says nothing")
	}
	r := run(t, a)
	soon(t, "ready", a.Ready())
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if err := a.Reload(); err == nil {
		t.Error("Reload after Run says nothing")
	}
}
