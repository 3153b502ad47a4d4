// Package hpa decides how many replicas a service should have, as Kubernetes' HorizontalPodAutoscaler does.
//
// It is the algorithm of autoscaling/v2 as a pure function: [Decide] takes the spec, the replicas, the pods, one
// reading per metric, the controller's settings, the time and what was remembered from the call before; it returns the
// decision with every step that led to it, and what to remember. It reads no clock, starts nothing and asks nobody, so
// that the local supervisor, the replay of past load and the comparison with a real cluster run the very same code.
//
// The facts come from Kubernetes' pkg/controller/podautoscaler (horizontal.go, replica_calculator.go,
// metrics/utilization.go) and pkg/apis/autoscaling/v2/defaults.go, as of 1.36; test/hpadiff compares every decision with
// that code's. Reasons and messages of conditions are Kubernetes' own words. The deliberate differences, each on the side of
// holding still:
//
//   - A negative value, a sum that overflows or a target that is not above zero is an error of that metric. Kubernetes
//     would count on with it.
//   - A proposal that is beyond an int32 is the largest int32, where Kubernetes saturates for some sources only.
//   - A spec without metrics holds. On a cluster the API server has put a CPU metric there.
//
// And of what is only told: the error of an object's metric is not garbled ("Service on default clicks/the reason"), a lacking
// request names the pod and no container, and a shared value is shown as it is while no replica shares it.
package hpa
