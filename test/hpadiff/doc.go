// Package hpadiff compares our autoscaling algorithm with Kubernetes' own.
//
// Both go through the same random histories of one service: the whole horizontal controller of kube-controller-manager
// 1.36, with its queue, its informers and its clients of the metrics APIs in front of fakes, and internal/scale/hpa. After
// every sync the replicas that were asked for must be the same, and with them all that is shown: conditions with status,
// reason, message and time of change, the metrics' values, the recommendation before limits, the metric that led to it and
// the reason of the change. What the real controller decides is what happens in the history.
//
// Time is a bubble's ([testing/synctest]), so that hours pass in milliseconds, and a history follows from its seed alone:
//
//	go test . -history 417              # runs one again, as a failure says
//	go test . -histories 20000          # a longer run
//	go test . -first 100000             # other ones
//
// A failure prints what is left of the history when syncs and metrics are taken away as long as a difference remains.
// Faults that are planted on purpose are found in a few of the histories (TestAPlantedFaultIsFound), and histories fail if
// they have become so tame that some reason never occurs.
//
// It is a module of its own because Kubernetes' is: its own replace block, which points into its source tree, becomes one
// line per module at the same release. Packages below internal/ can be imported from here, because the path of this
// module is below theirs.
//
// Kubernetes' feature gate HPAScaleToZero is off in one half of the histories, as it is by default in 1.36, and on in the
// other half, as by default from 1.37 on; hpa.Settings.ScaleToZero is what it is.
//
// Not compared is what our algorithm has no part in: a scale that cannot be read or written (AbleToScale with FailedGetScale and
// FailedUpdateScale) and selectors that are missing or shared (InvalidSelector, AmbiguousSelector). Histories keep away from the
// deliberate differences that are listed in the documentation of internal/scale/hpa: values below zero and beyond an int64.
package hpadiff
