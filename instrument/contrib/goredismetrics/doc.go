// Package goredismetrics counts hits and misses of go-redis, version 9, by a hook:
//
//	client.AddHook(goredismetrics.New(backends.Backend("redis")))
//
// # What is counted
//
// Commands that read values by key, also in pipelines and transactions, and also by Do:
//
//   - GET, GETEX, GETDEL and HGET are one lookup. redis.Nil is a miss.
//   - MGET is a lookup for each key, HMGET for each field. nil is a miss.
//   - HGETALL is one lookup. An empty hash is a miss: Redis has none, a key without fields does not exist.
//
// Any other error is a failure: the server down or too slow, a context that ended, a key of the wrong type, a
// transaction that was aborted. A command that go-redis tries several times is one lookup, with the outcome of the
// last. A value that is empty is a hit.
//
// Not counted, because their answer does not tell a key that is not there: GETRANGE, STRLEN, HGETEX and HGETDEL; and
// what writes as well: GETSET, SET with GET.
//
// Add the hook once, to the client whose methods are called: a [redis.Client], a [redis.ClusterClient] or a
// [redis.Ring]. It keeps no commands and logs nothing.
package goredismetrics
