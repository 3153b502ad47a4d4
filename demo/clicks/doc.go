// Package clicks is a page with one button and a counter of how often it was hit.
//
// The counter, demo_app_button_clicks_total, is what charts show and an autoscaler acts on.
package clicks
