// Package goosemetrics exposes how many of goose's migrations are applied and unapplied.
package goosemetrics
