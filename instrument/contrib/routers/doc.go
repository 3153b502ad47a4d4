// Package routers shows in runnable examples how the routes of chi, gin and echo become the label route: by one function of
// package instrument, and never by the path.
//
// A router that sets the pattern of the request it was given, as net/http's does, needs nothing. One that sets it on a
// copy, as chi does, needs instrument.Routed. All others call instrument.SetRoute in a middleware of their own; so do
// routers that have no example here. What matched no route has none, and counts as "unmatched".
package routers
