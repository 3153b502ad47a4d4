package gormmetrics_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/glebarez/sqlite"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/contrib/gormmetrics"
	"go.uber.org/goleak"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

func TestMain(m *testing.M) {
	// GORM never ends the goroutine that forgets prepared statements.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"), goleak.Cleanup(func(code int) {
		stopServer()
		os.Exit(code)
	}))
}

// kennel is a database with the plugin in use.
type kennel struct {
	*gorm.DB
	plugin *gormmetrics.Plugin
	reg    *prometheus.Registry
	logged *logBuffer
	before map[string]float64
}

// counts are what was counted since the kennel was opened or asked last, by "insert walker" and so on, without zeros.
func (k *kennel) counts(t *testing.T) map[string]float64 {
	t.Helper()
	now := gathered(t, k.reg)
	changed := map[string]float64{}
	for name, value := range now {
		if d := value - k.before[name]; d != 0 {
			changed[name] = d
		}
	}
	k.before = now
	return changed
}

func (k *kennel) expect(t *testing.T, want map[string]float64) {
	t.Helper()
	if got := k.counts(t); !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

type count = map[string]float64

func gathered(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		name, isModel := strings.CutPrefix(f.GetName(), "model_")
		if !isModel {
			continue
		}
		for _, m := range f.GetMetric() {
			all[strings.TrimSuffix(name, "s_total")+" "+m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
		}
	}
	return all
}

// logBuffer collects what is logged.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func newPlugin(t *testing.T, opts gormmetrics.Options) (*gormmetrics.Plugin, *prometheus.Registry, *logBuffer) {
	t.Helper()
	var logged logBuffer
	reg := prometheus.NewRegistry()
	m, err := instrument.New(instrument.Options{
		Registry: reg, WithoutRuntime: true, Logger: slog.New(slog.NewTextHandler(&logged, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	plugin, err := gormmetrics.New(m, opts)
	if err != nil {
		t.Fatal(err)
	}
	return plugin, reg, &logged
}

// open opens a database with all tables, empty, and puts the plugin in use.
func open(t *testing.T, dialector gorm.Dialector, config *gorm.Config) *kennel {
	t.Helper()
	k := &kennel{}
	k.plugin, k.reg, k.logged = newPlugin(t, gormmetrics.Options{Models: listed})
	config.Logger = logger.Discard
	db, err := gorm.Open(dialector, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if pool, err := db.DB(); err != nil {
			t.Error(err)
		} else if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Use(k.plugin); err != nil {
		t.Fatal(err)
	}
	if err := db.AutoMigrate(append([]any{&Vet{}}, listed...)...); err != nil {
		t.Fatal(err)
	}
	k.DB = db
	k.counts(t)
	return k
}

// opener opens an empty kennel.
type opener = func(t *testing.T, config gorm.Config) *kennel

// everywhere runs a test on SQLite and on PostgreSQL, with and without prepared statements.
func everywhere(t *testing.T, test func(t *testing.T, open opener)) {
	for _, database := range []struct {
		name      string
		dialector func(t *testing.T) gorm.Dialector
	}{{"sqlite", newSQLite}, {"postgres", newPostgres}} {
		for _, prepared := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/prepared=%t", database.name, prepared), func(t *testing.T) {
				test(t, func(t *testing.T, config gorm.Config) *kennel {
					config.PrepareStmt = prepared
					return open(t, database.dialector(t), &config)
				})
			})
		}
	}
}

func newSQLite(t *testing.T) gorm.Dialector {
	return sqlite.Open(filepath.Join(t.TempDir(), "kennel.db") + "?_pragma=foreign_keys(1)&_pragma=busy_timeout(60000)")
}

func newPostgres(t *testing.T) gorm.Dialector { return postgres.Open(newDatabase(t)) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var errChangedMind = errors.New("changed my mind")
