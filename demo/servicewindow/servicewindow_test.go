package servicewindow_test

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/demo/database/databasetest"
	"github.com/truecount/truecount/demo/servicewindow"
)

// asProgram makes the test program the servicewindow program, for tests with real processes.
const asProgram = "SERVICEWINDOW_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		if err := servicewindow.Command(context.Background(), os.Args[1:], os.Getenv, os.Stderr); err != nil {
			io.WriteString(os.Stderr, "servicewindow: "+err.Error()+"\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// A site is the application over a database, with a clock that stands: a Thursday, 12:00 in UTC.
type site struct {
	t        testing.TB
	app      *servicewindow.App
	handler  http.Handler
	database database.Address
	log      *lockedBuffer
}

var noon = time.Date(2025, 11, 20, 12, 0, 0, 0, time.UTC)

// newSite starts the export and waits until the windows are there.
func newSite(t testing.TB, address database.Address) *site {
	t.Helper()
	s := beginSite(t, address)
	s.eventually("the windows are exported", func() bool { return strings.Contains(s.metrics(), "checkout_service_window") })
	return s
}

func beginSite(t testing.TB, address database.Address) *site {
	t.Helper()
	s := &site{t: t, database: address, log: new(lockedBuffer)}
	app, err := servicewindow.New(servicewindow.Options{Database: address, Now: func() time.Time { return noon },
		Logger: slog.New(slog.NewTextHandler(s.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var exporting sync.WaitGroup
	exporting.Go(func() {
		if err := app.ExportWindows(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		exporting.Wait()
		app.Close()
	})
	s.app, s.handler = app, app.Handler()
	return s
}

func (s *site) eventually(what string, holds func() bool) {
	s.t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("not seen: %s\n%s\n%s", what, s.log, s.metrics())
		}
	}
}

func sqliteFile(t testing.TB) database.Address {
	return database.SQLite(filepath.Join(t.TempDir(), "servicewindow.db"))
}

// each runs a test over a new database of each kind.
func each(t *testing.T, test func(t *testing.T, address database.Address)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteFile(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, databasetest.Start(t).NewDatabase(t).Address()) })
}

// scrape asks as Prometheus does that gives up after so many seconds.
func (s *site) scrape(seconds string) *httptest.ResponseRecorder {
	request := httptest.NewRequest("GET", "/metrics", nil)
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", seconds)
	answer := httptest.NewRecorder()
	s.app.Metrics().ServeHTTP(answer, request)
	return answer
}

// metrics is a scrape that has time.
func (s *site) metrics() string {
	s.t.Helper()
	answer := s.scrape("30")
	if answer.Code != http.StatusOK {
		s.t.Fatalf("the scrape answered %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// metricsOfAHang is a scrape that something holds up. On a busy machine the rest may not be put together in the time that is left;
// then the answer is 503, which is in time as well, and the next scrape is asked.
func (s *site) metricsOfAHang() string {
	s.t.Helper()
	var answer *httptest.ResponseRecorder
	s.eventually("the metrics that don't hang", func() bool {
		began := time.Now()
		answer = s.scrape("5")
		if took := time.Since(began); took > 30*time.Second { // it would hang for ever
			s.t.Errorf("the scrape took %v", took)
		}
		return answer.Code != http.StatusServiceUnavailable
	})
	if answer.Code != http.StatusOK {
		s.t.Fatalf("the scrape answered %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

// want checks that the scrape has each line, and none that contains one of the others.
func (s *site) want(lines []string, absent ...string) {
	s.t.Helper()
	s.wantIn(s.metrics(), lines, absent...)
}

func (s *site) wantIn(text string, lines []string, absent ...string) {
	s.t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			s.t.Errorf("missing: %s\n%s", line, windows(text))
		}
	}
	for _, part := range absent {
		if strings.Contains(text, part) {
			s.t.Errorf("still there: %s\n%s", part, windows(text))
		}
	}
}

// windows are the lines about windows, for messages.
func windows(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, "service_window") && !strings.HasPrefix(line, "# ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func (s *site) get(path string) *httptest.ResponseRecorder { return s.send("GET", path, "") }

func (s *site) post(path string, form url.Values) *httptest.ResponseRecorder {
	return s.send("POST", path, form.Encode())
}

func (s *site) send(method, path, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	if method == "POST" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer := httptest.NewRecorder()
	s.handler.ServeHTTP(answer, request)
	return answer
}

// exec does with the table what anybody can who has the database's password.
func (s *site) exec(query string, args ...any) {
	s.t.Helper()
	db := s.byHand()
	defer db.Close()
	if _, err := db.ExecContext(s.t.Context(), query, args...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) byHand() *sql.DB {
	s.t.Helper()
	connector, err := s.database.Connector()
	if err != nil {
		s.t.Fatal(err)
	}
	return sql.OpenDB(connector)
}

const insert = `INSERT INTO components (name, labels, weekdays, start_time, duration_minutes, time_zone) VALUES ($1, $2, $3, $4, $5, $6)`

func grep(text, part string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// lockedBuffer takes a log while a test reads it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
