package instrument_test

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/cache"
	"github.com/truecount/truecount/instrument/migrations"
	"github.com/truecount/truecount/instrument/model"
)

const modelPage = "../../docs/reference/model-cache-migration-metrics.md"

// modelRegistry has the metrics that the page is about.
func modelRegistry(t *testing.T, names instrument.Names) *prometheus.Registry {
	t.Helper()
	reg := prometheus.NewRegistry()
	m, err := instrument.New(instrument.Options{Registry: reg, WithoutRuntime: true, Names: names})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := model.New(m, "walk"); err != nil {
		t.Fatal(err)
	}
	if _, err := cache.New(m, "redis"); err != nil {
		t.Fatal(err)
	}
	count := func(context.Context) (applied, unapplied int, err error) { return 5, 1, nil }
	if err := migrations.Register(m, "default", count); err != nil {
		t.Fatal(err)
	}
	return reg
}

// modelFamilies are their names, types and labels, as "counter model_inserts_total model".
func modelFamilies(t *testing.T, names instrument.Names) (all []string) {
	t.Helper()
	families, err := modelRegistry(t, names).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		name := strings.TrimPrefix(f.GetName(), "django_")
		if strings.HasPrefix(name, "model_") || strings.HasPrefix(name, "cache_") || strings.HasPrefix(name, "migrations_") {
			label := f.GetMetric()[0].GetLabel()[0].GetName()
			all = append(all, strings.ToLower(f.GetType().String())+" "+f.GetName()+" "+label)
		}
	}
	slices.Sort(all)
	return all
}

func TestThePageOfModelsCachesAndMigrationsHasEveryMetricInBothSchemes(t *testing.T) {
	for column, names := range []instrument.Names{instrument.PrometheusNames, instrument.DjangoNames} {
		var said []string
		for _, row := range tables(t, modelPage)[0] {
			said = append(said, row[2]+" "+row[column]+" "+row[3])
		}
		slices.Sort(said)
		if exposed := modelFamilies(t, names); !slices.Equal(said, exposed) {
			t.Errorf("the page has\n%s\nand the code\n%s", strings.Join(said, "\n"), strings.Join(exposed, "\n"))
		}
	}
}

func TestTheMetricsOfModelsCachesAndMigrationsFollowPrometheusNamingGuide(t *testing.T) {
	problems, err := testutil.GatherAndLint(modelRegistry(t, instrument.PrometheusNames))
	if err != nil || len(problems) != 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

func TestTheAlertsOfThePageNameMetricsThatThereAre(t *testing.T) {
	text, err := os.ReadFile(modelPage)
	if err != nil {
		t.Fatal(err)
	}
	_, alerts, found := strings.Cut(string(text), "## Alerts")
	if !found {
		t.Fatal("there are no alerts")
	}
	exposed := strings.Join(modelFamilies(t, instrument.PrometheusNames), " ") + " instrument_collector_success "
	name := regexp.MustCompile(`\b(model|cache|migrations|instrument)_[a-z_]+`)
	n := 0
	for line := range strings.Lines(alerts) {
		expr, isCode := strings.CutPrefix(line, "    ")
		if !isCode || strings.HasPrefix(expr, "#") {
			continue
		}
		n++
		if _, err := parser.NewParser(parser.Options{}).ParseExpr(expr); err != nil {
			t.Errorf("%s: %v", expr, err)
		}
		for _, metric := range name.FindAllString(strings.ReplaceAll(expr, `"migrations_.*"`, ""), -1) {
			if !strings.Contains(exposed, " "+metric+" ") {
				t.Errorf("%s: there is no %s", expr, metric)
			}
		}
	}
	if n < 5 {
		t.Errorf("%d alerts were found", n)
	}
}
