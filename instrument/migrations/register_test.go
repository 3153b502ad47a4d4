package migrations_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/migrations"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newMetrics(t *testing.T, opts instrument.Options) (*instrument.Metrics, *bytes.Buffer) {
	t.Helper()
	var logged bytes.Buffer
	opts.Registry, opts.Logger = prometheus.NewRegistry(), slog.New(slog.NewTextHandler(&logged, nil))
	m, err := instrument.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return m, &logged
}

// scrape asks as Prometheus does that gives up after a number of seconds. On a busy machine a hang may leave too little of them to put
// the rest together; then the answer is 503, which is in time as well, and it is asked again.
func scrape(t *testing.T, m *instrument.Metrics, timeout string) string {
	t.Helper()
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", timeout)
	for late := time.Now().Add(time.Minute); ; {
		rec := httptest.NewRecorder()
		m.Handler().ServeHTTP(rec, r)
		if rec.Code == 503 && time.Now().Before(late) {
			continue
		}
		if rec.Code != 200 {
			t.Errorf("the scrape is answered %d: %s", rec.Code, rec.Body)
		}
		return rec.Body.String()
	}
}

func register(t *testing.T, m *instrument.Metrics, connection string, count migrations.Func) {
	t.Helper()
	if err := migrations.Register(m, connection, count); err != nil {
		t.Fatal(err)
	}
}

func expectLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
}

func TestMigrationsAreCountedAtEachScrape(t *testing.T) {
	m, _ := newMetrics(t, instrument.Options{})
	applied := 0
	register(t, m, "default", func(context.Context) (int, int, error) { return applied, 6 - applied, nil })
	if applied != 0 {
		t.Error("Register asks already")
	}
	expectLines(t, scrape(t, m, "10"), `migrations_applied{connection="default"} 0`, `migrations_unapplied{connection="default"} 6`)
	applied = 5
	expectLines(t, scrape(t, m, "10"), `migrations_applied{connection="default"} 5`, `migrations_unapplied{connection="default"} 1`,
		"# TYPE migrations_applied gauge", "# HELP migrations_applied Migrations of the database that are applied, by connection.",
		`instrument_collector_success{collector="migrations_default"} 1`)
}

func TestDjangoNames(t *testing.T) {
	m, _ := newMetrics(t, instrument.Options{Names: instrument.DjangoNames, Namespace: "shop"})
	register(t, m, "default", func(context.Context) (int, int, error) { return 5, 1, nil })
	expectLines(t, scrape(t, m, "10"), "# TYPE shop_django_migrations_applied_total gauge",
		`shop_django_migrations_applied_total{connection="default"} 5`, `shop_django_migrations_unapplied_total{connection="default"} 1`)
}

func TestADatabaseThatCannotBeAskedHasNoValueAndHidesNoOther(t *testing.T) {
	// The database that hangs returns late, as drivers do that don't look at the context.
	stuck, release := make(chan struct{}), make(chan struct{})
	for name, tt := range map[string]struct {
		count migrations.Func
		logs  string
	}{
		"fails":      {func(context.Context) (int, int, error) { return 5, 1, errors.New("connection refused") }, "connection refused"},
		"panics":     {func(context.Context) (int, int, error) { panic("broken") }, "broken"},
		"is nowhere": {func(context.Context) (int, int, error) { return -1, 1, nil }, "-1 applied and 1 unapplied migrations can't be"},
		"is slow":    {func(ctx context.Context) (int, int, error) { <-ctx.Done(); return 0, 0, ctx.Err() }, ""},
		"hangs":      {func(context.Context) (int, int, error) { <-release; close(stuck); return 5, 1, nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m, logged := newMetrics(t, instrument.Options{})
			good := true
			register(t, m, "bad", func(ctx context.Context) (int, int, error) {
				if good {
					return 4, 2, nil
				}
				return tt.count(ctx)
			})
			register(t, m, "default", func(context.Context) (int, int, error) { return 5, 1, nil })
			expectLines(t, scrape(t, m, "10"), `migrations_applied{connection="bad"} 4`, `instrument_collector_success{collector="migrations_bad"} 1`)
			good = false
			text := scrape(t, m, "5")
			expectLines(t, text, `migrations_applied{connection="default"} 5`, `migrations_unapplied{connection="default"} 1`,
				`instrument_collector_success{collector="migrations_bad"} 0`, `instrument_collector_success{collector="migrations_default"} 1`)
			if strings.Contains(text, `connection="bad"`) {
				t.Error("the value of an earlier scrape is exposed")
			}
			if name == "hangs" {
				close(release)
				<-stuck
			}
			if !strings.Contains(logged.String(), tt.logs) || !strings.Contains(logged.String(), "migrations_bad") {
				t.Errorf("logged: %s", logged)
			}
		})
	}
}

func TestAConnectionIsRegisteredOnce(t *testing.T) {
	m, _ := newMetrics(t, instrument.Options{})
	count := func(context.Context) (int, int, error) { return 5, 1, nil }
	register(t, m, "default", count)
	for _, tt := range []struct {
		connection string
		count      migrations.Func
		want       string
	}{
		{"default", count, `migrations: connection "default": `},
		{"", count, "the name of the connection is empty"},
		{"\xff", count, "is not valid UTF-8"},
		{"other", nil, "has no function that counts"},
	} {
		if err := migrations.Register(m, tt.connection, tt.count); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %s", tt.connection, err, tt.want)
		}
	}
	if err := migrations.Register(nil, "default", count); err == nil || !strings.Contains(err.Error(), "no metrics given") {
		t.Errorf("got %v", err)
	}
	register(t, m, "reports", count)
	expectLines(t, scrape(t, m, "10"), `migrations_applied{connection="default"} 5`, `migrations_applied{connection="reports"} 5`)
}
