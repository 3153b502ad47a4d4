package gormmetrics_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/contrib/gormmetrics"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

func TestEveryListedModelIsExposedAtZero(t *testing.T) {
	_, reg, _ := newPlugin(t, gormmetrics.Options{Models: listed, Names: []string{"invoice"}})
	got := gathered(t, reg)
	for _, model := range []string{"walker", "dog", "walk", "collar", "tag", "kennel_visit", "invoice"} {
		for _, operation := range []string{"insert ", "update ", "delete "} {
			if value, ok := got[operation+model]; !ok || value != 0 {
				t.Errorf("%s%s: %v, %t", operation, model, value, ok)
			}
		}
	}
	if len(got) != 3*7 {
		t.Errorf("%d series: %v", len(got), got)
	}
}

func TestDjangoNames(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := instrument.New(instrument.Options{Registry: reg, Names: instrument.DjangoNames, Namespace: "shop"})
	must(t, err)
	_, err = gormmetrics.New(m, gormmetrics.Options{Models: []any{Dog{}}})
	must(t, err)
	for _, name := range []string{"shop_django_model_inserts_total", "shop_django_model_updates_total", "shop_django_model_deletes_total"} {
		if n, err := testutil.GatherAndCount(reg, name); n != 1 || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

func TestAModelsLabelIsConfigurable(t *testing.T) {
	_, reg, _ := newPlugin(t, gormmetrics.Options{
		Models: []any{&Dog{}, &KennelVisit{}},
		Label:  func(t reflect.Type) string { return strings.ToUpper(t.Name()) },
	})
	got := gathered(t, reg)
	for _, want := range []string{"insert DOG", "insert KENNELVISIT"} {
		if _, ok := got[want]; !ok {
			t.Errorf("no %s in %v", want, got)
		}
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	same := func(reflect.Type) string { return "animal" }
	for name, tt := range map[string]struct {
		opts gormmetrics.Options
		want string
	}{
		"no models":    {gormmetrics.Options{}, "no models given"},
		"not a struct": {gormmetrics.Options{Models: []any{"dog"}}, "has a string: want structs"},
		"nil":          {gormmetrics.Options{Models: []any{nil}}, "want structs"},
		"one label":    {gormmetrics.Options{Models: []any{Dog{}, Walk{}}, Label: same}, `"animal" is given twice`},
		"no label":     {gormmetrics.Options{Models: []any{struct{ ID int }{}}}, "the name of a model is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			reg := prometheus.NewRegistry()
			m, err := instrument.New(instrument.Options{Registry: reg})
			must(t, err)
			if _, err := gormmetrics.New(m, tt.opts); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
			if n, err := testutil.GatherAndCount(reg, "model_inserts_total"); n != 0 || err != nil {
				t.Errorf("%d series are left, %v", n, err)
			}
		})
	}
}

func TestThePluginCanBeGivenToOpen(t *testing.T) {
	plugin, reg, _ := newPlugin(t, gormmetrics.Options{Models: []any{Dog{}}})
	db, err := gorm.Open(newSQLite(t), &gorm.Config{Plugins: map[string]gorm.Plugin{plugin.Name(): plugin}, Logger: logger.Discard})
	must(t, err)
	pool, err := db.DB()
	must(t, err)
	t.Cleanup(func() { _ = pool.Close() })
	must(t, db.AutoMigrate(&Dog{}))
	must(t, db.Transaction(func(tx *gorm.DB) error { return tx.Create(&Dog{Name: "Rex"}).Error }))
	if got := gathered(t, reg)["insert dog"]; got != 1 {
		t.Errorf("counted %v", got)
	}
}

func TestSeveralDatabasesShareOnePlugin(t *testing.T) {
	k := open(t, newSQLite(t), &gorm.Config{})
	other, err := gorm.Open(newSQLite(t), &gorm.Config{Logger: logger.Discard})
	must(t, err)
	pool, err := other.DB()
	must(t, err)
	t.Cleanup(func() { _ = pool.Close() })
	must(t, other.Use(k.plugin))
	must(t, other.AutoMigrate(&Dog{}))
	must(t, other.Create(&Dog{Name: "Rex"}).Error)
	must(t, k.Create(&Dog{Name: "Bo"}).Error)
	k.expect(t, count{"insert dog": 2})
	if err := other.Use(k.plugin); err == nil {
		t.Error("one database uses the plugin twice")
	}
}

func TestTheDatabaseBehindGORMStaysWithinReach(t *testing.T) {
	everywhere(t, func(t *testing.T, open opener) {
		k := open(t, gorm.Config{})
		pool, err := k.DB.DB()
		must(t, err)
		must(t, pool.PingContext(t.Context()))
		must(t, k.Transaction(func(tx *gorm.DB) error {
			within, err := tx.DB()
			if within != pool {
				t.Errorf("in a transaction it is %p instead of %p", within, pool)
			}
			return err
		}))
	})
}
