// Package instrument is what a service imports to count its own metrics.
package instrument
