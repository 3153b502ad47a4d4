// Package server collects, stores and answers: it is Prometheus as a library, behind one handler.
//
// It runs any Prometheus configuration file: scraping with static, file, http, dns and Kubernetes discovery, the
// time-series database, PromQL, recording and alerting rules, remote write and remote read, /api/v1, /federate. A user of
// Prometheus finds nothing to relearn and Grafana takes it as a data source. What is left out, so that nobody is surprised:
// the other discovery mechanisms (a file that uses one is refused as an unknown field), Prometheus' pages, the admin API,
// the remote-write and OTLP receivers, and the tracing section, which is accepted and ignored with a warning.
//
// # Limits
//
// Prometheus limits nothing that a configuration does not. Here a target that floods, never ends its answer, or sends a
// few kilobytes that decompress to gigabytes meets a limit that is not zero: see [DefaultLimits]. A limit in the
// configuration file, global or of a job, always wins; [Options].Limits changes the default. A target over a limit is
// up == 0 and says why in /api/v1/targets; others are not affected. /api/v1/status/config shows the limits in force.
// Two things stay as in Prometheus: series that a refused scrape had already created stay in memory until the head
// of the database is next collected (at most sample_limit for each scrape that invents new names), and an answer is read
// into memory up to body_size_limit.
//
// # Lifetime
//
// [New] binds no address and starts no scrape: it checks the configuration, takes the data directory (one server each, by a
// lock) and opens the database. [Server.Run] starts the rest and blocks; when its context ends it stops in the reverse order of
// the start: discovery, rules, scraping, notifications, remote write (for at most [Options].RemoteFlushDeadline),
// database. The HTTP server that [Server.Handler] is mounted in should be shut down last: from the first moment of
// stopping the handler answers 503 and cancels what is under way.
//
// # Several servers in one process
//
// They work side by side, each with its own data directory and its own registry. These are shared, because the libraries keep
// them per process: the defaults of the configuration file (never written here), the metrics of Kubernetes clients (each
// registry shows the sum of all servers), the counters prometheus_remote_storage_samples_in_total and its
// siblings and those of HTTP connections (on client_golang's default registry, so not on /metrics here), and the log of
// Kubernetes clients (klog: the command directs it). The garbage collector's target is the process's as well:
// Prometheus' own default is 75 %, and setting it is the command's business.
package server
