// Package worker runs one process of a service that has several: it takes the listening socket it is given, serves its
// own metrics beside the application, and ends without dropping a request or a count.
//
// [Run] reads its environment, which is an ordinary convention wherever one exists, so it works under Truecount's
// supervisor, under systemd, under a port-per-worker set-up, and alone in a terminal:
//
//	LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES   a listening socket as file descriptor 3 (systemd's socket activation, sd_listen_fds(3));
//	                                         with several, the one named http
//	NOTIFY_SOCKET                            where READY=1 and STOPPING=1 are sent (sd_notify(3))
//	TRUECOUNT_METRICS_DIR                    serve /metrics on the unix socket <dir>/<pid>.sock
//	METRICS_START_PORT, WEB_CONCURRENCY      else: serve /metrics on the first free port of start … start+count-1
//	METRICS_ADDRESS                          the address of those ports; 127.0.0.1 if not set
//	TRUECOUNT_REPLICA, TRUECOUNT_WORKER      names for the log
//
// With neither a directory nor a range, the worker has no endpoint of its own, and the application's /metrics is all there is.
// The variables of the socket and of NOTIFY_SOCKET are unset once read, so that a child process does not take them as its own.
//
// # Port ranges
//
// Workers share no list of who has which port: each takes the first that is free. A worker that finds none ends with an
// error that says whose the ports are. Since nothing that such a worker counts would ever be scraped, it has exactly one other worker
// count it; alert on it, summed over all workers of the service or merged:
//
//	worker_port_range_exhausted_total{range="own"}           no port of this worker's range was free
//	worker_port_range_exhausted_total{range="overlapping"}   another service's range overlaps this one, and none of its workers got a port
//	worker_metrics_port_info{port="5003",ports="5001-5005"}  1: the port that this worker took
//
//	sum by (service) (increase(worker_port_range_exhausted_total[10m])) > 0
//
// They are there from the start where the port is one of a range. For this the endpoint answers other workers at
// /worker/port-range, from the same machine alone; looking for one to tell holds the failing worker up for half a
// second at most, and for milliseconds where the ports' owners answer.
//
// # Draining
//
// Draining begins with SIGTERM (or SIGINT in a terminal), or when the context of Run is done:
//
//  1. STOPPING=1 is sent. No further connection is accepted; with a socket that was handed over, the other workers accept them.
//     Connections that wait in the queue of a listener of the worker's own are still accepted.
//  2. Every request that comes from now on is served, and its response says Connection: close. Connections that are
//     idle stay open for Options.IdleGrace, since a request may be on its way in them, and are closed then. (A plain
//     [net/http.Server.Shutdown] closes them at once, under the requests on their way.)
//  3. When the last connection is closed and the last handler has returned, all counts are complete. The metrics endpoint,
//     which says so in its header Truecount-Worker, stays until it was read once more, or for Options.HandoverTimeout.
//
// What no server of HTTP/1.1 can rule out remains: a client whose connection was idle for all of the grace may send
// a request in the very moment it is closed. Clients retry that, except for requests that are not idempotent.
//
// # Limits
//
// Connections are bounded, at the application by Options.MaxConnections and at the metrics endpoint; headers have 10 and 5
// seconds to arrive and at most 64 KiB. How long a body or an answer of the application may take is the application's
// to say ([net/http.ResponseController]).
//
// HTTP/2 is not served; a worker stands behind a proxy that speaks HTTP/1.1 to it.
package worker
