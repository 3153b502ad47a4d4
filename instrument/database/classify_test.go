package database_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/database"
)

// stateError is what pgx's and lib/pq's errors look like.
type stateError string

func (e stateError) Error() string    { return "ERROR: … (SQLSTATE " + string(e) + ")" }
func (e stateError) SQLState() string { return string(e) }

// codeError is what modernc.org/sqlite's errors look like.
type codeError int

func (e codeError) Error() string { return fmt.Sprintf("… (%d)", int(e)) }
func (e codeError) Code() int     { return int(e) }

// mysqlError has the fields of go-sql-driver/mysql's.
type mysqlError struct {
	Number   uint16
	SQLState [5]byte
	Message  string
}

func (e *mysqlError) Error() string { return e.Message }

// mattnError has the fields of mattn/go-sqlite3's.
type mattnError struct {
	Code         errNo
	ExtendedCode errNo
}

type errNo int

func (e mattnError) Error() string { return "constraint failed" }

func mysql(number uint16, state string) error {
	e := &mysqlError{Number: number, Message: "…"}
	copy(e.SQLState[:], state)
	return e
}

var classified = []struct {
	name string
	err  error
	want database.Class
}{
	{"nothing", nil, ""},
	{"no rows", sql.ErrNoRows, ""},
	{"no rows, wrapped", fmt.Errorf("walk 7: %w", sql.ErrNoRows), ""},
	{"a driver's wish to prepare", driver.ErrSkip, ""},
	{"canceled", context.Canceled, database.Canceled},
	{"canceled, wrapped with a code", errors.Join(stateError("57014"), context.Canceled), database.Canceled},
	{"deadline", fmt.Errorf("timeout: %w", context.DeadlineExceeded), database.DeadlineExceeded},
	{"bad connection", fmt.Errorf("closed: %w", driver.ErrBadConn), database.BadConnection},
	{"unique_violation", stateError("23505"), database.IntegrityConstraintViolation},
	{"undefined_table, wrapped", fmt.Errorf("read dogs: %w", stateError("42P01")), database.SyntaxErrorOrAccessRuleViolation},
	{"invalid_password", stateError("28P01"), database.InvalidAuthorizationSpecification},
	{"admin_shutdown", stateError("57P01"), database.OperatorIntervention},
	{"internal_error", stateError("XX000"), database.InternalError},
	{"raise_exception", stateError("P0001"), database.PLpgSQLError},
	{"an unknown SQLSTATE", stateError("ZZ000"), database.Other},
	{"an SQLSTATE that is none", stateError("23"), database.Other},
	{"an empty SQLSTATE in a network error", errors.Join(stateError(""), io.ErrUnexpectedEOF), database.ConnectionException},
	{"SQLite CONSTRAINT_UNIQUE", codeError(2067), database.IntegrityConstraintViolation},
	{"SQLite BUSY", codeError(5), database.Busy},
	{"SQLite BUSY_SNAPSHOT", codeError(5 | 2<<8), database.Busy},
	{"SQLite LOCKED", codeError(6), database.Busy},
	{"SQLite INTERRUPT", codeError(9), database.Canceled},
	{"SQLite FULL", codeError(13), database.InsufficientResources},
	{"a code of something else", codeError(404), database.Other},
	{"a negative code", codeError(-1), database.Other},
	{"SQLite by fields", mattnError{Code: 19, ExtendedCode: 2067}, database.IntegrityConstraintViolation},
	{"MySQL duplicate entry", mysql(1062, "23000"), database.IntegrityConstraintViolation},
	{"MySQL deadlock", fmt.Errorf("save: %w", mysql(1213, "40001")), database.TransactionRollback},
	{"MySQL lock wait timeout", mysql(1205, "HY000"), database.Busy},
	{"MySQL check constraint", mysql(3819, "HY000"), database.IntegrityConstraintViolation},
	{"MySQL without a state", mysql(1, ""), database.Other},
	{"connection refused", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, database.ConnectionException},
	{"a read that timed out", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, database.ConnectionException},
	{"end of file", fmt.Errorf("read: %w", io.EOF), database.ConnectionException},
	{"anything else", errors.New("relation has no key"), database.Other},
	{"a nil pointer", (*mysqlError)(nil), database.Other},
}

func TestErrorsAreClassified(t *testing.T) {
	for _, test := range classified {
		if got := database.ClassOf(test.err); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestEveryClassOfSQLStateHasItsName(t *testing.T) {
	// PostgreSQL 15's appendix A, and 10 of later versions and 72 of earlier ones; 00 is success.
	const all = "01 02 03 08 09 0A 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 3F 40 42 44 53 54 55 57 58 72 F0 HV P0 XX"
	for _, state := range strings.Fields(all) {
		class := database.ClassOf(stateError(state + "000"))
		if class == database.Other || class.SQLState() != state {
			t.Errorf("SQLSTATE %s: class %q, whose SQLSTATE is %q", state, class, class.SQLState())
		}
	}
	own := 5 // canceled, deadline_exceeded, bad_connection, busy, other
	if got, want := len(database.Classes()), len(strings.Fields(all))+own; got != want {
		t.Errorf("%d classes, want %d", got, want)
	}
}

func TestClassesAreExceptionsOfPythonInDjangosNames(t *testing.T) {
	s := serve(t, instrument.DjangoNames, database.Options{})
	h := s.metrics.Handle("default", database.PostgreSQL)
	for class, python := range map[database.Class]string{
		database.IntegrityConstraintViolation:     "IntegrityError",
		database.TransactionRollback:              "OperationalError",
		database.SyntaxErrorOrAccessRuleViolation: "ProgrammingError",
		database.DataException:                    "DataError",
		database.InternalError:                    "InternalError",
		database.FeatureNotSupported:              "NotSupportedError",
		database.BadConnection:                    "InterfaceError",
		database.Other:                            "DatabaseError",
	} {
		if got := class.PythonType(); got != python {
			t.Errorf("%s is %s, want %s", class, got, python)
		}
	}
	h.Failed(stateError("23505"))
	h.Failed(stateError("40001"))
	h.Failed(context.Canceled)
	got := expose(t, s)
	if got[`django_db_errors_total{type="IntegrityError"}`] != 1 || got[`django_db_errors_total{type="OperationalError"}`] != 2 {
		t.Error(got)
	}
	types := 0
	for series := range got {
		if strings.HasPrefix(series, "django_db_errors_total{") {
			types++
		}
	}
	if types != 8 {
		t.Errorf("%d types are exposed, the DB-API has 8", types)
	}
}

func TestTheApplicationMayClassifyItsOwnErrors(t *testing.T) {
	errOwn := errors.New("the replica lags")
	s := serve(t, instrument.PrometheusNames, database.Options{Class: func(err error) database.Class {
		switch {
		case errors.Is(err, errOwn):
			return database.SnapshotFailure
		case err == errBroken:
			return "a name made up per error"
		case err.Error() == "panic":
			panic("a mistake in the application")
		}
		return ""
	}})
	h := s.metrics.Handle("default", database.PostgreSQL)
	got := s.changed(t, func() {
		for _, err := range []error{errOwn, errBroken, errors.New("panic"), stateError("23505"), sql.ErrNoRows} {
			h.Failed(err)
		}
	})
	want := exposition{`db_errors_total{class="snapshot_failure"}`: 1, otherError: 2,
		`db_errors_total{class="integrity_constraint_violation"}`: 1}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}
