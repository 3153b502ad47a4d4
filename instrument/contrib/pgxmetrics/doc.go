// Package pgxmetrics measures what pgx asks of PostgreSQL.
package pgxmetrics
