// Package pydirtest writes the multiprocess directory of Python's Prometheus client as the client does, for tests and
// benchmarks: mapped files of all three generations of the format, every kind of file and mode of gauge, `used` written
// after the entry it covers, files that double when they are full.
//
// [Worker] is what a process of an application has; [File] one of its files; [Key], [AppendEntry] and [Image] are the
// bytes, for files that no client would write. [NewLoad] lays a directory as a busy service has it.
package pydirtest
