// Package dogwalk keeps the walks of a small dog-walking business.
//
// A walk is started with a dog and a walker and completed with its distance. What only the business knows becomes
// metrics: walks_started_total, walks_completed_total and invalid_walks_total, the histogram walk_distance, when the newest
// walk started, and the bounds within which the average distance and that age are fine.
package dogwalk
