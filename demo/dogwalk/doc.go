// Package dogwalk keeps the walks of a small dog-walking business.
//
// A walk is started with a dog and a walker and completed with its distance. What only the business knows becomes
// metrics: walks_started_total, walks_completed_total and invalid_walks_total, the histogram walk_distance, when the newest
// walk started, and the bounds within which the average distance and that age are fine.
//
// It is also the example of a service that measures all that package instrument can:
//
//   - requests, before and after the middleware, with traces, and a line of the log for each: newInstrument in observe.go;
//   - a password for the metrics: guarded in observe.go;
//   - its own numbers: metrics.go;
//   - the database's connections and statements, the rows that GORM writes, goose's migrations: store/measure.go.
package dogwalk
