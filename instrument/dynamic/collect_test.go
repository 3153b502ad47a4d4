package dynamic_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument/dynamic"
)

// exposed returns what a scrape of the source shows, and what it logs.
func exposed(t *testing.T, opts dynamic.Options) (text, logs string) {
	synctest.Test(t, func(t *testing.T) {
		m, reg, logged := newLoggedMetrics(t)
		stop := run(t, m, opts)
		synctest.Wait()
		text = metrics(m)
		if _, err := reg.Gather(); err != nil {
			t.Errorf("another gatherer fails: %v", err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		logs = logged.String()
	})
	return text, logs
}

func TestAFailureAfterSomeRowsYieldsThemAndCounts(t *testing.T) {
	for reason, fail := range map[string]func(context.Context) error{
		"error":   func(context.Context) error { return errors.New("connection lost") },
		"panic":   func(context.Context) error { panic("nil row") },
		"timeout": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(reason, func(t *testing.T) {
			text, _ := exposed(t, dynamic.Options{Name: "rows", Collect: func(ctx context.Context, yield func(dynamic.Sample)) error {
				yield(dynamic.Sample{Name: "first", Value: 1})
				return fail(ctx)
			}})
			wantLines(t, text, "first 1", `instrument_collector_success{collector="rows"} 0`,
				fmt.Sprintf(`instrument_collector_failures_total{collector="rows",reason=%q} 1`, reason))
		})
	}
}

func TestWhatDoesNotFitIsDroppedAndCounted(t *testing.T) {
	labels := func(pairs ...string) map[string]string {
		all := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			all[pairs[i]] = pairs[i+1]
		}
		return all
	}
	for _, tt := range []struct {
		name    string
		samples []dynamic.Sample
		want    []string
		reason  string
		cause   string // as logged
	}{
		{"a series twice", []dynamic.Sample{{Name: "a", Value: 1}, {Name: "a", Value: 2}}, []string{"a 1"}, "duplicate", "sent twice"},
		{"two names that become one", []dynamic.Sample{{Name: "a-b", Labels: labels("l", "1")}, {Name: "a.b", Labels: labels("l", "2")}},
			[]string{`a_b{l="1"} 0`}, "collision", `\"a-b\" and \"a.b\" both become the metric \"a_b\"`},
		{"two labels that become one", []dynamic.Sample{{Name: "a"}, {Name: "b", Labels: labels("x-y", "1", "x.y", "2")}}, []string{"a 0"}, "collision", `two labels of metric \"b\" become \"x_y\"`},
		{"another help", []dynamic.Sample{{Name: "a", Help: "A.", Labels: labels("l", "1")}, {Name: "a", Help: "B.", Labels: labels("l", "2")}},
			[]string{"# HELP a A.", `a{l="1"} 0`}, "inconsistent", "another help"},
		{"another type", []dynamic.Sample{{Name: "a", Type: prometheus.CounterValue, Labels: labels("l", "1")}, {Name: "a", Labels: labels("l", "2")}},
			[]string{"# TYPE a counter"}, "inconsistent", "another type"},
		{"another set of labels", []dynamic.Sample{{Name: "a", Labels: labels("l", "1")}, {Name: "a", Labels: labels("m", "2")}},
			[]string{`a{l="1"} 0`}, "inconsistent", "another set of labels"},
		{"a metric of the service's own", []dynamic.Sample{{Name: "http_requests_in_flight", Value: 7}, {Name: "a"}}, []string{"a 0", "http_requests_in_flight 0"}, "inconsistent", "declared already"},
		{"an unknown type", []dynamic.Sample{{Name: "a"}, {Name: "b", Type: 77}}, []string{"a 0"}, "invalid", "unknown type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, logs := exposed(t, dynamic.Options{Name: "rows", Collect: samples(tt.samples...)})
			if strings.Count(logs, "\n") != 1 || !strings.Contains(logs, tt.cause) {
				t.Errorf("want one line with %s, logged:\n%s", tt.cause, logs)
			}
			wantLines(t, text, append(tt.want, fmt.Sprintf(`instrument_collector_dropped_total{collector="rows",reason=%q} 1`, tt.reason),
				`instrument_collector_success{collector="rows"} 0`)...)
		})
	}
}

