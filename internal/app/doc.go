// Package app plugs the stages together: it is the only package that knows all of them.
//
// [New] checks everything that can be checked, takes the data directory and binds every address, so that port 0 works and
// a mistake is told before anything runs. [App.Run] starts the parts in the order in which data flows and ends them
// in reverse. Several Apps can live in one process, each with its own data directory; what the embedded
// Prometheus keeps per process is listed in package server.
package app
