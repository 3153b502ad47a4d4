//go:build go1.27

package database

import (
	"database/sql/driver"
	"io"
)

// scanningRows are rows whose driver scans columns itself. Others must not pretend that: database/sql then asks for rows in
// another way.
type scanningRows struct{ *rows }

// offered returns the rows with the abilities that change what database/sql does.
func (r *rows) offered() driver.Rows {
	if _, ok := r.raw.(driver.RowsColumnScanner); ok {
		return scanningRows{r}
	}
	return r
}

func (r scanningRows) NextRow() error { return r.end(r.raw.(driver.RowsColumnScanner).NextRow()) }

// ScanColumn counts nothing: an error says that a value does not fit into the program's variable.
func (r scanningRows) ScanColumn(ctx driver.ScanContext, index int, dest any) error {
	return r.raw.(driver.RowsColumnScanner).ScanColumn(ctx, index, dest)
}

func (noRows) NextRow() error                                { return io.EOF }
func (noRows) ScanColumn(driver.ScanContext, int, any) error { return io.EOF }
