// Package routers shows in runnable examples how the routes of chi, gin and echo become the label route.
package routers
