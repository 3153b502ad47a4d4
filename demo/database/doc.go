// Package database is where the demos keep their tables: a SQLite file or PostgreSQL, as the environment says.
//
// SQLite is the default: one file, shared by all worker processes of all replicas on one machine. PostgreSQL is for
// replicas on several. Statements can be shared: both number their parameters $1, $2 ….
package database
