// Package database counts what a service asks of its databases: connections opened and failed, statements, their
// durations, errors by class, and the state of the pool of connections. It measures any driver of database/sql;
// contrib/pgxmetrics counts on the same metrics what goes through pgx.
//
//	metrics, err := database.New(m, database.Options{})
//	…
//	db, err := metrics.Handle("default", database.PostgreSQL).Open("pgx", os.Getenv("DATABASE_URL"))
//
// # What is counted
//
// An execution is a statement that a driver was asked to execute: Exec, Query or QueryRow, of a database, a connection,
// a transaction or a prepared statement. Ping, Prepare, Begin, Commit and Rollback are none, but when they fail the
// error is counted. The duration of an execution ends when the driver has the first rows or knows the result, as in
// Django; it does not contain the time that the program takes to read the rows. Failed executions are counted and
// timed, too.
//
// An error is what a driver returns, also while rows are read or a transaction is committed; and the end of a context
// before its rows were read to their end. [database/sql.ErrNoRows] is none. Failed connections are counted as such, and
// not among the errors. [ClassOf] says how they are sorted.
//
// When a driver returns [database/sql/driver.ErrBadConn], the database was not asked and database/sql tries again on
// another connection. That is an error of class bad_connection and no execution: a statement that is executed at the
// third attempt is one execution and two errors. The same holds for [database/sql/driver.ErrSkip], by which a driver
// says that a statement must be prepared first, but that is no error either.
//
// database/sql knows no batches. A statement that inserts many rows is one execution, and so is each execution of a
// prepared one; a program that wants to see its batches says so with [Handle.InBatch].
//
// # What a program sees of the wrapper
//
// Nothing, through database/sql: results, errors and the driver, [database/sql.DB.Driver], are the driver's own, and
// where a driver lacks an optional interface, the wrapper does what database/sql does in that case.
// [database/sql.Conn.Raw] hands over the wrapper: [Unwrap] returns the driver's connection. With
// contrib/pgxmetrics.OpenDB there is no wrapper and Raw is pgx's own connection.
//
// # What it costs
//
// An execution costs two readings of the clock, a counter and a histogram, some 100 ns and no allocation; a prepared
// statement costs one.
package database
