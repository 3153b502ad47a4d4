// Package endpoint serves metrics on a listener of their own, apart from the application: an address that only the
// scraper reaches, with limits of its own.
//
//	err := endpoint.Run(ctx, endpoint.Options{Addr: "127.0.0.1:9464", Metrics: m, Logger: logger})
//
// It answers GET and HEAD of /metrics, and a page at / that leads there. Nothing else is there: no profiles, no
// variables of the process, whatever the program has registered with net/http's own mux.
//
// # What is bounded
//
// Whoever reaches the address can cost a bounded amount of everything and can't keep the scraper out: headers must
// come within Options.ReadHeaderTimeout and are at most Options.MaxHeaderBytes; bodies are never read; requests at
// once are Options.MaxRequests, more are answered 503. Connections are Options.MaxConnections: a new one takes the
// place of the one that has waited longest without a request being served, so that ten thousand idle connections are
// closed one after the other and a scrape gets through.
//
// # Passwords and TLS
//
// The package itself serves plain HTTP to everyone who can connect, by default on the loopback interface.
// Options.Serve is where a server gets more: Config.Serve of module contrib/webconfig serves with passwords, TLS,
// certificates of clients and HTTP/2 as Prometheus' web configuration file says, within the same limits.
package endpoint
