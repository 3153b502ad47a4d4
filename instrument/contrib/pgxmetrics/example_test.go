package pgxmetrics_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/contrib/pgxmetrics"
	"github.com/truecount/truecount/instrument/database"
)

// A service counts what it asks of PostgreSQL through a pool of pgx. Nothing listens at this address, so that the example
// runs everywhere.
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

	config, err := pgxpool.ParseConfig("postgres://walker:secret@/kennel?host=/nowhere&pool_max_conns=4")
	if err != nil {
		fmt.Println(err)
		return
	}
	pgxmetrics.Trace(config.ConnConfig, kennel)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	defer pgxmetrics.WatchPool(pool, kennel)()

	if _, err := pool.Exec(ctx, "INSERT INTO dogs (name) VALUES ($1)", "Rex"); err != nil {
		fmt.Println("the kennel does not answer")
	}

	page := httptest.NewRecorder()
	m.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(page.Body.String()) {
		if strings.HasPrefix(line, "db_connection") || strings.HasPrefix(line, "db_executions") || strings.HasPrefix(line, "db_pool_max") {
			fmt.Print(line)
		}
	}
	// Output:
	// the kennel does not answer
	// db_connection_errors_total{alias="default",vendor="postgresql"} 1
	// db_connections_opened_total{alias="default",vendor="postgresql"} 0
	// db_executions_total{alias="default",vendor="postgresql"} 0
	// db_pool_max_connections{alias="default",vendor="postgresql"} 4
}