func TestASourceHasABudgetOfSeries(t *testing.T) {
	text, _ := exposed(t, dynamic.Options{Name: "rows", MaxSeries: 10, Collect: func(_ context.Context, yield func(dynamic.Sample)) error {
		for i := range 100_000 {
			yield(dynamic.Sample{Name: "row", Labels: map[string]string{"id": fmt.Sprint(i)}})
		}
		return nil
	}})
	if n := strings.Count(text, "\nrow{"); n != 10 {
		t.Errorf("%d series", n)
	}
	wantLines(t, text, `row{id="0"} 0`, `row{id="9"} 0`, `instrument_collector_dropped_total{collector="rows",reason="budget"} 99990`)
}

func TestValuesFromOutsideAreExposedSafely(t *testing.T) {
	text, _ := exposed(t, dynamic.Options{Name: "rows", Collect: samples(
		dynamic.Sample{Name: "<script>", Help: "a\nb\xff", Labels: map[string]string{"__name__": "x\n\"}\\", "le": "\xff", "": strings.Repeat("ä", 1000)}, Value: math.Inf(1)},
		dynamic.Sample{Name: "9 lives", Type: prometheus.UntypedValue, Value: math.NaN()},
		dynamic.Sample{Name: "", Type: prometheus.CounterValue, Value: 3},
	)})
	wantLines(t, text, `# HELP _script_ a\nb`+"\uFFFD", `_script_{_="`+strings.Repeat("ä", 512)+`",_name__="x\n\"}\\",le="`+"\uFFFD"+`"} +Inf`,
		"_9_lives NaN", "_ 3", `instrument_collector_success{collector="rows"} 1`)
}

func TestSeveralGoroutinesMayYieldAtOnce(t *testing.T) {
	text, _ := exposed(t, dynamic.Options{Name: "rows", MaxSeries: 4000, Collect: func(_ context.Context, yield func(dynamic.Sample)) error {
		var asking sync.WaitGroup
		for table := range 8 {
			asking.Go(func() {
				for row := range 1000 {
					yield(dynamic.Sample{Name: fmt.Sprintf("table_%d_row_%d", table, row)})
				}
			})
		}
		asking.Wait()
		return nil
	}})
	if n := strings.Count(text, "# TYPE table_"); n != 4000 {
		t.Errorf("%d of 4000 series are exposed", n)
	}
	wantLines(t, text, `instrument_collector_dropped_total{collector="rows",reason="budget"} 4000`)
}

func TestWhatIsYieldedAfterTheEndIsNotExposedAndHoldsNobody(t *testing.T) {
	for name, end := range map[string]func() error{
		"returned": func() error { return nil },
		"panicked": func() error { panic("a row without a name") },
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newMetrics(t)
			ready, ended, late := make(chan struct{}), make(chan struct{}), make(chan struct{})
			stop := run(t, m, dynamic.Options{Name: "rows", OnReady: func() { close(ready) }, Collect: func(_ context.Context, yield func(dynamic.Sample)) error {
				yield(dynamic.Sample{Name: "in_time"})
				go func() {
					defer close(late)
					<-ended
					for i := range 900 { // more than a channel may hold
						yield(dynamic.Sample{Name: fmt.Sprintf("late_%d", i)})
					}
				}()
				return end()
			}})
			<-ready
			text := metrics(m)
			close(ended)
			<-late
			wantLines(t, text, "in_time 0")
			if err := stop(); err != nil || strings.Contains(text, "late_") {
				t.Errorf("%v; exposed:\n%s", err, text)
			}
		})
	}
}
