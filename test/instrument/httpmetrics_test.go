package instrument_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/truecount/truecount/instrument"
)

const (
	httpPage   = "../../docs/reference/http-metrics.md"
	djangoList = "../../instrument/internal/djangotest/testdata/metrics.txt"
)

// tables reads the rows of a page's tables, by the heading that precedes them and the number of the table below it.
func tables(t *testing.T, file string) (all [][][]string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var table [][]string
	for line := range strings.Lines(string(text) + "\n") {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "|---"):
			table = nil // what was above is the header
		case strings.HasPrefix(line, "|"):
			var cells []string
			for _, cell := range strings.Split(strings.Trim(line, "|"), "|") {
				cells = append(cells, strings.Trim(strings.TrimSpace(cell), "`"))
			}
			table = append(table, cells)
		case table != nil:
			all = append(all, table)
			table = nil
		}
	}
	return all
}

func commaList(cell string) []string {
	var names []string
	for _, name := range strings.Split(cell, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// gathered sends the same requests through a service with the options given, in virtual time, and gathers its metrics.
func gathered(t *testing.T, opts instrument.Options, streaming bool) (families []*dto.MetricFamily) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		opts.Registry, opts.WithoutRuntime = reg, true
		m, err := instrument.New(opts)
		if err != nil {
			t.Fatal(err)
		}
		service := m.Outermost(slow(m.Middleware(slow(pages()))))
		for n, target := range [][2]string{
			{"GET", "/walks/1"}, {"GET", "/walks/2"}, {"GET", "https://example.com/walks/3"}, {"POST", "/walks"}, {"POST", "/walks"},
			{"GET", "/picture"}, {"GET", "/nowhere"}, {"DELETE", "/walks/1"}, {"BREW", "/nowhere"}, {"GET", "/broken"}, {"GET", "/broken"},
			{"GET", "/odd"}, {"GET", "/events"},
		} {
			if target[1] == "/events" && !streaming {
				continue
			}
			r := httptest.NewRequest(target[0], target[1], strings.NewReader(strings.Repeat("x", n*n)))
			if n%3 == 0 {
				r.Header.Set("X-Requested-With", "XMLHttpRequest")
			}
			func() {
				defer func() { _ = recover() }()
				service.ServeHTTP(httptest.NewRecorder(), r)
			}()
		}
		if families, err = reg.Gather(); err != nil {
			t.Fatal(err)
		}
	})
	return families
}

func slow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(1+len(r.URL.Path)*len(r.URL.Path)) * time.Millisecond)
		next.ServeHTTP(w, r)
	})
}

func pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /walks/{id}", func(w http.ResponseWriter, r *http.Request) {
		instrument.SetTemplate(w, "walk.html")
		_, _ = io.WriteString(w, "<html>"+r.PathValue("id"))
	})
	mux.HandleFunc("POST /walks", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusCreated) })
	mux.HandleFunc("/picture", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Type", "image/png") })
	mux.HandleFunc("/broken", func(http.ResponseWriter, *http.Request) { panic("broken") })
	mux.HandleFunc("/odd", func(http.ResponseWriter, *http.Request) { panic(http.ErrBodyNotAllowed) })
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() })
	return mux
}

func TestThePageOfHTTPMetricsHasThemAll(t *testing.T) {
	families := gathered(t, instrument.Options{Extended: true}, true)
	page := tables(t, httpPage)[0]
	for _, family := range families {
		i := slices.IndexFunc(page, func(row []string) bool { return row[0] == family.GetName() })
		if i < 0 {
			if strings.HasPrefix(family.GetName(), "http_") {
				t.Errorf("%s is not on the page", family.GetName())
			}
			continue
		}
		if kind := strings.ToLower(family.GetType().String()); kind != page[i][1] {
			t.Errorf("%s is a %s", family.GetName(), kind)
		}
		var labels []string
		for _, pair := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, pair.GetName())
		}
		if slices.Sort(labels); !slices.Equal(labels, commaList(page[i][2])) {
			t.Errorf("%s has the labels %q", family.GetName(), labels)
		}
		page = slices.Delete(slices.Clone(page), i, i+1)
	}
	for _, row := range page {
		t.Errorf("%s is on the page and not exposed", row[0])
	}
}

func TestThePageOfHTTPMetricsHasDjangosNineteen(t *testing.T) {
	text, err := os.ReadFile(djangoList)
	if err != nil {
		t.Fatal(err)
	}
	page := tables(t, httpPage)[1]
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 5 || fields[0] != "http" {
			continue
		}
		if len(page) == 0 || page[0][0] != fields[2] || !slices.Equal(commaList(page[0][1]), commaList(strings.Trim(fields[3], "-"))) {
			t.Fatalf("the page has %q where the list has %s{%s}", page, fields[2], fields[3])
		}
		page = page[1:]
	}
	if len(page) != 0 {
		t.Errorf("the page has more: %q", page)
	}
}

// TestThePromQLOfThePageGivesDjangosNumbers evaluates each expression on the metrics of a service with Prometheus' names,
// and compares it to what a service with Django's names exposes after the same requests.
func TestThePromQLOfThePageGivesDjangosNumbers(t *testing.T) {
	for _, streaming := range []bool{false, true} {
		django := samples(gathered(t, instrument.Options{Names: instrument.DjangoNames}, streaming))
		ours := samples(gathered(t, instrument.Options{Extended: true, SizeBuckets: instrument.DjangoSizeBuckets()}, streaming))
		ask := evaluator(t, ours)
		page := tables(t, httpPage)
		for _, row := range page[1] {
			name, expr := row[0], row[2]
			if streaming && name == "django_http_responses_body_total_bytes" {
				continue // the page says: streamed responses have a size with our names only
			}
			if !strings.Contains(expr, "_bucket") {
				compare(t, name, django[name], ask(expr, page[2]))
				continue
			}
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				compare(t, name+part, django[name+part], ask(strings.Replace(expr, "_bucket", part, 1), page[2]))
			}
		}
	}
}

// compare is of the series that are not 0: a sum has none of those that nothing was counted in.
func compare(t *testing.T, name string, want, got map[string]float64) {
	t.Helper()
	zero := func(_ string, value float64) bool { return value == 0 }
	maps.DeleteFunc(want, zero)
	maps.DeleteFunc(got, zero)
	if !maps.Equal(want, got) {
		t.Errorf("%s\n  django-prometheus' names: %v\n  the page's expression:    %v", name, want, got)
	}
	if len(want) == 0 && !strings.Contains(name, "unknown_latency") && !strings.Contains(name, "streaming") {
		t.Errorf("%s: nothing was compared", name)
	}
}
