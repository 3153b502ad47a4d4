package database_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/database"
)

// The list is that of django-prometheus 2.4 (django_prometheus/db/metrics.py).
func TestDjangosNamesAreThoseOfDjangoPrometheus(t *testing.T) {
	s := serve(t, instrument.DjangoNames, database.Options{})
	want := map[string][]string{
		"django_db_new_connections_total":       {"alias", "vendor"},
		"django_db_new_connection_errors_total": {"alias", "vendor"},
		"django_db_execute_total":               {"alias", "vendor"},
		"django_db_execute_many_total":          {"alias", "vendor"},
		"django_db_errors_total":                {"alias", "type", "vendor"},
		"django_db_query_duration_seconds":      {"alias", "vendor"},
	}
	families, err := s.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "django_db_") {
			continue
		}
		var labels []string
		for _, l := range family.Metric[0].Label {
			labels = append(labels, l.GetName())
		}
		if !slices.Equal(labels, want[family.GetName()]) {
			t.Errorf("%s has labels %q, want %q", family.GetName(), labels, want[family.GetName()])
		}
		delete(want, family.GetName())
		if h := family.Metric[0].Histogram; h != nil {
			var bounds []float64
			for _, bucket := range h.Bucket {
				bounds = append(bounds, bucket.GetUpperBound())
			}
			if !slices.Equal(bounds, []float64{.01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 25, 50, 75}) {
				t.Error("buckets", bounds)
			}
		}
	}
	for name := range want {
		t.Errorf("%s is missing", name)
	}
}

func TestDjangosExecuteManyIsPartOfExecute(t *testing.T) {
	s := serve(t, instrument.DjangoNames, database.Options{})
	s.metrics.Handle("default", database.PostgreSQL).BatchExecuted(5, 0, nil)
	got := expose(t, s)
	if got["django_db_execute_total"] != 5 || got["django_db_execute_many_total"] != 5 ||
		got["django_db_query_duration_seconds count"] != 1 {
		t.Error(got)
	}
}

func TestNamesAreThoseThatPrometheusAsksFor(t *testing.T) {
	for _, names := range []instrument.Names{instrument.PrometheusNames, instrument.DjangoNames} {
		problems, err := testutil.GatherAndLint(serve(t, names, database.Options{}))
		if err != nil || len(problems) > 0 {
			t.Errorf("scheme %d: %v %v", names, problems, err)
		}
	}
}

func TestDurationsAreNativeWhereTheServicesHistogramsAre(t *testing.T) {
	for kind, want := range map[instrument.Histograms]string{
		instrument.ClassicHistograms: "16 classic, native false", instrument.NativeHistograms: "0 classic, native true",
		instrument.ClassicAndNativeHistograms: "16 classic, native true",
	} {
		reg := prometheus.NewRegistry()
		m, err := instrument.New(instrument.Options{Registry: reg, WithoutRuntime: true, Histograms: kind})
		if err != nil {
			t.Fatal(err)
		}
		databases, err := database.New(m, database.Options{})
		if err != nil {
			t.Fatal(err)
		}
		databases.Handle("default", database.SQLite).Executed(time.Second, nil)
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() != "db_query_duration_seconds" {
				continue
			}
			h := f.GetMetric()[0].GetHistogram()
			if got := fmt.Sprintf("%d classic, native %t", len(h.GetBucket()), len(h.GetPositiveSpan()) > 0); got != want || h.GetSampleCount() != 1 {
				t.Errorf("%d observations: %s, want %s", h.GetSampleCount(), got, want)
			}
		}
	}
}

func TestTheNamespaceOfTheServiceIsInFront(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := instrument.New(instrument.Options{Registry: reg, WithoutRuntime: true, Namespace: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := database.New(m, database.Options{Buckets: []float64{.5}})
	if err != nil {
		t.Fatal(err)
	}
	metrics.Handle("default", database.SQLite).Executed(0, nil)
	if got := expose(t, reg)[`shop_db_executions_total{vendor="sqlite"}`]; got != 1 {
		t.Error(expose(t, reg))
	}
}

func TestWhatCannotBeIsAnError(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := instrument.New(instrument.Options{Registry: reg, WithoutRuntime: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, opts := range map[string]database.Options{
		"buckets that fall":              {Buckets: []float64{1, .5}},
		"a negative number of databases": {MaxDatabases: -1},
	} {
		if _, err := database.New(m, opts); err == nil {
			t.Error(name)
		}
	}
	if _, err := database.New(nil, database.Options{}); err == nil {
		t.Error("no metrics")
	}
	if _, err := database.New(m, database.Options{}); err != nil {
		t.Error(err)
	}
	if _, err := database.New(m, database.Options{}); err == nil || !strings.Contains(err.Error(), "make them once and hand them on") {
		t.Error("the second of one service:", err)
	}
}

func TestL2AliasesBeyondTheLimitShareOne(t *testing.T) {
	var log bytes.Buffer
	s := serve(t, instrument.PrometheusNames, database.Options{MaxDatabases: 3, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	first := s.metrics.Handle("default", database.PostgreSQL)
	for i := range 1000 {
		s.metrics.Handle(fmt.Sprintf("tenant-%d", i), database.PostgreSQL).Executed(0, nil)
	}
	if s.metrics.Handle("default", database.PostgreSQL) != first {
		t.Error("a handle is not the same for the same database")
	}
	got := expose(t, s)
	if n := got[`db_executions_total{alias="overflow",vendor="overflow"}`]; n != 998 {
		t.Errorf("%v executions of further databases, want 998", n)
	}
	if lines := strings.Count(log.String(), "\n"); lines != 1 {
		t.Errorf("%d log lines, want 1: %s", lines, &log)
	}
}

func TestL1NamesThatAreNotUTF8AreMadeSo(t *testing.T) {
	s := serve(t, instrument.PrometheusNames, database.Options{})
	s.metrics.Handle("caf\xe9", "\xff").Executed(0, nil)
	if got := expose(t, s)["db_executions_total{alias=\"caf\uFFFD\",vendor=\"\uFFFD\"}"]; got != 1 {
		t.Error(expose(t, s))
	}
}
