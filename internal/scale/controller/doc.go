// Package controller scales a service on this machine as Kubernetes would scale it: it asks the application's own
// queries at every sync, gives the answers to the autoscaling/v2 algorithm (package hpa) and asks the target for as many
// replicas as the algorithm says.
//
// What is not known is never taken for 0. A query that fails, finds nothing, or finds NaN, an infinity, a negative or
// an old value makes its metric invalid: the replicas then hold, or grow if another metric asks for more.
package controller
