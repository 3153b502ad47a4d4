package metricrule

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// knownKinds are kinds of Kubernetes' own that metrics are commonly about, as "group/version Kind".
var knownKinds = struct{ namespaced, root []string }{
	namespaced: []string{
		"v1 Pod", "v1 Service", "v1 Endpoints", "v1 PersistentVolumeClaim", "v1 ReplicationController", "v1 ConfigMap", "v1 Secret", "v1 ServiceAccount",
		"apps/v1 Deployment", "apps/v1 ReplicaSet", "apps/v1 StatefulSet", "apps/v1 DaemonSet", "batch/v1 Job", "batch/v1 CronJob",
		"networking.k8s.io/v1 Ingress", "networking.k8s.io/v1 NetworkPolicy", "autoscaling/v2 HorizontalPodAutoscaler", "policy/v1 PodDisruptionBudget",
	},
	root: []string{"v1 Namespace", "v1 Node", "v1 PersistentVolume", "storage.k8s.io/v1 StorageClass", "networking.k8s.io/v1 IngressClass"},
}

// KnownResources returns a mapper of Kubernetes' own resources, for use without a cluster. Resources of extensions are not in it.
func KnownResources() meta.RESTMapper {
	var versions []schema.GroupVersion // where only a group and a kind are named
	for _, text := range slices.Concat(knownKinds.namespaced, knownKinds.root) {
		versions = append(versions, schema.FromAPIVersionAndKind(splitKind(text)).GroupVersion())
	}
	mapper := meta.NewDefaultRESTMapper(versions)
	add := func(texts []string, scope meta.RESTScope) {
		for _, text := range texts {
			mapper.Add(schema.FromAPIVersionAndKind(splitKind(text)), scope)
		}
	}
	add(knownKinds.namespaced, meta.RESTScopeNamespace)
	add(knownKinds.root, meta.RESTScopeRoot)
	return mapper
}

func splitKind(text string) (apiVersion, kind string) {
	for i := range text {
		if text[i] == ' ' {
			return text[:i], text[i+1:]
		}
	}
	return "", text
}
