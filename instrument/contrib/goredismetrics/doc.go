// Package goredismetrics counts the gets, hits, misses and failures of a cache in Redis.
package goredismetrics
