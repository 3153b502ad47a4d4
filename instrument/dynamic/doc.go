// Package dynamic exposes metrics whose names and labels are known only at run time: one per row of a table, per file of
// a directory, per answer of a device.
//
// [Run] waits until the source answers, then asks it at each scrape, and at no other time: never when the package is
// imported, never while a database is being migrated, never in a test that does not scrape. However the source fails,
// the scrape is answered in time, with what the source said before it failed.
//
// Several workers of one service ask the same source, and each exposes the same: let one of them do it, or let whoever
// merges their metrics take the maximum of these and not the sum.
//
// Names from outside are made valid ([MetricName], [LabelName]), a scrape takes a bounded number of series from the
// source, and what does not fit is dropped and counted, as [instrument.Metrics.Register] says.
package dynamic
