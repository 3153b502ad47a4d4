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
// HTTP/2 is not served; a worker stands behind a proxy that speaks HTTP/1.1 to it.
package worker
