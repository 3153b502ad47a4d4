// Package web is what a person sees: the pages, the small API of their own that feeds the first one, and the checks that
// every request of a browser passes.
//
// Pages: / (the chain of one metric, live, and the applications with their charts), /query (PromQL), /targets, /rules and
// /alerts. They are TypeScript in ui/, built by Vite into dist/, which is committed and embedded: nothing is fetched from
// elsewhere. Apart from the API below they speak Prometheus' /api/v1, which whoever mounts the handler serves beside it.
//
//	GET  /api/truecount/v1/applications                       a [Snapshot] as JSON
//	GET  /api/truecount/v1/live                               a Snapshot every [Options.Interval], as server-sent events
//	POST /api/truecount/v1/applications/{namespace}/{name}/try    sends the application's own request ("Hit me!")
//	POST /api/truecount/v1/applications/{namespace}/{name}/kill   {"pid": 4711} kills that worker, {} any one
//
// Errors are JSON, {"error": …, "hint": …}.
//
// What a request must pass: its Host is an IP address, a loopback name or one of [Options.Hosts], so that a foreign name
// which was made to resolve to this machine (DNS rebinding) reads nothing; a POST comes from the same origin and is JSON,
// so that no other site's form can send it; bodies, streams and actions under way are bounded. There are no passwords
// here: whoever may reach the address may press the buttons, which is why the default is to listen on loopback.
package web
