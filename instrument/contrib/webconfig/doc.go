// Package webconfig puts passwords and TLS in front of a service's metrics, as Prometheus' own web configuration file
// says: the file that Prometheus, Alertmanager and the exporters take as --web.config.file.
//
//	basic_auth_users:
//	  prometheus: $2y$10$…        # htpasswd -nBC 10 "" | tr -d ':'
//
// On the application's own port [Config.Handler] asks for the password:
//
//	web, err := webconfig.New(webconfig.Options{File: "web.yml", Logger: logger})
//	metrics, err := web.Handler(m.Handler())
//	mux.Handle("GET /metrics", metrics)
//
// On a listener of the metrics' own, [Config.Serve] adds TLS, certificates of clients and HTTP/2 as well:
//
//	endpoint.Run(ctx, endpoint.Options{Addr: "0.0.0.0:9464", Metrics: m, Serve: web.Serve})
//
// The file is interpreted by exporter-toolkit itself: its passwords are compared, its limits and headers applied, its
// certificates read by the code that does it in Prometheus.
// https://prometheus.io/docs/prometheus/latest/configuration/https/ is its reference.
//
// # A file that changes
//
// The file is read again for every request, and it, its certificates and its certificate authorities for every TLS
// handshake: nothing has to be restarted. Only rate_limit, http2 and whether there is TLS at all are taken once.
//
// A file that is missing or broken lets nobody in: requests are answered 500, handshakes fail, until the file is good
// again. So does one that asks nobody for a password any more (an empty file is valid for exporter-toolkit, and is
// what a file looks like while it is being written), unless Options.AllowAnonymous says that this is meant.
//
// # What is added
//
// Comparing a password takes tens of milliseconds by design. At most four requests whose password is not known to be
// right wait for it at a time, others are answered 503, so that a flood of wrong passwords neither fills memory nor
// holds up the scrapes of those who know it. Metrics say what became of requests and whether the file is good.
// Passwords and their hashes are not in any log or error, and the password goes no further than this package. TLS
// sessions are not resumed: each connection is judged by the file as it is.
package webconfig
