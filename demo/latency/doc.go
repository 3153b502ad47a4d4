// Package latency is a service that takes a random time to answer, and that can be broken on purpose.
//
// Beside its own routes it exports how long its answers took and how long it has been up. Broken, it answers more slowly, or
// with errors, or both, in all workers, until it is repaired: something for charts, alerts and error budgets to notice.
package latency
