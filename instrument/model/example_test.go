package model_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/model"
)

// printMetrics prints the samples whose names have the prefix, as a scrape sees them.
func printMetrics(h http.Handler, prefix string) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(rec.Body.String()) {
		if strings.HasPrefix(line, prefix) {
			fmt.Print(line)
		}
	}
}

func Example() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	operations, err := model.New(m, "walker", "dog")
	if err != nil {
		fmt.Println(err)
		return
	}
	dogs := operations.Model("dog")

	// Each after its statement succeeded, with the number of rows.
	dogs.Inserted(3)
	dogs.Updated(1)

	printMetrics(m.Handler(), "model_")
	// Output:
	// model_deletes_total{model="dog"} 0
	// model_deletes_total{model="walker"} 0
	// model_inserts_total{model="dog"} 3
	// model_inserts_total{model="walker"} 0
	// model_updates_total{model="dog"} 1
	// model_updates_total{model="walker"} 0
}

// A statement of database/sql counts the rows that it affected, if it succeeded.
func ExampleModel_InsertedBy() {
	var (
		db   *sql.DB
		dogs *model.Model // of model.Operations
	)
	addDog := func(ctx context.Context, name string) error {
		_, err := dogs.InsertedBy(db.ExecContext(ctx, "INSERT INTO dogs (name) VALUES ($1)", name))
		return err
	}
	_ = addDog
}

// A transaction counts when it is committed.
func ExamplePending() {
	var (
		db          *sql.DB
		dogs, walks *model.Model // of model.Operations
	)
	retire := func(ctx context.Context, dog int64) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		var pending model.Pending
		if _, err := walks.In(&pending).DeletedBy(tx.ExecContext(ctx, "DELETE FROM walks WHERE dog_id = $1", dog)); err != nil {
			return err
		}
		if _, err := dogs.In(&pending).UpdatedBy(tx.ExecContext(ctx, "UPDATE dogs SET retired = true WHERE id = $1", dog)); err != nil {
			return err
		}
		return pending.Committed(tx.Commit())
	}
	_ = retire
}
