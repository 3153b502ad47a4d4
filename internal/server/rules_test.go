package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/truecount/truecount/test/await"
)

// withRules puts rules/clicks.yml beside a configuration file.
func withRules(t *testing.T, config, rules string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", rules))
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(filepath.Dir(config), "rules", "clicks.yml"), string(content))
}

// alertmanager takes the alerts that are posted to it.
type alertmanager struct {
	mu     sync.Mutex
	alerts []alert
}

type alert struct {
	Labels, Annotations map[string]string
	GeneratorURL        string
}

func (a *alertmanager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.URL.Path != "/api/v2/alerts" || json.NewDecoder(r.Body).Decode(&a.alerts) != nil {
		http.Error(w, "not alerts", http.StatusBadRequest)
	}
}

func (a *alertmanager) names() (names []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, al := range a.alerts {
		names = append(names, al.Labels["alertname"])
	}
	return names
}

func (a *alertmanager) first() alert {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.alerts[0]
}

func TestRulesRecordAndAlert(t *testing.T) {
	tg, am := newTarget(t, "clicks_total{worker=\"1\"} 2\nclicks_total{worker=\"2\"} 3\n"), &alertmanager{}
	receiver := httptest.NewServer(am)
	t.Cleanup(receiver.Close)
	config := configuration(t, "rules.yml", "target.invalid:1", tg.addr(), "alertmanager.invalid:1", hostPort(receiver.URL))
	withRules(t, config, "rules_clicks.yml")
	in := run(t, config, func(o *Options) { o.ExternalURL = "http://truecount.example/" })
	in.eventuallyValue(t, `job:clicks:sum`, "5")
	await.True(t, "the Alertmanager is discovered", func() bool {
		return metric(t, in, "prometheus_notifications_alertmanagers_discovered ") == "1"
	})
	if got := am.names(); len(got) != 0 {
		t.Errorf("alerts at 5 clicks: %v", got)
	}
	tg.set("clicks_total{worker=\"1\"} 20\nclicks_total{worker=\"2\"} 3\n")
	in.eventuallyValue(t, `ALERTS{alertname="ManyClicks", alertstate="firing", severity="page"}`, "1")
	await.True(t, "the alert is received", func() bool { return len(am.names()) == 1 && am.names()[0] == "ManyClicks" })
	if got := am.first(); got.Annotations["summary"] != "23 clicks" || !strings.HasPrefix(got.GeneratorURL, "http://truecount.example/graph?") {
		t.Errorf("alert = %+v", got)
	}

	groups := api[struct {
		Groups []struct{ Name string }
	}](t, in, "rules")
	if len(groups.Groups) != 1 || groups.Groups[0].Name != "clicks" {
		t.Errorf("rules = %+v", groups)
	}
	await.True(t, "the only alert is shown as firing", func() bool { // it rests while a lost scrape leaves a gap
		alerts := api[struct{ Alerts []struct{ State string } }](t, in, "alerts")
		return len(alerts.Alerts) == 1 && alerts.Alerts[0].State == "firing"
	})
}

func TestAlertsReachAnAlertmanagerInTheSameProcess(t *testing.T) {
	tg, am := newTarget(t, "clicks_total 0\n"), &alertmanager{}
	config := configuration(t, "rules.yml", "target.invalid:1", tg.addr())
	withRules(t, config, "rules_clicks.yml")
	in := run(t, config, func(o *Options) {
		o.NotifierDo = func(_ context.Context, _ *http.Client, r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			am.ServeHTTP(w, r)
			return w.Result(), nil
		}
	})
	// An alert that fires before the Alertmanager is discovered is sent again only after a minute.
	await.True(t, "the Alertmanager is discovered", func() bool {
		return metric(t, in, "prometheus_notifications_alertmanagers_discovered ") == "1"
	})
	tg.set("clicks_total 6\n")
	await.True(t, "the alert is received", func() bool { return len(am.names()) == 1 })
}

func TestRulesAreEvaluatedWhileQueriesOfDeathAreRefused(t *testing.T) {
	tg := newTarget(t, "clicks_total 6\n")
	config := configuration(t, "rules.yml", "target.invalid:1", tg.addr(), "alertmanager.invalid:1", "127.0.0.1:1")
	withRules(t, config, "rules_clicks.yml")
	in := run(t, config, func(o *Options) { o.Query.MaxSamples = 1000; o.Query.Concurrency = 2 })
	in.eventuallyValue(t, "job:clicks:sum", "6")
	before := metric(t, in, "prometheus_rule_evaluations_total")
	for range 20 {
		code, body := in.get(t, "/api/v1/query_range", "query", "clicks_total", "start", "0", "end", "10000", "step", "1")
		if code != http.StatusUnprocessableEntity && code != http.StatusOK {
			t.Fatalf("%d %s", code, body)
		}
		if code, body := in.get(t, "/api/v1/query", "query", "count_over_time((vector(1))[1h:1s])"); code != http.StatusUnprocessableEntity || !strings.Contains(body, "too many samples") {
			t.Fatalf("3,600 samples with a limit of 1,000: %d %s", code, body)
		}
	}
	await.True(t, "rules go on", func() bool { return metric(t, in, "prometheus_rule_evaluations_total") != before })
	if got := metric(t, in, "prometheus_rule_evaluation_failures_total"); got != "0" {
		t.Errorf("failed evaluations: %s", got)
	}
}

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
