// Package store keeps walkers, dogs and walks in SQLite or PostgreSQL.
//
// SQLite is the default: one file, shared by all worker processes of all replicas on one machine. PostgreSQL is for
// replicas on several. Both hold the same tables, are used through the same GORM models and pass the same tests. The
// tables are made by goose, from the files in schema.
package store
