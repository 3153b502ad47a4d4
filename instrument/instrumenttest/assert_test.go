package instrumenttest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/instrumenttest"
)

// fakeT keeps what a test would say. Its Fatalf ends the assertion as a test's does, by ending the goroutine.
type fakeT struct {
	testing.TB
	said  []string
	fatal bool
}

type ended struct{}

func (f *fakeT) Helper() {}

func (f *fakeT) Errorf(format string, v ...any) { f.said = append(f.said, fmt.Sprintf(format, v...)) }

func (f *fakeT) Fatalf(format string, v ...any) {
	f.Errorf(format, v...)
	f.fatal = true
	panic(ended{})
}

// says runs an assertion and returns what it said.
func says(assert func(t testing.TB)) (text string, fatal bool) {
	f := &fakeT{}
	func() {
		defer func() {
			if p := recover(); p != nil && p != (ended{}) {
				panic(p)
			}
		}()
		assert(f)
	}()
	return strings.Join(f.said, "\n"), f.fatal
}

func kennel(t *testing.T) *instrument.Metrics {
	t.Helper()
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), WithoutRuntime: true})
	if err != nil {
		t.Fatal(err)
	}
	dogs := m.GaugeVec(prometheus.GaugeOpts{Name: "dogs", Help: "Dogs."}, []string{"size", "kennel"})
	dogs.WithLabelValues("xs", "north").Set(2)
	dogs.WithLabelValues("xl", "north").Set(1)
	dogs.WithLabelValues("xl", `"quoted", {in} = south\`).Set(4)
	m.Counter(prometheus.CounterOpts{Name: "walks_started_total", Help: "Walks."}).Add(3)
	h := m.HistogramVec(prometheus.HistogramOpts{Name: "walk_distance", Help: "Metres.", Buckets: []float64{50, 0.25e7}}, []string{"size"})
	h.WithLabelValues("xs").Observe(10)
	h.WithLabelValues("xs").Observe(70.5)
	return m
}

func TestWhatIsTrueFailsNoTest(t *testing.T) {
	m := kennel(t)
	instrumenttest.Expect(t, m, `dogs{size="xs",kennel="north"}`, 2)
	instrumenttest.Expect(t, m, ` dogs{ kennel = "north" , size="xs", } `, 2)
	instrumenttest.Expect(t, m, `dogs{kennel="\"quoted\", {in} = south\\",size="xl",other=""}`, 4)
	instrumenttest.Expect(t, m, "walks_started_total", 3)
	instrumenttest.Expect(t, m, "walks_started_total{}", 3)
	instrumenttest.Expect(t, m, `walk_distance_bucket{size="xs",le="50"}`, 1)
	instrumenttest.Expect(t, m, `walk_distance_bucket{size="xs",le="2.5e+06"}`, 2)
	instrumenttest.Expect(t, m, `walk_distance_bucket{size="xs",le="+Inf"}`, 2)
	instrumenttest.ExpectHistogram(t, m, `walk_distance{size="xs"}`, 2, 80.5)
	instrumenttest.ExpectExposed(t, m, "walks_started_total", `dogs{kennel="north",size="xl"}`)
	instrumenttest.ExpectMissing(t, m, "cats", `walk_distance{size="xl"}`, `dogs{size="xs"}`, `dogs{size="sm",kennel="north"}`)
	instrumenttest.Lint(t, m)
	instrumenttest.LintHandler(t, m.Handler())
	if got := instrumenttest.Value(t, m, "walks_started_total"); got != 3 {
		t.Errorf("got %v", got)
	}
}

func TestWhatACallAddsIsMeasured(t *testing.T) {
	m := kennel(t)
	cats := m.CounterVec(prometheus.CounterOpts{Name: "cats_total", Help: "Cats."}, []string{"size"})
	if got := instrumenttest.Difference(t, m, `cats_total{size="xs"}`, func() { cats.WithLabelValues("xs").Add(2) }); got != 2 {
		t.Errorf("got %v", got)
	}
	before := instrumenttest.Take(t, m)
	cats.WithLabelValues("xs").Add(0.1)
	cats.WithLabelValues("xl").Inc()
	before.ExpectDifference(t, `cats_total{size="xs"}`, 0.1)
	before.ExpectDifference(t, `cats_total{size="xl"}`, 1)
	before.ExpectDifference(t, `cats_total{size="md"}`, 0)
	if got := before.Value(t, `cats_total{size="xs"}`); got != 2 {
		t.Errorf("got %v", got)
	}
}

func TestAFailureShowsWhatIsThere(t *testing.T) {
	m := kennel(t)
	bad := prometheus.NewRegistry()
	bad.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "clicks", Help: "Clicks."}))
	many := prometheus.NewRegistry()
	vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "many", Help: "Many."}, []string{"n"})
	many.MustRegister(vec)
	for i := range 13 {
		vec.WithLabelValues(fmt.Sprint(i)).Set(1)
	}
	for _, tt := range []struct {
		name   string
		assert func(t testing.TB)
		want   string
		fatal  bool
	}{
		{"another value", func(t testing.TB) { instrumenttest.Expect(t, m, "walks_started_total", 4) },
			"walks_started_total is 3, want 4", false},
		{"other labels", func(t testing.TB) { instrumenttest.Expect(t, m, `dogs{size="xs"}`, 2) },
			"dogs{size=\"xs\"} is not exposed, want 2; near it:\n\tdogs{kennel=\"\\\"quoted\\\", {in} = south\\\\\",size=\"xl\"} 4\n" +
				"\tdogs{kennel=\"north\",size=\"xl\"} 1\n\tdogs{kennel=\"north\",size=\"xs\"} 2", false},
		{"a name mistyped", func(t testing.TB) { instrumenttest.Value(t, m, "walk_started_total") },
			"walk_started_total is not exposed; near it:\n\twalks_started_total 3", true},
		{"a suffix forgotten", func(t testing.TB) { instrumenttest.ExpectExposed(t, m, "walks_started") },
			"walks_started is not exposed; near it:\n\twalks_started_total 3", false},
		{"nothing like it", func(t testing.TB) { instrumenttest.ExpectExposed(t, bad, "zebras_observed_total") },
			"zebras_observed_total is not exposed; nothing like it is there, among 1 series", false},
		{"many", func(t testing.TB) { instrumenttest.ExpectExposed(t, many, "many") }, "\n\t… and 3 more", false},
		{"there", func(t testing.TB) { instrumenttest.ExpectMissing(t, m, "walks_started_total") },
			"walks_started_total is exposed, with the value 3", false},
		{"a histogram that should not be there", func(t testing.TB) { instrumenttest.ExpectMissing(t, m, "walk_distance") },
			`walk_distance_count{size="xs"} is exposed, with the value 2`, false},
		{"a histogram's series", func(t testing.TB) { instrumenttest.ExpectMissing(t, m, `walk_distance{size="xs"}`) },
			`walk_distance_count{size="xs"} is exposed, with the value 2`, false},
		{"all of a name", func(t testing.TB) { instrumenttest.ExpectMissing(t, many, "many") }, `many{n="12"} is exposed, with the value 1`, false},
		{"another difference", func(t testing.TB) { instrumenttest.ExpectDifference(t, m, "walks_started_total", 1, func() {}) },
			"walks_started_total went from 3 to 3, which is 0 more; want 1 more", false},
		{"another series counted", func(t testing.TB) {
			instrumenttest.ExpectDifference(t, many, `many{n="1"}`, 1, func() { vec.WithLabelValues("2").Set(9) })
		}, "want 1 more; what changed:\n\tmany{n=\"2\"} 9", false},
		{"no difference", func(t testing.TB) { instrumenttest.ExpectDifference(t, m, "walk_started_total", 1, func() {}) },
			"walk_started_total is not exposed, want 1 more than 0; near it:\n\twalks_started_total 3", false},
		{"another histogram", func(t testing.TB) { instrumenttest.ExpectHistogram(t, m, `walk_distance{size="xs"}`, 2, 80) },
			`the histogram walk_distance{size="xs"} observed 2 values, 80.5 in sum, want 2 and 80`, false},
		{"no histogram", func(t testing.TB) { instrumenttest.Histogram(t, m, "walk_distance") },
			"the histogram walk_distance is not exposed; near it:\n\twalk_distance_count{size=\"xs\"} 2", true},
		{"lint", func(t testing.TB) { instrumenttest.Lint(t, bad) }, `metric clicks: counter metrics should have "_total" suffix`, false},
		{"lint excepted", func(t testing.TB) { instrumenttest.Lint(t, bad, "clicks") }, "", false},
		{"lint of a name with a dash", func(t testing.TB) {
			m.Counter(prometheus.CounterOpts{Name: "my-shop_cats_total", Help: "Cats."})
			instrumenttest.Lint(t, m)
		}, `metric my-shop_cats_total: "my-shop_cats_total" should consist of letters, digits and underscores`, false},
		{"lint of a label with a dash", func(t testing.TB) {
			m.CounterVec(prometheus.CounterOpts{Name: "birds_total", Help: "Birds."}, []string{"wing-span"}, []string{"1"}, []string{"2"})
			instrumenttest.Lint(t, m, "my-shop_cats_total")
		}, `metric birds_total: "wing-span" should consist of`, false},
		{"lint of a handler that fails", func(t testing.TB) { instrumenttest.LintHandler(t, http.NotFoundHandler()) },
			"the handler answered status 404: 404 page not found", true},
		{"lint of no metrics", func(t testing.TB) { instrumenttest.LintHandler(t, answer("clicks total 1\n")) }, "the metrics cannot be read", true},
		{"lint of a handler", func(t testing.TB) {
			instrumenttest.LintHandler(t, answer("# HELP clicks A.\n# TYPE clicks counter\nclicks 1\n"))
		},
			`metric clicks: counter metrics should have "_total" suffix`, false},
		{"gathering fails", func(t testing.TB) { instrumenttest.Expect(t, failing{}, "a", 1) }, "the metrics cannot be gathered: gone", true},
		{"a brace", func(t testing.TB) { instrumenttest.Expect(t, m, `dogs{size="xs"`, 1) }, "neither comma nor brace; it is written as", true},
		{"an open brace", func(t testing.TB) { instrumenttest.Expect(t, m, `dogs{`, 1) }, "a brace is not closed", true},
		{"no quotes", func(t testing.TB) { instrumenttest.Expect(t, m, `dogs{size=xs}`, 1) }, "the value of label size is not quoted", true},
		{"no label", func(t testing.TB) { instrumenttest.Expect(t, m, `dogs{="xs"}`, 1) }, "a label has no name", true},
		{"a label twice", func(t testing.TB) { instrumenttest.Expect(t, m, `dogs{a="1",a="1"}`, 1) }, "label a is there twice", true},
		{"no name", func(t testing.TB) { instrumenttest.Expect(t, m, `{a="1"}`, 1) }, "there is no name", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, fatal := says(tt.assert)
			if !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") || fatal != tt.fatal {
				t.Errorf("says (fatal: %v)\n%s\nwant (fatal: %v)\n%s", fatal, got, tt.fatal, tt.want)
			}
		})
	}
}

type failing struct{}

func (failing) Gather() ([]*dto.MetricFamily, error) { return nil, errors.New("gone") }

func answer(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}
