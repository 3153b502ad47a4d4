// Package store keeps components and their service windows in SQLite or PostgreSQL.
package store
