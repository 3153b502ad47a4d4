// Package djangotest holds the library's names against the list of django-prometheus'.
package djangotest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/cache"
	"github.com/truecount/truecount/instrument/database"
	"github.com/truecount/truecount/instrument/migrations"
	"github.com/truecount/truecount/instrument/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// metric is one line of the list.
type metric struct {
	section, kind, name string
	labels, buckets     []string
}

func list(t *testing.T) (metrics []metric) {
	t.Helper()
	file, err := os.Open("testdata/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	buckets := map[string][]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 0 || fields[0] == "#":
		case fields[0] == "buckets":
			buckets[fields[1]] = fields[2:]
		case len(fields) == 5:
			m := metric{section: fields[0], kind: fields[1], name: fields[2]}
			if fields[3] != "-" {
				m.labels = strings.Split(fields[3], ",")
				slices.Sort(m.labels)
			}
			if fields[4] != "-" {
				if m.buckets = buckets[fields[4]]; m.buckets == nil {
					t.Fatalf("no such buckets: %s", fields[4])
				}
			}
			metrics = append(metrics, m)
		default:
			t.Fatalf("not a line of the list: %q", lines.Text())
		}
	}
	return metrics
}

func TestTheListHasEveryMetricOfDjangoPrometheus(t *testing.T) {
	counts := map[string]int{}
	for _, m := range list(t) {
		counts[m.section]++
	}
	want := map[string]int{"http": 19, "database": 6, "cache": 4, "model": 3, "migrations": 2}
	if fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("the list has %v, django-prometheus %v", counts, want)
	}
}

// use makes every metric of the library have a series, by using it as an application does.
func use(t *testing.T, m *instrument.Metrics) {
	t.Helper()
	useHTTP(t, m)

	databases, err := database.New(m, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	alias := databases.Handle("default", database.PostgreSQL)
	alias.Executed(time.Millisecond, errors.New("duplicate key"))

	backends, err := cache.New(m, "default")
	if err != nil {
		t.Fatal(err)
	}
	backends.Backend("default")

	if _, err := model.New(m, "walk"); err != nil {
		t.Fatal(err)
	}
	if err := migrations.Register(m, "default", func(context.Context) (applied, unapplied int, err error) { return 5, 0, nil }); err != nil {
		t.Fatal(err)
	}
	if err := m.Err(); err != nil {
		t.Fatal(err)
	}
}

func useHTTP(t *testing.T, m *instrument.Metrics) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /walks/{id}", func(w http.ResponseWriter, r *http.Request) {
		instrument.SetTemplate(w, "walk.html")
		_, _ = io.WriteString(w, "<html>")
	})
	mux.HandleFunc("GET /broken", func(http.ResponseWriter, *http.Request) { panic("broken") })
	h := m.Outermost(m.Middleware(mux))
	for _, target := range [][2]string{{"GET", "/walks/7"}, {"GET", "/nowhere"}, {"BREW", "/walks/7"}, {"GET", "/broken"}} {
		func() {
			defer func() { _ = recover() }()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(target[0], target[1], nil))
		}()
	}
}

func families(t *testing.T, opts instrument.Options) map[string]*dto.MetricFamily {
	t.Helper()
	reg := prometheus.NewRegistry()
	opts.Registry, opts.WithoutRuntime = reg, true
	m, err := instrument.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	use(t, m)
	gathered, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*dto.MetricFamily{}
	for _, f := range gathered {
		byName[f.GetName()] = f
	}
	return byName
}

func TestEveryMetricHasTheNameLabelsAndBucketsOfDjangoPrometheus(t *testing.T) {
	found := families(t, instrument.Options{Names: instrument.DjangoNames})
	for _, want := range list(t) {
		t.Run(want.name, func(t *testing.T) {
			family := found[want.name]
			if family == nil {
				t.Fatal("is not exposed")
			}
			if kind := strings.ToLower(family.GetType().String()); kind != want.kind {
				t.Errorf("is a %s, want a %s", kind, want.kind)
			}
			for _, series := range family.GetMetric() {
				if got := labels(series); !slices.Equal(got, want.labels) {
					t.Errorf("has the labels %q, want %q", got, want.labels)
				}
				if got := bounds(series); !slices.Equal(got, numbers(t, want.buckets)) {
					t.Errorf("has the buckets %v, want %v", got, want.buckets)
				}
			}
		})
		delete(found, want.name)
	}
	for name := range found {
		if strings.HasPrefix(name, "django_") {
			t.Errorf("%s is exposed, and django-prometheus has no such metric", name)
		}
		// What both have must not be there under both names.
		for _, prefix := range []string{"http_request_", "http_response", "http_panics", "db_connections", "db_exec", "cache_", "model_", "migrations_"} {
			if strings.HasPrefix(name, prefix) {
				t.Errorf("%s is exposed beside django-prometheus' names", name)
			}
		}
	}
}

func TestANamespaceStandsInFrontAsInDjangoPrometheus(t *testing.T) {
	found := families(t, instrument.Options{Names: instrument.DjangoNames, Namespace: "shop"})
	for _, want := range list(t) {
		if found["shop_"+want.name] == nil {
			t.Errorf("shop_%s is not exposed", want.name)
		}
	}
}

func TestPrometheusNamesHaveNothingOfDjango(t *testing.T) {
	for name := range families(t, instrument.Options{Extended: true}) {
		if strings.Contains(name, "django") {
			t.Errorf("%s is exposed", name)
		}
	}
}

func labels(series *dto.Metric) (names []string) {
	for _, pair := range series.GetLabel() {
		names = append(names, pair.GetName())
	}
	slices.Sort(names)
	return names
}

// bounds are those of a classic histogram, +Inf included, which client_golang leaves to the exposition.
func bounds(series *dto.Metric) (upper []float64) {
	if series.Histogram == nil {
		return nil
	}
	for _, bucket := range series.GetHistogram().GetBucket() {
		upper = append(upper, bucket.GetUpperBound())
	}
	return append(upper, inf)
}

var inf, _ = strconv.ParseFloat("+Inf", 64)

func numbers(t *testing.T, texts []string) (numbers []float64) {
	t.Helper()
	for _, text := range texts {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, n)
	}
	return numbers
}
