// Package hpamanifest reads manifests of HorizontalPodAutoscalers in every version that Kubernetes has had and gives them in
// autoscaling/v2.
//
// Reading is strict, with file, line and column for each mistake. What was written otherwise in an older version is listed
// ([Manifest.Changes]): autoscaling/v1 with its annotations, v2beta1 (removed in Kubernetes 1.25) and v2beta2 (removed in 1.26). A
// manifest may be YAML or JSON, one of several documents, or an item of a List; documents of other kinds are left out.
//
// The facts are those of Kubernetes' k8s.io/api/autoscaling and pkg/apis/autoscaling/v1/conversion.go. The package is pure.
package hpamanifest
