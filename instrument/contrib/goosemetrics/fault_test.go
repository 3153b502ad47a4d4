package goosemetrics_test

import (
	"bytes"
	"context"
	"database/sql"
	"log/slog"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/migrations"
)

// service is a service with a database whose migrations it exposes, 2 of 3 applied.
type service struct {
	kennel
	m      *instrument.Metrics
	logged *logBuffer
}

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

func newService(t *testing.T, k kennel) service {
	t.Helper()
	s := service{kennel: k, logged: &logBuffer{}}
	var err error
	s.m, err = instrument.New(instrument.Options{
		Registry: prometheus.NewRegistry(), Logger: slog.New(slog.NewTextHandler(s.logged, nil)),
	})
	must(t, err)
	p := k.provider(t, 3)
	_, err = p.UpTo(t.Context(), 2)
	must(t, err)
	must(t, migrations.Register(s.m, "default", k.status(t, p)))
	return s
}

// scrape asks as Prometheus does, which gives up after some seconds. On a busy machine a hang may leave too little of them to put the
// rest together; then the answer is 503, which is in time as well, and it is asked again.
func (s service) scrape(t *testing.T, seconds string) string {
	t.Helper()
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", seconds)
	end := time.Now().Add(time.Minute)
	for {
		begun := time.Now()
		rec := httptest.NewRecorder()
		s.m.Handler().ServeHTTP(rec, r)
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("the scrape hung for %v", took)
		}
		if rec.Code == 503 && time.Now().Before(end) {
			continue
		}
		if rec.Code != 200 || !strings.Contains(rec.Body.String(), "go_goroutines ") {
			t.Errorf("the scrape is answered %d: %s", rec.Code, rec.Body)
		}
		return rec.Body.String()
	}
}

// expectValues wants the values back without anybody's help; a question that hung may take until its driver notices.
func (s service) expectValues(t *testing.T) {
	t.Helper()
	want := []string{
		"\n" + `migrations_applied{connection="default"} 2` + "\n", "\n" + `migrations_unapplied{connection="default"} 1` + "\n",
		"\n" + `instrument_collector_success{collector="migrations_default"} 1` + "\n",
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); ; <-tick.C {
		text := s.scrape(t, "60")
		missing := slices.DeleteFunc(slices.Clone(want), func(line string) bool { return strings.Contains(text, line) })
		if len(missing) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("missing: %q; logged: %s", missing, s.logged)
		}
	}
}

// expectNone wants a scrape of a few seconds to be answered without values.
func (s service) expectNone(t *testing.T) {
	t.Helper()
	text := s.scrape(t, "5")
	if strings.Contains(text, "migrations_applied{") || strings.Contains(text, "migrations_unapplied{") {
		t.Error("there is a value that nobody can know")
	}
	if !strings.Contains(text, "\n"+`instrument_collector_success{collector="migrations_default"} 0`+"\n") {
		t.Error("the failure is not exposed")
	}
}

func TestPostgreSQLDownOrHangingHasNoValueAndComesBack(t *testing.T) {
	server := newServer(t)
	t.Cleanup(func() { _ = os.RemoveAll(server.dir) })
	t.Cleanup(func() { server.stop() })
	const password = "s3cr3t-of-the-kennel"
	db := openDB(t, "pgx", server.dsn("postgres")+" password="+password)
	s := newService(t, kennel{db: db, dialect: goose.DialectPostgres})
	s.expectValues(t)

	t.Run("a migration holds the table", func(t *testing.T) {
		holder := openDB(t, "pgx", server.dsn("postgres"))
		tx, err := holder.BeginTx(t.Context(), nil)
		must(t, err)
		_, err = tx.ExecContext(t.Context(), "LOCK TABLE goose_db_version IN ACCESS EXCLUSIVE MODE")
		must(t, err)
		s.expectNone(t)
		must(t, tx.Rollback())
		s.expectValues(t)
	})
	t.Run("nobody accepts connections", func(t *testing.T) {
		db.SetMaxIdleConns(0) // so that there is none left
		must(t, server.process.Process.Signal(syscall.SIGSTOP))
		s.expectNone(t)
		must(t, server.process.Process.Signal(syscall.SIGCONT))
		s.expectValues(t)
	})
	t.Run("every connection is in use", func(t *testing.T) {
		db.SetMaxOpenConns(1)
		conn, err := db.Conn(t.Context())
		must(t, err)
		s.expectNone(t)
		must(t, conn.Close())
		db.SetMaxOpenConns(0)
		s.expectValues(t)
	})
	t.Run("the server is gone", func(t *testing.T) {
		server.stop()
		s.expectNone(t)
		server.start(t)
		s.expectValues(t)
	})
	if logged := s.logged.String(); strings.Contains(logged, password) || !strings.Contains(logged, "reading goose's versions") {
		t.Errorf("logged: %s", logged)
	}
}

func TestSQLiteThatIsLockedOrClosedHasNoValue(t *testing.T) {
	k := openSQLite(t)
	s := newService(t, k)
	s.expectValues(t)
	t.Run("locked", func(t *testing.T) {
		holder := openDB(t, "sqlite", k.dsn)
		conn, err := holder.Conn(t.Context())
		must(t, err)
		_, err = conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE")
		must(t, err)
		s.expectNone(t)
		_, err = conn.ExecContext(t.Context(), "ROLLBACK")
		must(t, err)
		must(t, conn.Close())
		s.expectValues(t)
	})
	t.Run("closed", func(t *testing.T) {
		must(t, k.db.Close())
		s.expectNone(t)
	})
}

// Goose holds its provider for as long as it migrates, and a lock in the database besides.
func TestARunningMigrationIsNotWaitedFor(t *testing.T) {
	everywhere(t, func(t *testing.T, k kennel) {
		if k.dialect == goose.DialectSQLite3 {
			_, err := k.db.ExecContext(t.Context(), "PRAGMA journal_mode = wal") // readers don't wait for writers
			must(t, err)
		}
		running, finish := make(chan struct{}), make(chan struct{})
		p := k.provider(t, 2, goose.WithGoMigrations(goose.NewGoMigration(3, &goose.GoFunc{RunTx: func(context.Context, *sql.Tx) error {
			close(running)
			<-finish
			return nil
		}}, nil)))
		count := k.status(t, p)
		up := make(chan error, 1)
		go func() {
			_, err := p.Up(t.Context())
			up <- err
		}()
		<-running
		expect(t, count, 2, 1)
		close(finish)
		must(t, <-up)
		expect(t, count, 3, 0)
	})
}
