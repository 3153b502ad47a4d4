package database_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/database"
)

// A service counts what it asks of its database. Instead of the one row that is always there, use a driver of your own:
//
//	db, err := kennel.Open("pgx", os.Getenv("DATABASE_URL"))
func Example() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), WithoutRuntime: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	metrics, err := database.New(m, database.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	kennel := metrics.Handle("default", database.PostgreSQL)
	db := kennel.OpenDB(oneRow{})
	defer db.Close()

	var name string
	if err := db.QueryRow("SELECT name FROM dogs WHERE id = $1", 7).Scan(&name); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(name)

	page := httptest.NewRecorder()
	m.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(page.Body.String()) {
		if strings.HasPrefix(line, "db_connections_opened_total") || strings.HasPrefix(line, "db_executions_total") ||
			strings.HasPrefix(line, "db_pool_connections") || strings.HasPrefix(line, "db_query_duration_seconds_count") {
			fmt.Print(line)
		}
	}
	// Output:
	// Rex
	// db_connections_opened_total{alias="default",vendor="postgresql"} 1
	// db_executions_total{alias="default",vendor="postgresql"} 1
	// db_pool_connections{alias="default",state="idle",vendor="postgresql"} 1
	// db_pool_connections{alias="default",state="in_use",vendor="postgresql"} 0
	// db_query_duration_seconds_count{alias="default",vendor="postgresql"} 1
}

// The driver's own connection is reached through the wrapper.
func ExampleUnwrap() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), WithoutRuntime: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	metrics, err := database.New(m, database.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	db := metrics.Handle("default", database.SQLite).OpenDB(oneRow{})
	defer db.Close()
	conn, err := db.Conn(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	err = conn.Raw(func(driverConn any) error {
		fmt.Println(database.Unwrap(driverConn).(*rowConn).Version())
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: version 1
}

// oneRow is a database of one row.
type oneRow struct{}

func (oneRow) Connect(context.Context) (driver.Conn, error) { return &rowConn{}, nil }
func (oneRow) Driver() driver.Driver                        { return nil }

type rowConn struct{}

func (*rowConn) Version() string                     { return "version 1" }
func (*rowConn) Prepare(string) (driver.Stmt, error) { return &rowStmt{}, nil }
func (*rowConn) Close() error                        { return nil }
func (*rowConn) Begin() (driver.Tx, error)           { return nil, sql.ErrTxDone }

type rowStmt struct{ read bool }

func (*rowStmt) Close() error                                { return nil }
func (*rowStmt) NumInput() int                               { return 1 }
func (*rowStmt) Exec([]driver.Value) (driver.Result, error)  { return driver.ResultNoRows, nil }
func (s *rowStmt) Query([]driver.Value) (driver.Rows, error) { return s, nil }
func (*rowStmt) Columns() []string                           { return []string{"name"} }
func (s *rowStmt) Next(dest []driver.Value) error {
	if s.read {
		return io.EOF
	}
	s.read, dest[0] = true, "Rex"
	return nil
}
