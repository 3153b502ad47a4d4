package database_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/database"
)

const otherError = `db_errors_total{class="other"}`

func TestWhatIsCounted(t *testing.T) {
	exec := func(query string) func(context.Context, service) {
		return func(ctx context.Context, s service) { _, _ = s.db.ExecContext(ctx, query) }
	}
	read := func(query string) func(context.Context, service) {
		return func(ctx context.Context, s service) { all(s.db.QueryContext(ctx, query)) }
	}
	for name, test := range map[string]struct {
		do   func(context.Context, service)
		want exposition
	}{
		"an exec is an execution":                        {exec("do"), once()},
		"one that fails is an execution and an error":    {exec("error"), once(otherError)},
		"a query is an execution":                        {read("do"), once()},
		"a query that fails is one and an error":         {read("error"), once(otherError)},
		"an error while rows are read is one error":      {read("broken row"), once(otherError)},
		"and is not counted again when they are closed":  {read("broken row and close"), once(otherError)},
		"an error when rows are closed is one error":     {read("broken close"), once(otherError)},
		"an error in a further result set is one error":  {read("broken set"), once(otherError)},
		"what must be prepared first is executed once":   {exec("skip"), once()},
		"a query that must be prepared is executed once": {read("skip"), once()},
		"preparing is no execution": {func(ctx context.Context, s service) {
			stmt, _ := s.db.PrepareContext(ctx, "do")
			stmt.Close()
		}, exposition{}},
		"preparing may fail": {func(ctx context.Context, s service) { _, _ = s.db.PrepareContext(ctx, "syntax") },
			exposition{otherError: 1}},
		"a prepared statement is an execution each time": {func(ctx context.Context, s service) {
			stmt, _ := s.db.PrepareContext(ctx, "do")
			defer stmt.Close()
			for range 3 {
				_, _ = stmt.ExecContext(ctx)
			}
		}, exposition{"db_executions_total": 3, "db_query_duration_seconds count": 3}},
		"a batch is what the program says": {func(ctx context.Context, s service) {
			s.metrics.Handle("default", database.PostgreSQL).InBatch(3)
		}, exposition{"db_batch_executions_total": 3}},
		"a transaction counts what is executed in it": {func(ctx context.Context, s service) {
			tx, _ := s.db.BeginTx(ctx, nil)
			_, _ = tx.ExecContext(ctx, "do")
			tx.Commit()
		}, once()},
		"a transaction may fail to begin": {func(ctx context.Context, s service) {
			s.memory.bad = 1
			tx, _ := s.db.BeginTx(ctx, nil) // on another connection
			tx.Commit()
		}, exposition{`db_errors_total{class="bad_connection"}`: 1, "db_connections_opened_total": 1}},
		"a commit may fail": {func(ctx context.Context, s service) {
			tx, _ := s.db.BeginTx(ctx, nil)
			s.memory.bad = 1
			tx.Commit()
		}, exposition{`db_errors_total{class="bad_connection"}`: 1}},
		"a ping is nothing": {func(ctx context.Context, s service) { s.db.PingContext(ctx) }, exposition{}},
		"a ping may fail": {func(ctx context.Context, s service) { s.memory.bad = 1; s.db.PingContext(ctx) },
			exposition{`db_errors_total{class="bad_connection"}`: 1}},
		"a statement executed at the third attempt is one execution": {func(ctx context.Context, s service) {
			s.memory.bad = 2
			_, _ = s.db.ExecContext(ctx, "bad")
		}, exposition{"db_executions_total": 1, "db_query_duration_seconds count": 1,
			`db_errors_total{class="bad_connection"}`: 2, "db_connections_opened_total": 2}},
		"a statement that no attempt executed is none": {func(ctx context.Context, s service) {
			s.memory.bad = 99
			_, _ = s.db.ExecContext(ctx, "bad")
		}, exposition{`db_errors_total{class="bad_connection"}`: 3, "db_connections_opened_total": 2}},
		"rows whose context is done are an error": {func(ctx context.Context, s service) {
			ctx, cancel := context.WithCancel(ctx)
			rows, _ := s.db.QueryContext(ctx, "endless")
			rows.Next()
			cancel()
			for rows.Next() {
			}
			rows.Close()
		}, once(`db_errors_total{class="canceled"}`)},
		"a context that is done after the rows is no error": {func(ctx context.Context, s service) {
			ctx, cancel := context.WithCancel(ctx)
			all(s.db.QueryContext(ctx, "do"))
			cancel()
		}, once()},
		"rows that are not read to their end are no error": {func(ctx context.Context, s service) {
			rows, _ := s.db.QueryContext(ctx, "do")
			rows.Close()
		}, once()},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, instrument.PrometheusNames, database.Options{})
			if err := s.db.Ping(); err != nil {
				t.Fatal(err)
			}
			got := s.changed(t, func() { test.do(t.Context(), s) })
			for series, want := range test.want {
				if got[series] != want {
					t.Errorf("%s: %v, want %v", series, got[series], want)
				}
			}
			for series, value := range got {
				if _, wanted := test.want[series]; !wanted {
					t.Errorf("%s changed by %v", series, value)
				}
			}
		})
	}
}

