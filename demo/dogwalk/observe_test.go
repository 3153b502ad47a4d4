package dogwalk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/demo/dogwalk"
	"github.com/truecount/truecount/instrument/jsonlog"
)

// logged makes a site write its log, as the program does, into out.
func logged(out *bytes.Buffer) func(*dogwalk.Options) {
	return func(o *dogwalk.Options) { o.Logger = slog.New(jsonlog.New(out, jsonlog.Options{Logger: "dogwalk"})) }
}

// value is the value of the one counter or gauge that has these labels, given as name, value, name, value ….
func (s *site) value(name string, labels ...string) float64 {
	s.t.Helper()
	for _, m := range s.families()[name].GetMetric() {
		if hasLabels(m, labels) {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	s.t.Errorf("no series %s%q", name, labels)
	return 0
}

func hasLabels(m *dto.Metric, labels []string) bool {
	found := 0
	for _, pair := range m.Label {
		for i := 0; i < len(labels); i += 2 {
			if pair.GetName() == labels[i] && pair.GetValue() == labels[i+1] {
				found++
			}
		}
	}
	return 2*found == len(labels)
}

func TestA7EveryRequestIsALineOfJSONWithTheRouteAndStatusOfItsMetrics(t *testing.T) {
	var out bytes.Buffer
	s := newSite(t, sqliteFile(t), logged(&out))
	s.post("/walks/start", "dog", "1", "walker", "1")
	s.get("/?walk=1&secret=tell-nobody")
	s.post("/walks/1/complete", "distance", "4711")
	s.get("/walks/99/status")
	s.get("/nothing")
	quiet := []string{"/health/", "/metrics", "/static/dogwalk.css"}
	for _, path := range quiet {
		s.get(path)
	}

	want := []string{"POST /walks/start 303", "GET /{$} 200", "POST /walks/{id}/complete 303", "GET /walks/{id}/status 404", "GET unmatched 404"}
	var got []string
	for line := range strings.Lines(out.String()) {
		var l struct {
			Event, Level, Logger string
			Timestamp            time.Time
			Method, Route        string
			Status               int
			Size                 int64
			Duration             float64
			Host, Request        string
			User, Referer, Agent *string
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if l.Logger != "dogwalk.access" {
			continue
		}
		got = append(got, l.Method+" "+l.Route+" "+strconv.Itoa(l.Status))
		if l.Event != "request" || l.Level != "info" || l.Timestamp.IsZero() || l.Host != "192.0.2.1" || l.User != nil || l.Referer != nil || l.Agent != nil {
			t.Errorf("line %s", line)
		}
		labels := []string{"route", l.Route, "method", l.Method}
		if counted := s.value("http_requests_total", append(labels, "status", strconv.Itoa(l.Status))...); counted != 1 {
			t.Errorf("%v requests are counted as %v with status %d, one is in the log", counted, labels, l.Status)
		}
		if s.value("http_request_duration_seconds", labels...) != 1 {
			t.Errorf("%s is not in the histogram once", l.Route)
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("logged:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, secret := range []string{"tell-nobody", "4711"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the log has %q, which a visitor typed:\n%s", secret, out.String())
		}
	}
	if lost := s.value("access_log_lines_lost_total"); lost != 0 {
		t.Errorf("%v lines were lost", lost)
	}
}

func TestWhatIsAskedOfTheDatabaseIsCountedByItsKind(t *testing.T) {
	each(t, func(t *testing.T, newDatabase func(t *testing.T) database.Address) {
		address := newDatabase(t)
		s := newSite(t, address)
		labels := []string{"alias", "default", "vendor", address.Vendor()}
		for _, m := range s.families()["db_errors_total"].GetMetric() {
			if m.GetCounter().GetValue() != 0 {
				t.Errorf("an error is counted before anything is asked: %v", m)
			}
		}
		executed, timed := s.value("db_executions_total", labels...), s.value("db_query_duration_seconds", labels...)
		s.get("/walks/99/status") // one query
		if got := s.value("db_executions_total", labels...) - executed; got != 1 {
			t.Errorf("%v executions, want 1", got)
		}
		if got := s.value("db_query_duration_seconds", labels...) - timed; got != 1 {
			t.Errorf("%v durations, want 1", got)
		}
		if got := s.value("db_connections_opened_total", labels...); got < 1 {
			t.Errorf("%v connections were opened", got)
		}
		if got := s.value("db_pool_max_connections", labels...); got != 4 {
			t.Errorf("the pool has room for %v connections, want 4", got)
		}
		before := s.value("db_errors_total", append(labels, "class", "integrity_constraint_violation")...)
		s.post("/walks/start", "dog", "99", "walker", "1") // the database refuses it
		if got := s.value("db_errors_total", append(labels, "class", "integrity_constraint_violation")...) - before; got != 1 {
			t.Errorf("%v errors of integrity, want 1", got)
		}
	})
}

func TestModelsAreCountedWhenTheirRowsAreSaved(t *testing.T) {
	each(t, func(t *testing.T, newDatabase func(t *testing.T) database.Address) {
		s := newSite(t, newDatabase(t))
		count := func() string {
			var all []string
			for _, model := range []string{"walker", "dog", "walk"} {
				all = append(all, fmt.Sprint(model, " ", s.value("model_inserts_total", "model", model), " ",
					s.value("model_updates_total", "model", model), " ", s.value("model_deletes_total", "model", model)))
			}
			return strings.Join(all, ", ")
		}
		for _, step := range []struct{ what, path, form, want string }{
			{"at the start", "", "", "walker 0 0 0, dog 0 0 0, walk 0 0 0"}, // those of the migration are not this process' models
			{"a dog", "/dogs", "name=Rex&age=3", "walker 0 0 0, dog 1 0 0, walk 0 0 0"},
			{"a walker", "/walkers", "name=Edith&email=edith@dogwalk.example", "walker 1 0 0, dog 1 0 0, walk 0 0 0"},
			{"a walk", "/walks/start", "dog=1&walker=1", "walker 1 0 0, dog 1 0 0, walk 1 0 0"},
			{"a walk of no dog", "/walks/start", "dog=99&walker=1", "walker 1 0 0, dog 1 0 0, walk 1 0 0"},
			{"its end", "/walks/1/complete", "distance=500", "walker 1 0 0, dog 1 0 0, walk 1 1 0"},
			{"its end again", "/walks/1/complete", "distance=500", "walker 1 0 0, dog 1 0 0, walk 1 1 0"},
			{"twenty walks", "/alerts/long-walks", "", "walker 1 0 0, dog 1 0 0, walk 21 21 0"},
			{"a dog less", "/dogs/1/delete", "", "walker 1 0 0, dog 1 0 1, walk 21 21 0"}, // its walks are the database's doing
			{"no dog less", "/dogs/99/delete", "", "walker 1 0 0, dog 1 0 1, walk 21 21 0"},
			{"a walker less", "/walkers/1/delete", "", "walker 1 0 1, dog 1 0 1, walk 21 21 0"},
		} {
			if step.path != "" {
				s.send("POST", step.path, step.form)
			}
			if got := count(); got != step.want {
				t.Errorf("after %s: %s (inserts, updates, deletes); want %s", step.what, got, step.want)
			}
		}
		for _, m := range s.families()["model_inserts_total"].GetMetric() {
			if hasLabels(m, []string{"model", "other"}) {
				t.Error("a model is counted that has no name")
			}
		}
	})
}

func TestMigrationsAreCountedAtEachScrape(t *testing.T) {
	each(t, func(t *testing.T, newDatabase func(t *testing.T) database.Address) {
		address := newDatabase(t)
		s := newSite(t, address)
		want := func(applied, unapplied float64) {
			t.Helper()
			if got := s.value("migrations_applied", "connection", "default"); got != applied {
				t.Errorf("%v applied, want %v", got, applied)
			}
			if got := s.value("migrations_unapplied", "connection", "default"); got != unapplied {
				t.Errorf("%v unapplied, want %v", got, unapplied)
			}
		}
		want(2, 0)
		before := s.value("db_executions_total", "alias", "default")
		execute(t, address, "DELETE FROM goose_db_version WHERE version_id = 2")
		want(1, 1)
		if after := s.value("db_executions_total", "alias", "default"); after != before {
			t.Errorf("scrapes count as %v executions of the application's", after-before)
		}
		s.app.Close()
		if got := s.families()["migrations_applied"]; got != nil {
			t.Errorf("the database does not answer, and a scrape says %v", got)
		}
	})
}

func TestA2RequestsAreCountedBeforeAndAfterTheMiddlewareAndPagesByTheirTemplate(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	s.get("/")
	s.get("/walks/99/status")
	fromElsewhere := httptest.NewRequest("POST", "/dogs", strings.NewReader("name=Rex&age=3"))
	fromElsewhere.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	fromElsewhere.Header.Set("Sec-Fetch-Site", "cross-site")
	refused := httptest.NewRecorder()
	s.handler.ServeHTTP(refused, fromElsewhere)
	if refused.Code != 403 {
		t.Fatalf("a form of another site: status %d, want 403", refused.Code)
	}
	for _, c := range []struct {
		want   float64
		series []string // name, label, value …
	}{
		{3, []string{"http_requests_received_total"}},
		{3, []string{"http_responses_sent_total"}},
		{3, []string{"http_request_duration_with_middlewares_seconds"}},
		{1, []string{"http_requests_total", "route", "/{$}", "method", "GET", "status", "200"}},
		{1, []string{"http_requests_total", "route", "/walks/{id}/status", "method", "GET", "status", "404"}},
		{1, []string{"http_responses_by_template_total", "template", "overview"}},
		{1, []string{"http_responses_by_template_total", "template", "message"}},
	} {
		if got := s.value(c.series[0], c.series[1:]...); got != c.want {
			t.Errorf("%q is %v, want %v", c.series, got, c.want)
		}
	}
	for _, m := range s.families()["http_requests_total"].GetMetric() {
		if hasLabels(m, []string{"status", "403"}) {
			t.Error("what the middleware refused is counted as if the mux had answered it")
		}
	}
}

func TestALineOfTheLogLeadsToItsTrace(t *testing.T) {
	var out bytes.Buffer
	s := newSite(t, sqliteFile(t), logged(&out))
	request := httptest.NewRequest("GET", "/kennel", nil)
	request.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	s.handler.ServeHTTP(httptest.NewRecorder(), request)
	if !strings.Contains(out.String(), `"route":"/kennel","status":200`) || !strings.Contains(out.String(), `"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"`) {
		t.Errorf("the log:\n%s", out.String())
	}
}
