package model_test

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/model"
)

type fixture struct {
	*model.Operations
	reg    *prometheus.Registry
	logged *bytes.Buffer
}

func newOperations(t testing.TB, models ...string) fixture {
	t.Helper()
	f := fixture{reg: prometheus.NewRegistry(), logged: &bytes.Buffer{}}
	m, err := instrument.New(instrument.Options{Registry: f.reg, Logger: slog.New(slog.NewTextHandler(f.logged, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if f.Operations, err = model.New(m, models...); err != nil {
		t.Fatal(err)
	}
	return f
}

// expect compares what is exposed with lines as "inserts dog 3"; series at 0 need not be said.
func (f fixture) expect(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, operation := range []string{"inserts", "updates", "deletes"} {
		families, err := f.reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			if family.GetName() != "model_"+operation+"_total" {
				continue
			}
			for _, m := range family.GetMetric() {
				if value := m.GetCounter().GetValue(); value != 0 {
					got = append(got, fmt.Sprintf("%s %s %v", operation, m.GetLabel()[0].GetValue(), value))
				}
			}
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("counted %q, want %q", got, want)
	}
}

func TestEveryModelIsExposedAtZeroInBothSchemes(t *testing.T) {
	for prefix, opts := range map[string]instrument.Options{
		"model_":             {},
		"django_model_":      {Names: instrument.DjangoNames},
		"shop_model_":        {Namespace: "shop"},
		"shop_django_model_": {Namespace: "shop", Names: instrument.DjangoNames},
	} {
		opts.Registry = prometheus.NewRegistry()
		m, err := instrument.New(opts)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := model.New(m, "walker", "dog"); err != nil {
			t.Fatal(err)
		}
		for operation, help := range map[string]string{"inserts": "inserted", "updates": "updated", "deletes": "deleted"} {
			name := prefix + operation + "_total"
			want := fmt.Sprintf("# HELP %[1]s Rows %[2]s, by model.\n# TYPE %[1]s counter\n%[1]s{model=\"dog\"} 0\n%[1]s{model=\"walker\"} 0\n", name, help)
			if err := testutil.GatherAndCompare(opts.Registry, strings.NewReader(want), name); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestRowsAreCountedByModelAndOperation(t *testing.T) {
	f := newOperations(t, "walker", "dog")
	f.Inserted("dog", 3)
	f.Updated("dog", 2)
	f.Deleted("walker", 1)
	f.Model("dog").Inserted(1)
	f.expect(t, "inserts dog 4", "updates dog 2", "deletes walker 1")
}

func TestNoRowsCountNothing(t *testing.T) {
	f := newOperations(t, "dog")
	for _, rows := range []int64{0, -1} {
		f.Inserted("dog", rows)
		f.Updated("dog", rows)
		f.Deleted("dog", rows)
	}
	f.expect(t)
}

func TestAModelThatIsNotKnownCountsAsOtherAndIsLoggedOnce(t *testing.T) {
	f := newOperations(t, "dog")
	for i := range 10_000 {
		f.Inserted(fmt.Sprint("model ", i), 1)
	}
	f.Deleted("\xff", 1)
	f.expect(t, "inserts other 10000", "deletes other 1")
	if logged := f.logged.String(); strings.Count(logged, "\n") != 1 || !strings.Contains(logged, `model="model 0"`) {
		t.Errorf("logged: %s", logged)
	}
	if n, err := testutil.GatherAndCount(f.reg, "model_inserts_total"); n != 2 || err != nil {
		t.Errorf("%d series, %v", n, err)
	}
}

func TestAModelMayBeCalledOther(t *testing.T) {
	f := newOperations(t, model.Other)
	f.Inserted(model.Other, 1)
	f.Inserted("unknown", 1)
	f.expect(t, "inserts other 2")
}

func TestNewRefusesWhatMakesNoSenseAndLeavesNothingBehind(t *testing.T) {
	for name, tt := range map[string]struct {
		models []string
		taken  string
		want   string
	}{
		"no models":     {want: "no models given"},
		"empty":         {models: []string{"dog", ""}, want: "the name of a model is empty"},
		"not UTF-8":     {models: []string{"dog\xff"}, want: `"dog\xff" is not valid UTF-8`},
		"twice":         {models: []string{"dog", "walker", "dog"}, want: `model "dog" is given twice`},
		"name is taken": {models: []string{"dog"}, taken: "model_deletes_total", want: `metric "model_deletes_total" is already registered`},
	} {
		t.Run(name, func(t *testing.T) {
			reg := prometheus.NewRegistry()
			if tt.taken != "" {
				reg.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: tt.taken, Help: "Mine."}))
			}
			m, err := instrument.New(instrument.Options{Registry: reg})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := model.New(m, tt.models...); err == nil || !strings.HasPrefix(err.Error(), "model: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if n, err := testutil.GatherAndCount(reg, "model_inserts_total", "model_updates_total"); n != 0 || err != nil {
				t.Errorf("%d series are left, %v", n, err)
			}
		})
	}
}

func TestOneMetricsHasOneOperations(t *testing.T) {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := model.New(m, "dog"); err != nil {
		t.Fatal(err)
	}
	if _, err := model.New(m, "cat"); err == nil || !strings.Contains(err.Error(), "declare it once and hand it on") {
		t.Errorf("got %v", err)
	}
}

func TestWithoutMetricsNothingIsCountedAndNothingPanics(t *testing.T) {
	if _, err := model.New(nil, "dog"); err == nil || !strings.Contains(err.Error(), "no metrics given") {
		t.Errorf("got %v", err)
	}
	var dogs *model.Model
	var pending model.Pending
	dogs.Inserted(1)
	dogs.In(&pending).Deleted(1)
	if result, err := dogs.UpdatedBy(driver.RowsAffected(3), nil); result != driver.RowsAffected(3) || err != nil {
		t.Errorf("the result is not handed on: %v, %v", result, err)
	}
	_ = pending.Committed(nil)
	f := newOperations(t, "dog")
	f.Model("dog").In(nil).Inserted(1)
	f.expect(t, "inserts dog 1")
}

func TestCountingIsSafeFromManyGoroutines(t *testing.T) {
	f := newOperations(t, "dog")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				f.Inserted("dog", 1)
				f.Inserted("cat", 1)
			}
		})
	}
	all.Wait()
	f.expect(t, "inserts dog 8000", "inserts other 8000")
}

func BenchmarkInserted(b *testing.B) {
	dogs := newOperations(b, "dog").Model("dog")
	b.ReportAllocs()
	for b.Loop() {
		dogs.Inserted(1)
	}
}
