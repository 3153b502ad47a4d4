package server

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

func post(t *testing.T, in *instance, path string) (int, string) {
	t.Helper()
	resp, err := http.Post(in.url+path, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode, readAll(t, resp.Body)
}

func TestReloadAppliesAChangedFile(t *testing.T) {
	tg := newTarget(t, "clicks_total 7\n")
	config := configuration(t, "scrape.yml", "target.invalid:1", tg.addr())
	in := run(t, config, func(o *Options) { o.EnableLifecycle = true })
	in.eventuallyValue(t, `clicks_total{team="web"}`, "7")
	replaceIn(t, config, "team: web", "team: walks")
	if code, body := post(t, in, "/-/reload"); code != http.StatusOK || body != "" {
		t.Fatalf("reload: %d %q", code, body)
	}
	in.eventuallyValue(t, `clicks_total{team="walks"}`, "7")
	in.eventuallyValue(t, `clicks_total{team="web"}`, "")
}

func replaceIn(t *testing.T, file, old, new string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(content), old) {
		t.Fatalf("%s does not contain %q", file, old)
	}
	write(t, file, strings.ReplaceAll(string(content), old, new))
}

// A file can be wrong before anything is touched, or be refused by a part after others have taken it: in both cases
// scrapes, rules and the shown configuration are the old ones, and the next good file is taken.
func TestReloadErrorLeavesPreviousStateIntact(t *testing.T) {
	for _, mistake := range []struct{ name, old, new, want string }{
		{"unknown field", "scrape_configs:", "scrape_confgs:", `prometheus.yml:11: unknown field "scrape_confgs"`},
		{"bad rules", "rule_files: [\"rules/*.yml\"]", "rule_files: [\"bad/*.yml\"]", "bad.yml:4:23: "},
		// A job that runs is the one whose change can be refused.
		{"refused by scraping", "job_name: clicks", "job_name: clicks\n    tls_config: {ca_file: missing.pem}\n  - job_name: more", "scrape_configs cannot be applied"},
		{"refused by the query log", "evaluation_interval: 100ms", "evaluation_interval: 100ms\n  query_log_file: missing/folder/log", "query_log_file cannot be applied"},
	} {
		t.Run(mistake.name, func(t *testing.T) {
			tg := newTarget(t, "clicks_total 7\n")
			config := configuration(t, "rules.yml", "target.invalid:1", tg.addr(), "alertmanager.invalid:1", "127.0.0.1:1")
			rules := withRules(t, config, "rules_clicks.yml")
			write(t, strings.Replace(rules, "rules/clicks.yml", "bad/bad.yml", 1), "groups:\n- name: g\n  rules:\n  - {record: a, expr: \"sum(\"}\n")
			in := run(t, config, func(o *Options) { o.EnableLifecycle = true })
			in.eventuallyValue(t, "job:clicks:sum", "7")
			shown := api[struct{ YAML string }](t, in, "status/config").YAML

			replaceIn(t, config, mistake.old, mistake.new)
			replaceIn(t, config, "rule_files:", "storage: {tsdb: {retention: {time: 1d}}}\nrule_files:") // what the first part takes
			code, body := post(t, in, "/-/reload")
			if code != http.StatusInternalServerError || !strings.HasPrefix(body, "failed to reload config: ") || !strings.Contains(body, mistake.want) {
				t.Errorf("reload: %d %s", code, body)
			}
			if got := metric(t, in, "prometheus_config_last_reload_successful"); got != "0" {
				t.Errorf("prometheus_config_last_reload_successful = %s", got)
			}
			if now := api[struct{ YAML string }](t, in, "status/config").YAML; now != shown {
				t.Errorf("the configuration shown is now\n%s", now)
			}
			if got := metric(t, in, "prometheus_tsdb_retention_limit_seconds "); got != "1.296e+06" {
				t.Errorf("the database keeps %s seconds, not 15 days", got)
			}
			tg.set("clicks_total 8\n")
			in.eventuallyValue(t, "job:clicks:sum", "8")

			restored := configuration(t, "rules.yml", "target.invalid:1", tg.addr(), "alertmanager.invalid:1", "127.0.0.1:1", "job_name: clicks", "job_name: better")
			content, _ := os.ReadFile(restored)
			write(t, config, string(content))
			if err := in.Reload(); err != nil {
				t.Fatal(err)
			}
			in.eventuallyValue(t, `clicks_total{job="better"}`, "8")
			if got := metric(t, in, "prometheus_config_last_reload_successful"); got != "1" {
				t.Errorf("after a good file prometheus_config_last_reload_successful = %s", got)
			}
		})
	}
}

func TestReloadOverHTTPIsOffUnlessAskedFor(t *testing.T) {
	in := run(t, configuration(t, "scrape.yml", "target.invalid:1", "127.0.0.1:1"))
	if code, body := post(t, in, "/-/reload"); code != http.StatusForbidden || body != "Lifecycle API is not enabled." {
		t.Errorf("POST: %d %q", code, body)
	}
	if code, body := in.get(t, "/-/reload"); code != http.StatusMethodNotAllowed || body != "Only POST or PUT requests allowed" {
		t.Errorf("GET: %d %q", code, body)
	}
	if err := in.Reload(); err != nil {
		t.Errorf("from inside: %v", err)
	}
}

func TestOneInvalidRuleFileRefusesTheStart(t *testing.T) {
	config := configuration(t, "rules.yml")
	write(t, strings.Replace(config, "prometheus.yml", "rules/a.yml", 1), "groups:\n- name: g\n  rules:\n  - {record: a, expr: \"sum(\"}\n")
	_, err := New(Options{ConfigFile: config, DataDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "rules/a.yml:4:23: group \"g\", rule 1, \"a\": could not parse expression") {
		t.Errorf("New = %v", err)
	}
}
