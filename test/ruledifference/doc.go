// Package ruledifference compares our reading of adapter rules with prometheus-adapter's own.
//
// Both get the same configurations, series and requests: prometheus-adapter's pkg/config and pkg/naming of v0.12.0 as they are, and
// internal/scale/metricrule. There must be the same metrics about the same resources under the same names, and for each request the same
// PromQL once parsed. Configurations are prometheus-adapter's own examples, its default rules, the chart's, and random ones:
//
//	go test . -configurations 5000     # a longer run
//	go test . -first 417 -configurations 1   # one again, as a failure says
//
// The deliberate differences are taken out before the comparison, each by a function that says so: the names of all objects are not
// in a query for all of them (withoutNames), and values of requests are taken literally in regular expressions (literally). What is
// added, the question for the newest sample's time, is taken off (valueOf). Not compared is what one of both refuses on purpose:
// docs/reference/adapter-rules.md lists it.
//
// It is a module of its own so that nobody inherits prometheus-adapter's dependencies. Packages below internal/ can be imported from
// here, because the path of this module is below theirs.
package ruledifference
