//go:build !go1.27

package database

import "database/sql/driver"

// offered returns the rows with the abilities that change what database/sql does: there are none before Go 1.27.
func (r *rows) offered() driver.Rows { return r }
