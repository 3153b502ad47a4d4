package servicewindow_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/truecount/truecount/demo/database/databasetest"
)

func TestNothingIsRegisteredBeforeTheDatabaseAnswers(t *testing.T) {
	cluster := databasetest.Start(t)
	address := cluster.NewDatabase(t).Address()
	cluster.Stop()
	s := beginSite(t, address)
	s.eventually("it is said that the database is waited for", func() bool { return strings.Contains(s.log.String(), "not ready") })
	s.want([]string{`instrument_collector_success{collector="service_windows"} 0`}, "_service_window_") // not registered, and that is said
	for path, want := range map[string]string{"/": "Not ready yet", "/health/": "does not answer"} {
		if answer := s.get(path); answer.Code != 503 || !strings.Contains(answer.Body.String(), want) {
			t.Errorf("%s: status %d: %s", path, answer.Code, answer.Body)
		}
	}
	cluster.StartAgain(t)
	s.eventually("the windows are exported", func() bool { return strings.Contains(s.metrics(), "checkout_service_window") })
	if answer := s.get("/health/"); answer.Code != 200 {
		t.Errorf("health %d", answer.Code)
	}
	if n := strings.Count(s.metrics(), "\ncheckout_service_window_in_window{"); n != 1 {
		t.Errorf("exported %d times", n)
	}
}

func TestNothingIsRegisteredWhileTheTablesAreBeingMade(t *testing.T) {
	address := databasetest.Start(t).NewDatabase(t).Address()
	connector, err := address.Connector()
	if err != nil {
		t.Fatal(err)
	}
	other := sql.OpenDB(connector)
	defer other.Close()
	unlock, err := address.Lock(t.Context(), other) // another process is making them
	if err != nil {
		t.Fatal(err)
	}
	s := beginSite(t, address)
	s.eventually("the database is being waited for", func() bool {
		var waiting int
		err := other.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").Scan(&waiting)
		return err == nil && waiting > 0
	})
	s.want([]string{`instrument_collector_success{collector="service_windows"} 0`}, "_service_window_") // not registered, and that is said
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	s.eventually("the windows are exported", func() bool { return strings.Contains(s.metrics(), "checkout_service_window") })
}

func TestWithTheDatabaseDownTheScrapeAnswersWithoutStaleValues(t *testing.T) {
	cluster := databasetest.Start(t)
	s := newSite(t, cluster.NewDatabase(t).Address())
	for range 2 { // registered once, it goes and comes with the database
		cluster.Stop()
		s.want([]string{`instrument_collector_success{collector="service_windows"} 0`}, "service_window_")
		if answer := s.get("/"); answer.Code != 503 {
			t.Errorf("the page: status %d", answer.Code)
		}
		cluster.StartAgain(t)
		s.eventually("the windows are back", func() bool { return strings.Contains(s.metrics(), "checkout_service_window") })
		s.want([]string{`instrument_collector_success{collector="service_windows"} 1`})
	}
	if log := s.log.String(); strings.Contains(log, databasetest.Password) {
		t.Errorf("the log has the password: %s", log)
	}
}

func TestWithTheDatabaseHangingTheScrapeAnswersBeforePrometheusGivesUp(t *testing.T) {
	s := newSite(t, databasetest.Start(t).NewDatabase(t).Address())
	db := s.byHand()
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(t.Context(), "LOCK TABLE components IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	text := s.metricsOfAHang()
	s.wantIn(text, []string{`instrument_collector_success{collector="service_windows"} 0`}, "service_window_")
	if !strings.Contains(text, "http_requests_in_flight 0") {
		t.Error("the other metrics are missing")
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	s.eventually("the windows are back", func() bool { return strings.Contains(s.metrics(), "checkout_service_window") })
}
