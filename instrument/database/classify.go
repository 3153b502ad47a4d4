package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"reflect"
)

// ClassOf returns the class of an error of a database, and "" for what is no error: nil, [sql.ErrNoRows] and
// [driver.ErrSkip].
//
// It knows the errors of contexts, of connections and of the network; those with a method SQLState() string, as pgx and
// lib/pq have it; those with a method Code() int that is a result code of SQLite, as modernc.org/sqlite has it; and, by the
// names of their fields, those of go-sql-driver/mysql and mattn/go-sqlite3. Everything else is [Other].
func ClassOf(err error) Class {
	switch {
	case err == nil, errors.Is(err, sql.ErrNoRows), errors.Is(err, driver.ErrSkip):
		return ""
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return DeadlineExceeded
	case errors.Is(err, driver.ErrBadConn):
		return BadConnection
	}
	if class := codeClass(err); class != "" {
		return class
	}
	if isNetwork(err) {
		return ConnectionException
	}
	return Other
}

func isNetwork(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// codeClass returns the class that a database's own code says, or "".
func codeClass(err error) Class {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		if class := sqlStateClass(state.SQLState()); class != "" {
			return class
		}
	}
	var code interface{ Code() int }
	if errors.As(err, &code) {
		return sqliteClass(int64(code.Code()))
	}
	return fieldsClass(err)
}

// sqlStateClass returns the class of an SQLSTATE code by its first two characters, or "".
func sqlStateClass(state string) Class {
	if len(state) != 5 {
		return ""
	}
	for _, k := range kinds {
		if k.sqlstate == state[:2] {
			return k.class
		}
	}
	return ""
}

// fieldsClass reads the codes of errors that have them in fields, without importing their packages: go-sql-driver/mysql's
// {Number uint16; SQLState [5]byte} and mattn/go-sqlite3's {Code, ExtendedCode int}.
func fieldsClass(err error) Class {
	switch wrapped := err.(type) {
	case interface{ Unwrap() error }:
		if inner := wrapped.Unwrap(); inner != nil {
			return fieldsClass(inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wrapped.Unwrap() {
			if class := fieldsClass(inner); class != "" {
				return class
			}
		}
		return ""
	}
	v := reflect.Indirect(reflect.ValueOf(err))
	if v.Kind() != reflect.Struct {
		return ""
	}
	if number := v.FieldByName("Number"); number.IsValid() && number.Kind() == reflect.Uint16 {
		if state := v.FieldByName("SQLState"); state.IsValid() && state.Type() == reflect.TypeFor[[5]byte]() {
			return mysqlClass(uint16(number.Uint()), stateText(state))
		}
	}
	if extended := v.FieldByName("ExtendedCode"); extended.IsValid() && extended.CanInt() {
		if code := v.FieldByName("Code"); code.IsValid() && code.CanInt() {
			return sqliteClass(code.Int())
		}
	}
	return ""
}

func stateText(state reflect.Value) string {
	var text [5]byte
	for i := range text {
		text[i] = byte(state.Index(i).Uint())
	}
	return string(text[:])
}

// mysqlNumbers are errors of MySQL and MariaDB whose SQLSTATE, HY000 or 01000, does not say what they are.
var mysqlNumbers = map[uint16]Class{
	1021: InsufficientResources,        // disk full
	1114: InsufficientResources,        // table full
	1205: Busy,                         // lock wait timeout
	1265: DataException,                // data truncated
	1290: InvalidTransactionState,      // running with --read-only
	1364: IntegrityConstraintViolation, // no default value
	1366: DataException,                // incorrect value
	1836: InvalidTransactionState,      // running in read-only mode
	3024: OperatorIntervention,         // maximum execution time exceeded
	3819: IntegrityConstraintViolation, // check constraint (MySQL)
	4025: IntegrityConstraintViolation, // check constraint (MariaDB)
}

func mysqlClass(number uint16, state string) Class {
	if class, ok := mysqlNumbers[number]; ok {
		return class
	}
	return sqlStateClass(state)
}

// sqliteCodes sorts SQLite's primary result codes (sqlite.org/rescode.html) into the classes of SQLSTATE.
var sqliteCodes = [...]Class{
	1:  SyntaxErrorOrAccessRuleViolation, // ERROR: no such table, syntax
	2:  InternalError,                    // INTERNAL
	3:  SystemError,                      // PERM
	4:  TransactionRollback,              // ABORT
	5:  Busy,                             // BUSY
	6:  Busy,                             // LOCKED
	7:  InsufficientResources,            // NOMEM
	8:  InvalidTransactionState,          // READONLY, as PostgreSQL's 25006
	9:  Canceled,                         // INTERRUPT
	10: SystemError,                      // IOERR
	11: InternalError,                    // CORRUPT, as PostgreSQL's XX001
	13: InsufficientResources,            // FULL
	14: ConnectionException,              // CANTOPEN
	15: Busy,                             // PROTOCOL: locking
	17: ObjectNotInPrerequisiteState,     // SCHEMA
	18: ProgramLimitExceeded,             // TOOBIG
	19: IntegrityConstraintViolation,     // CONSTRAINT
	20: DataException,                    // MISMATCH
	21: InternalError,                    // MISUSE
	22: FeatureNotSupported,              // NOLFS
	23: SyntaxErrorOrAccessRuleViolation, // AUTH
	25: DataException,                    // RANGE
	26: InternalError,                    // NOTADB
}

// sqliteClass takes a primary or an extended result code, whose lowest byte is the primary one; "" if it is neither.
func sqliteClass(code int64) Class {
	const extended = 1 << 16
	if code <= 0 || code >= extended || code&0xff >= int64(len(sqliteCodes)) {
		return ""
	}
	return sqliteCodes[code&0xff]
}
