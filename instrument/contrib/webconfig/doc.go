// Package webconfig puts authentication and TLS in front of a metrics endpoint, as Prometheus' own web configuration file says.
package webconfig
