// Package replay answers what an autoscaler would have decided: it runs the autoscaling/v2 algorithm over the recorded past,
// sync by sync, with the same code that decides now (packages hpa and signal).
//
// One pass over the history serves several scenarios:
//
//   - Recorded: at each sync the algorithm is given the replicas and pods that there were. Its decisions are those that
//     the controller made, if the recording is right, and are compared with them one by one.
//   - Simulated: the algorithm is in charge. Its decisions start and end simulated pods, over which the load that was measured
//     is spread evenly. This is where another target, another minimum or another behavior is tried. What that takes
//     for granted is told in the report.
//
// What is not known holds, as it does in the controller, and with the same reasons.
//
// The history is anything that answers PromQL ([Source]). Where pods, their readiness and spec.replicas come from is found
// out and told: recorded syncs, kube-state-metrics, Truecount's own metrics, or the pods that have samples. The history is read in
// windows: a month needs no more memory than a day.
package replay
