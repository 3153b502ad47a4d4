package instrumenttest

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
)

// Lint fails the test for each metric whose name, help or labels are not as Prometheus advises, as `promtool check
// metrics` does, and for each whose name or labels have other characters than letters, digits and underscores. Metrics
// named in except are not checked: names that other people rely on.
//
// A metric with labels is checked only if it has a series.
func Lint(t testing.TB, g prometheus.Gatherer, except ...string) {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatalf("the metrics cannot be gathered: %v", err)
	}
	families = slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return slices.Contains(except, f.GetName()) })
	for _, f := range families {
		for _, name := range names(f) {
			if !plain.MatchString(name) {
				t.Errorf("metric %s: %q should consist of letters, digits and underscores: it has another name for scrapers that don't ask for UTF-8",
					f.GetName(), name)
			}
		}
	}
	report(t, promlint.NewWithMetricFamilies(families), except)
}

// plain are the names that all scrapers can read. promtool can't read others at all.
var plain = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)

// names are those of a metric and of its labels.
func names(f *dto.MetricFamily) []string {
	all := []string{f.GetName()}
	for _, m := range f.GetMetric() {
		for _, label := range m.GetLabel() {
			if !slices.Contains(all, label.GetName()) {
				all = append(all, label.GetName())
			}
		}
	}
	return all
}

// LintHandler is [Lint] for what a handler answers to GET in the text format: that it can be read, too.
func LintHandler(t testing.TB, h http.Handler, except ...string) {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if rec.Code != http.StatusOK {
		t.Fatalf("the handler answered status %d: %.200s", rec.Code, rec.Body)
	}
	report(t, promlint.New(rec.Body), except)
}

func report(t testing.TB, linter *promlint.Linter, except []string) {
	t.Helper()
	problems, err := linter.Lint()
	if err != nil {
		t.Fatalf("the metrics cannot be read: %v", err)
	}
	for _, p := range problems {
		if !slices.Contains(except, p.Metric) {
			t.Errorf("metric %s: %s", p.Metric, p.Text)
		}
	}
}
