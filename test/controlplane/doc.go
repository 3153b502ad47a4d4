// Package controlplane tries what is made for Kubernetes on Kubernetes: a real kube-apiserver, kube-controller-manager with
// its autoscaler, kube-scheduler and etcd, started by the tests themselves.
//
//	GOWORK=off go test -timeout 30m .                                  # all; from this folder
//	GOWORK=off go test -timeout 30m . -run TestTheClusterRuns -v       # one
//	GOWORK=off KEEP=1 go test -timeout 30m . -run …                    # logs, certificates and data stay; their folder is named
//
// The first run compiles Kubernetes, which takes some minutes; then the cluster stands five seconds after the start.
//
// # The order
//
// All tests run at the same time on the one cluster, each in namespaces of its own: they wait, mostly. Those that take
// something away that all others need (a version of the API, the adapter's replicas, Prometheus) do so alone, one after the
// other; see exclusive_test.go. They are what the whole takes: about four minutes of the tutorial, since its rate looks back two
// minutes, four of K1, since Prometheus is away for two of them, and two of K7, K8 and K9.
//
// | test | what it takes away |
// |---|---|
// | TestClicksScaleTheTutorialsDeployment | v1beta2 on the way up, v1beta1 on the way down |
// | TestK1… | Prometheus |
// | TestK7… | replicas of the adapter, one at a time |
// | TestK8… | external.metrics.k8s.io, which is somebody else's for a moment |
// | TestK9… | the API, while the adapter's certificate has expired |
//
// # What is real
//
// The control plane is Kubernetes 1.36 from its published modules (kubeone). Nodes are the small kubelet of package kubelet: a
// pod whose image is one of this tree's programs really runs, as processes with a network, a root file system, volumes and a
// user of their own; of other pods only the objects are there. Services have addresses and names that work (package services).
// The Prometheus is `truecount serve` in a pod with the chart's name for the service.
//
// Everything is inside network, process and mount namespaces of its own (package namespace): no address or port of it is seen
// outside, and nothing of it outlives the test, whatever ends the test. Root may make namespaces, and so may others where
// unprivileged user namespaces are allowed; elsewhere the tests skip, or fail with REQUIRE_TOOLS=1.
package controlplane
