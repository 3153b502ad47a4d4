// Package gormmetrics counts what GORM inserts, updates and deletes, per model.
package gormmetrics
