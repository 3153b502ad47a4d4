//go:build go1.27

package pgxmetrics_test

import (
	"database/sql"
	"slices"
	"testing"
)

// Since Go 1.27 pgx scans what database/sql does not know. The wrapper must not take that away.
func TestPgxScansArraysThroughDatabaseSQL(t *testing.T) {
	for name, open := range map[string]func(*testing.T, service) *sql.DB{"wrapped": openWrapped, "traced": openTraced} {
		s := serve(t)
		db := open(t, s)
		defer db.Close()
		if err := db.Ping(); err != nil {
			t.Fatal(err)
		}
		s.expect(t, once(), func() {
			var ages []int64
			if err := db.QueryRow("SELECT ARRAY[7, 8]::bigint[]").Scan(&ages); err != nil || !slices.Equal(ages, []int64{7, 8}) {
				t.Errorf("%s: %v, %v", name, ages, err)
			}
		})
		s.expect(t, once(dataError), func() { readAll(t, db) })
	}
}
