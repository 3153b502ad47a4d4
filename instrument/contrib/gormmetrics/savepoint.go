package gormmetrics

import (
	"strings"

	"gorm.io/gorm"
)

// followSavepoint sees the savepoints of db.SavePoint, db.RollbackTo, nested transactions and db.Exec: all of them are
// statements.
func followSavepoint(db *gorm.DB) {
	if db.Error != nil || db.DryRun {
		return
	}
	tx, _ := of(db.Statement.ConnPool)
	if tx == nil {
		return
	}
	switch verb, name := parseSavepoint(db.Statement.SQL.String()); verb {
	case save:
		tx.pending.Savepoint(name)
	case rollbackTo:
		tx.pending.RollbackTo(name)
	case release:
		tx.pending.Release(name)
	}
}

type verb int

const (
	none verb = iota
	save
	rollbackTo
	release
)

// longest is more than a statement about a savepoint has: its name is limited to 128 bytes where databases say so.
const longest = 512

// parseSavepoint reads statements about savepoints as PostgreSQL, SQLite, MySQL and SQL Server have them:
//
//	SAVEPOINT name                                  SAVE TRAN[SACTION] name
//	ROLLBACK [WORK|TRANSACTION] TO [SAVEPOINT] name   ROLLBACK TRAN[SACTION] name
//	RELEASE [SAVEPOINT] name
func parseSavepoint(sql string) (verb, string) {
	if len(sql) > longest {
		return none, ""
	}
	words := strings.Fields(bare(sql))
	is := func(i int, keywords ...string) bool {
		if i >= len(words) {
			return false
		}
		for _, k := range keywords {
			if strings.EqualFold(words[i], k) {
				return true
			}
		}
		return false
	}
	found, rest := none, 0
	switch {
	case is(0, "SAVEPOINT"):
		found, rest = save, 1
	case is(0, "SAVE") && is(1, "TRAN", "TRANSACTION"):
		found, rest = save, 2
	case is(0, "RELEASE"):
		found, rest = release, 1
	case is(0, "ROLLBACK"):
		found, rest = rollbackTo, 1
		if is(rest, "WORK", "TRAN", "TRANSACTION") {
			rest++
		}
		if is(rest, "TO") {
			rest++
		} else if !is(1, "TRAN", "TRANSACTION") {
			return none, ""
		}
	}
	// The word is optional, and may be the name.
	if found != none && found != save && is(rest, "SAVEPOINT") && rest+1 < len(words) {
		rest++
	}
	if found == none || len(words) != rest+1 {
		return none, ""
	}
	return found, strings.Trim(words[rest], "\"`[]")
}

// bare takes off what may be around a statement: blanks, semicolons, and the comments that tracing tools add.
func bare(sql string) string {
	for {
		before := len(sql)
		sql = strings.Trim(sql, "; \t\r\n")
		if rest, ok := strings.CutPrefix(sql, "/*"); ok {
			if _, after, closed := strings.Cut(rest, "*/"); closed {
				sql = after
			}
		}
		if rest, ok := strings.CutSuffix(sql, "*/"); ok {
			if i := strings.LastIndex(rest, "/*"); i >= 0 {
				sql = rest[:i]
			}
		}
		if len(sql) == before {
			return sql
		}
	}
}
