package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"testing"

	"github.com/XSAM/otelsql"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace/noop"
	"modernc.org/sqlite"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/database"
)

// queries compares one query for one row through database/sql: with the bare driver, with ours around it, and with otelsql,
// of which only the metrics are on. The null driver shows what is added, SQLite in memory what that is beside the
// fastest database that there is.
func queries() ([]comparison, error) {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), WithoutRuntime: true})
	if err != nil {
		return nil, err
	}
	metrics, err := database.New(m, database.Options{})
	if err != nil {
		return nil, err
	}
	return []comparison{
		querying("QueryNull", "one query for one row, of a driver that does nothing", null{}, metrics.Handle("null", "null")),
		querying("QuerySQLite", "one query for one row, of SQLite in memory", memory{}, metrics.Handle("memory", database.SQLite)),
	}, nil
}

func querying(name, title string, c driver.Connector, h *database.Handle) comparison {
	theirs := otelsql.OpenDB(c, metricsOnly()...)
	return comparison{name: name, title: title, subjects: []subject{
		{name: "bare-driver", run: queryRow(sql.OpenDB(c))},
		{name: "instrument", run: queryRow(h.OpenDB(c)), ours: true},
		{name: "otelsql-metrics-only", run: queryRow(theirs)},
	}}
}

// metricsOnly leaves out every span that otelsql lets one leave out.
func metricsOnly() []otelsql.Option {
	return []otelsql.Option{
		otelsql.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))),
		otelsql.WithTracerProvider(noop.NewTracerProvider()),
		otelsql.WithSpanOptions(otelsql.SpanOptions{
			OmitConnResetSession: true, OmitConnPrepare: true, OmitConnQuery: true, OmitRows: true, OmitConnectorConnect: true,
		}),
	}
}

func queryRow(db *sql.DB) func(*testing.B) {
	db.SetMaxOpenConns(1)
	return func(b *testing.B) {
		b.ReportAllocs()
		ctx := context.Background()
		for b.Loop() {
			var id int64
			if err := db.QueryRowContext(ctx, "SELECT 7").Scan(&id); err != nil || id != 7 {
				b.Fatal(id, err)
			}
		}
	}
}

// memory connects to SQLite in memory.
type memory struct{}

func (memory) Connect(context.Context) (driver.Conn, error) {
	return new(sqlite.Driver).Open(":memory:")
}
func (memory) Driver() driver.Driver { return new(sqlite.Driver) }

// null is a driver whose every query has the one row 7.
type null struct{}

func (null) Connect(context.Context) (driver.Conn, error) { return &nullConn{}, nil }
func (null) Driver() driver.Driver                        { return null{} }
func (null) Open(string) (driver.Conn, error)             { return &nullConn{}, nil }

type nullConn struct {
	rows nullRows
	_    [64]byte // as requests.go says of writers
}

func (*nullConn) Prepare(string) (driver.Stmt, error) {
	return nil, fmt.Errorf("the null driver prepares nothing")
}
func (*nullConn) Begin() (driver.Tx, error) {
	return nil, fmt.Errorf("the null driver has no transactions")
}
func (*nullConn) Close() error { return nil }

func (c *nullConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	c.rows.read = false
	return &c.rows, nil
}

type nullRows struct{ read bool }

var nullColumns = []string{"id"}

func (*nullRows) Columns() []string { return nullColumns }
func (*nullRows) Close() error      { return nil }

func (r *nullRows) Next(dest []driver.Value) error {
	if r.read {
		return io.EOF
	}
	r.read, dest[0] = true, int64(7)
	return nil
}
