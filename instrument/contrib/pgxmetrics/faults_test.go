package pgxmetrics_test

import (
	"context"
	"database/sql"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/contrib/pgxmetrics"
	"github.com/truecount/truecount/instrument/database"
)

// A database that is down, that accepts and never answers, and one that does not let us in.
func TestAFailingDatabaseIsCountedAndThePasswordIsNowhere(t *testing.T) {
	for name, test := range map[string]struct {
		address func(*testing.T) string
		want    string // part of the error
	}{
		"down":    {func(t *testing.T) string { return tcp(closedPort(t)) }, "connection refused"},
		"hanging": {func(t *testing.T) string { return tcp(silent(t)) + "&connect_timeout=1" }, "deadline"}, // a pool goes on connecting when the caller has given up
		"auth fails": {func(t *testing.T) string { postgres(t); return shared.url(password + "wrong") },
			"password authentication failed"},
	} {
		for kind, open := range map[string]func(*testing.T, string, *database.Handle) (attempt func(context.Context) error){
			"wrapped": attemptWrapped, "traced": attemptTraced, "pgxpool": attemptPool,
		} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				m, reg := metrics(t)
				databases, err := database.New(m, database.Options{})
				if err != nil {
					t.Fatal(err)
				}
				attempt := open(t, test.address(t), databases.Handle("default", database.PostgreSQL))
				ctx, cancel := context.WithTimeout(t.Context(), patience(name))
				defer cancel()
				page := ""
				scraped := make(chan struct{})
				go func() { // while it is tried, too
					defer close(scraped)
					page = scrape(m)
				}()
				err = attempt(ctx)
				<-scraped
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want one about %q", err, test.want)
				}
				after := scrape(m)
				for what, text := range map[string]string{"error": err.Error(), "page": page, "page after it": after} {
					for _, secret := range []string{password, url.QueryEscape(password), url.PathEscape(password), "h%25unter", "unter'2"} {
						if strings.Contains(text, secret) {
							t.Errorf("the %s shows the password: %s", what, text)
						}
					}
				}
				s := service{Registry: reg}
				eventually(t, "a failed connection is counted", func() bool { return s.counts(t)["connection_errors_total"] >= 1 })
				if got := s.counts(t)["executions_total"]; got != 0 {
					t.Errorf("%v executions are counted", got)
				}
				if !strings.Contains(page, "db_pool_connections") || !strings.Contains(after, "db_pool_connections") {
					t.Error("the pool's state is not served")
				}
			})
		}
	}
}

func TestADataSourceNameThatIsWrongDoesNotShowItsPassword(t *testing.T) {
	s := serve(t)
	for name, dsn := range map[string]string{
		"an escape that is none":  "postgres://walker:hunter%zz2@db/kennel",
		"a port that is none":     "postgres://walker:hunter2@db:port/kennel",
		"a quote that has no end": "host=db user=walker password='hunter2",
		"an unknown setting":      "host=db user=walker password=hunter2 sslmode=maybe",
	} {
		db, err := s.handle.Open("pgx", dsn)
		if err == nil {
			err = db.PingContext(t.Context())
			db.Close()
		}
		if err == nil || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// patience is short only for what would never answer.
func patience(fault string) time.Duration {
	if fault == "hanging" {
		return 200 * time.Millisecond
	}
	return time.Minute
}

func metrics(t *testing.T) (*instrument.Metrics, *prometheus.Registry) {
	reg := prometheus.NewRegistry()
	m, err := instrument.New(instrument.Options{Registry: reg, WithoutRuntime: true})
	if err != nil {
		t.Fatal(err)
	}
	return m, reg
}

func scrape(m *instrument.Metrics) string {
	page := httptest.NewRecorder()
	m.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	return page.Body.String()
}

func attemptWrapped(t *testing.T, address string, h *database.Handle) func(context.Context) error {
	db, err := h.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	return execOn(t, db)
}

func attemptTraced(t *testing.T, address string, h *database.Handle) func(context.Context) error {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	return execOn(t, pgxmetrics.OpenDB(*config, h))
}

func execOn(t *testing.T, db *sql.DB) func(context.Context) error {
	t.Cleanup(func() { db.Close() })
	return func(ctx context.Context) error {
		_, err := db.ExecContext(ctx, "SELECT 1")
		return err
	}
}

func attemptPool(t *testing.T, address string, h *database.Handle) func(context.Context) error {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	pgxmetrics.Trace(config.ConnConfig, h)
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	t.Cleanup(pgxmetrics.WatchPool(pool, h))
	return func(ctx context.Context) error {
		_, err := pool.Exec(ctx, "SELECT 1")
		return err
	}
}

func tcp(address string) string {
	return (&url.URL{Scheme: "postgres", User: url.UserPassword("walker", password), Host: address, Path: "/postgres",
		RawQuery: "sslmode=disable"}).String()
}

func closedPort(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// silent accepts connections, reads what they send and never answers.
func silent(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { listener.Close() })
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				io.Copy(io.Discard, conn)
				conn.Close()
			})
		}
	})
	return listener.Addr().String()
}
