// Package pgxmetrics counts what a service asks of PostgreSQL through pgx, on the metrics of instrument/database:
//
//	kennel := metrics.Handle("default", database.PostgreSQL)
//	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
//	…
//	pgxmetrics.Trace(config.ConnConfig, kennel)
//	pool, err := pgxpool.NewWithConfig(ctx, config)
//	…
//	defer pgxmetrics.WatchPool(pool, kennel)()
//
// It is a tracer of pgx, beside one of your own if the configuration has one. [OpenDB] is for programs that use pgx through
// database/sql: unlike with database.Handle.Open there is no wrapper then, so that [database/sql.Conn.Raw] hands over pgx's
// own connection.
//
// What is counted is what package database says, with what pgx adds:
//
//   - The duration of a query ends when its rows are closed, and contains the time in which the program reads them: pgx tells
//     a tracer nothing before.
//   - A batch is one duration, and each of its statements an execution and a batch execution. At most one error is counted for
//     it, as PostgreSQL skips what follows an error.
//   - CopyFrom is one execution, however many rows it copies.
//   - The statements with which pgx itself begins, commits and rolls back transactions ("begin", "commit", "savepoint sp_1") are
//     no executions, as those of database/sql are none.
//   - An error before anything was sent to the server, on which pgx says that it is safe to try again, is of class
//     bad_connection and no execution, as [database/sql/driver.ErrBadConn] is.
//   - Pings are not told to tracers: one that fails is no error here.
//   - The waits of a pgxpool include those for a connection that had to be opened; database/sql counts only those at the limit.
package pgxmetrics