func TestRowsThatAreOpenAtTheSameTimeKeepTheirOwnErrors(t *testing.T) {
	s := serve(t, instrument.PrometheusNames, database.Options{})
	tx, err := s.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	outer, err := tx.Query("broken row")
	if err != nil {
		t.Fatal(err)
	}
	got := s.changed(t, func() {
		for outer.Next() {
			if seen := all(tx.Query("do")); seen[len(seen)-1] != "<nil>" {
				t.Error("inner rows:", seen)
			}
		}
	})
	if outer.Err() != errBroken || got[otherError] != 1 || got["db_executions_total"] != 1 {
		t.Errorf("outer rows: %v; counted %v", outer.Err(), got)
	}
}

func TestADurationEndsWhenTheDriverHasAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, instrument.PrometheusNames, database.Options{})
		if _, err := s.db.Exec("slow"); err != nil {
			t.Fatal(err)
		}
		if got := expose(t, s)["db_query_duration_seconds sum"]; got != 0.03 {
			t.Errorf("30 ms were counted as %v s", got)
		}
		s.db.Close()
	})
}

func TestConnectionsAreCountedAsOpenedOrFailed(t *testing.T) {
	for _, test := range []struct {
		names          instrument.Names
		opened, failed string
		want           float64
	}{
		{instrument.PrometheusNames, "db_connections_opened_total", "db_connection_errors_total", 1},
		// django-prometheus counts a new connection before it tries.
		{instrument.DjangoNames, "django_db_new_connections_total", "django_db_new_connection_errors_total", 3},
	} {
		s := serve(t, test.names, database.Options{})
		s.memory.down = errBroken
		for range 2 {
			if err := s.db.Ping(); err != errBroken {
				t.Fatal(err)
			}
		}
		s.memory.down = nil
		if err := s.db.Ping(); err != nil {
			t.Fatal(err)
		}
		got := expose(t, s)
		if got[test.opened] != test.want || got[test.failed] != 2 {
			t.Errorf("%s %v, %s %v", test.opened, got[test.opened], test.failed, got[test.failed])
		}
		for series, value := range got {
			if strings.Contains(series, "errors_total{") && value != 0 {
				t.Errorf("a failed connection is counted in %s", series)
			}
		}
	}
}

func TestAllSeriesAreExposedAs0BeforeAnythingHappens(t *testing.T) {
	s := serve(t, instrument.PrometheusNames, database.Options{})
	got := expose(t, s)
	want := []string{"db_connections_opened_total", "db_connection_errors_total", "db_executions_total",
		"db_batch_executions_total", "db_query_duration_seconds count", "db_pool_waits_total", "db_pool_wait_seconds_total",
		`db_pool_connections{state="idle"}`, `db_pool_connections{state="in_use"}`,
		`db_pool_closed_total{reason="max_idle"}`, `db_pool_closed_total{reason="max_idle_time"}`,
		`db_pool_closed_total{reason="max_lifetime"}`}
	for _, class := range database.UsualClasses() {
		want = append(want, fmt.Sprintf("db_errors_total{class=%q}", class))
	}
	errors := 0
	for series := range got {
		if strings.HasPrefix(series, "db_errors_total{") {
			errors++
		}
	}
	if errors != len(database.UsualClasses()) {
		t.Errorf("%d classes of errors are exposed before there are any, want the %d usual ones", errors, len(database.UsualClasses()))
	}
	for _, series := range want {
		if value, exposed := got[series]; !exposed || value != 0 {
			t.Errorf("%s is %v, exposed %t", series, value, exposed)
		}
	}
	if limit := got["db_pool_max_connections"]; !math.IsInf(limit, 1) {
		t.Errorf("a pool without a limit may have %v connections", limit)
	}
}

func TestAnErrorOfARareClassIsCountedFromItsFirstOn(t *testing.T) {
	s := serve(t, instrument.PrometheusNames, database.Options{})
	h := s.metrics.Handle("default", database.PostgreSQL)
	const series = `db_errors_total{class="cardinality_violation"}`
	if _, exposed := expose(t, s)[series]; exposed {
		t.Fatal("a rare class is exposed before there is an error of it")
	}
	for range 2 {
		h.Failed(stateError("21000"))
	}
	if got := expose(t, s)[series]; got != 2 {
		t.Errorf("%s is %v, want 2", series, got)
	}
}

func TestADriverWithoutConnectorsIsOpenedByName(t *testing.T) {
	s := serve(t, instrument.PrometheusNames, database.Options{})
	name := register(memDriver{s.memory})
	db, err := s.metrics.Handle("default", database.PostgreSQL).Open(name, "anything")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	if _, same := db.Driver().(memDriver); !same {
		t.Error("the driver is not the driver's own")
	}
	if got := expose(t, s)["db_connections_opened_total"]; got != 1 {
		t.Error("connections opened:", got)
	}
	if _, err := s.metrics.Handle("default", database.PostgreSQL).Open("no such driver", ""); err == nil {
		t.Error("a driver that is not registered")
	}
}

var _ driver.Connector = (*memory)(nil)
