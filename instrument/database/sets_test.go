package database_test

import "database/sql/driver"

// The sets of optional interfaces: none, each one alone, all, and those of drivers that are much used.

type sets struct {
	conn func(*memConn) driver.Conn
	stmt func(*memStmt) driver.Stmt
	rows func(*memRows) driver.Rows
}

var connSets = map[string]func(*memConn) driver.Conn{
	"no interface": func(c *memConn) driver.Conn { return c },
	"ExecerContext": func(c *memConn) driver.Conn {
		return struct {
			*memConn
			connExec
		}{c, connExec{c}}
	},
	"Execer": func(c *memConn) driver.Conn {
		return struct {
			*memConn
			connOldExec
		}{c, connOldExec{c}}
	},
	"QueryerContext": func(c *memConn) driver.Conn {
		return struct {
			*memConn
			connQuery
		}{c, connQuery{c}}
	},
	"Queryer": func(c *memConn) driver.Conn {
		return struct {
			*memConn
			connOldQuery
		}{c, connOldQuery{c}}
	},
	"ConnPrepareContext": func(c *memConn) driver.Conn {
		return struct {
			*memConn
			connPrepare
		}{c, connPrepare{c}}
	},
	"ConnBeginTx": func(c *memConn) driver.Conn {
		return struct {
			*memConn
			connBegin
		}{c, connBegin{c}}
	},
	"Pinger": func(c *memConn) driver.Conn {
		return struct {
			*memConn
			connPing
		}{c, connPing{c}}
	},
	"SessionResetter": func(c *memConn) driver.Conn {
		return struct {
			*memConn
			connReset
		}{c, connReset{c}}
	},
	"Validator": func(c *memConn) driver.Conn {
		return struct {
			*memConn
			connValid
		}{c, connValid{c}}
	},
	"NamedValueChecker": func(c *memConn) driver.Conn {
		return struct {
			*memConn
			connCheck
		}{c, connCheck{c}}
	},
	"Execer, Queryer, NamedValueChecker": func(c *memConn) driver.Conn {
		return struct {
			*memConn
			connOldExec
			connOldQuery
			connCheck
		}{c, connOldExec{c}, connOldQuery{c}, connCheck{c}}
	},
	"all, as go-sql-driver/mysql": func(c *memConn) driver.Conn { return everything(c) },
	"as modernc.org/sqlite": func(c *memConn) driver.Conn {
		return struct {
			*memConn
			connExec
			connQuery
			connPrepare
			connBegin
			connPing
			connReset
			connValid
		}{c, connExec{c}, connQuery{c}, connPrepare{c}, connBegin{c}, connPing{c}, connReset{c}, connValid{c}}
	},
	"as go-mssqldb": func(c *memConn) driver.Conn {
		return struct {
			*memConn
			connPrepare
			connBegin
			connPing
			connReset
			connValid
			connCheck
		}{c, connPrepare{c}, connBegin{c}, connPing{c}, connReset{c}, connValid{c}, connCheck{c}}
	},
}

func everything(c *memConn) driver.Conn {
	return struct {
		*memConn
		connExec
		connQuery
		connPrepare
		connBegin
		connPing
		connReset
		connValid
		connCheck
	}{c, connExec{c}, connQuery{c}, connPrepare{c}, connBegin{c}, connPing{c}, connReset{c}, connValid{c}, connCheck{c}}
}

var stmtSets = map[string]func(*memStmt) driver.Stmt{
	"no interface":  func(s *memStmt) driver.Stmt { return s },
	"two arguments": func(s *memStmt) driver.Stmt { return numbered{s} },
	"StmtExecContext": func(s *memStmt) driver.Stmt {
		return struct {
			*memStmt
			stmtExec
		}{s, stmtExec{s}}
	},
	"StmtQueryContext": func(s *memStmt) driver.Stmt {
		return struct {
			*memStmt
			stmtQuery
		}{s, stmtQuery{s}}
	},
	"NamedValueChecker": func(s *memStmt) driver.Stmt {
		return struct {
			*memStmt
			stmtCheck
		}{s, stmtCheck{s}}
	},
	"ColumnConverter": func(s *memStmt) driver.Stmt {
		return struct {
			*memStmt
			stmtConvert
		}{s, stmtConvert{s}}
	},
	"ColumnConverter, two arguments": func(s *memStmt) driver.Stmt {
		return struct {
			numbered
			stmtConvert
		}{numbered{s}, stmtConvert{s}}
	},
	"all": func(s *memStmt) driver.Stmt {
		return struct {
			numbered
			stmtExec
			stmtQuery
			stmtCheck
			stmtConvert
		}{numbered{s}, stmtExec{s}, stmtQuery{s}, stmtCheck{s}, stmtConvert{s}}
	},
}

var rowsSetsOf = map[string]func(*memRows) driver.Rows{
	"no interface": func(r *memRows) driver.Rows { return r },
	"RowsNextResultSet": func(r *memRows) driver.Rows {
		return struct {
			*memRows
			rowsSets
		}{r, rowsSets{r}}
	},
	"RowsColumnTypeScanType": func(r *memRows) driver.Rows {
		return struct {
			*memRows
			rowsScanType
		}{r, rowsScanType{r}}
	},
	"RowsColumnTypeDatabaseTypeName": func(r *memRows) driver.Rows {
		return struct {
			*memRows
			rowsTypeName
		}{r, rowsTypeName{r}}
	},
	"RowsColumnTypeLength": func(r *memRows) driver.Rows {
		return struct {
			*memRows
			rowsLength
		}{r, rowsLength{r}}
	},
	"RowsColumnTypeNullable": func(r *memRows) driver.Rows {
		return struct {
			*memRows
			rowsNullable
		}{r, rowsNullable{r}}
	},
	"RowsColumnTypePrecisionScale": func(r *memRows) driver.Rows {
		return struct {
			*memRows
			rowsPrecision
		}{r, rowsPrecision{r}}
	},
	"all": func(r *memRows) driver.Rows {
		return struct {
			*memRows
			rowsSets
			rowsScanType
			rowsTypeName
			rowsLength
			rowsNullable
			rowsPrecision
		}{r, rowsSets{r}, rowsScanType{r}, rowsTypeName{r}, rowsLength{r}, rowsNullable{r}, rowsPrecision{r}}
	},
}
