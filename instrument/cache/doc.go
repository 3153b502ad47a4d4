// Package cache counts how often a cache is asked and what it answers, per backend.
//
//	cache_gets_total{backend}       lookups begun
//	cache_hits_total{backend}       lookups that found the key
//	cache_misses_total{backend}     lookups that didn't
//	cache_failures_total{backend}   lookups that the cache could not answer
//
// With [instrument.DjangoNames] they are called as django-prometheus exposes them: django_cache_get_total,
// django_cache_get_hits_total, django_cache_get_misses_total and django_cache_get_fail_total, with the same label.
//
// A cache of one's own is anything with one method, Get: [Wrap] takes those that tell a miss by an error (redis.Nil,
// memcache.ErrCacheMiss), [WrapLookup] those that tell it by an ok. A value found is a hit whatever it is: an empty
// string, 0 and nil are values. Package contrib/goredismetrics counts for go-redis, without wrapping.
package cache
