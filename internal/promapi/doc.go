// Package promapi asks bounded questions of any server that answers Prometheus' HTTP API: Prometheus itself, Thanos, Mimir,
// VictoriaMetrics, or the one inside this program.
//
// It trusts no answer. Bytes, series, points and time are bounded, JSON is read piece by piece so that a large answer costs
// little more memory than what is kept of it, and one that is cut off, is a page of HTML, lacks its data or tells that
// parts are missing is an error, never a shorter result. Errors are of a [Kind], carry the server's own words, and show
// neither credentials nor the parameters of an address.
//
// NaN and infinities are values here. What to make of them is for the caller to say.
package promapi
