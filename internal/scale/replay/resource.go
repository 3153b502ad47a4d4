package replay

import (
	"fmt"
	"regexp"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// resourceWindow is over what time CPU is measured here. metrics-server takes the last two scrapes of the kubelet, 15 s
// apart by default; a Prometheus scrapes it more rarely.
const resourceWindow = 2 * time.Minute

// ResourceUsage asks cAdvisor's series for what metrics-server would count: the containers of the workload's pods, told by how
// Deployments and StatefulSets name them.
func ResourceUsage(namespace, workload string, m *autoscalingv2.MetricSpec) Question {
	in := fmt.Sprintf(`namespace=%q,pod=~%q,container!="",container!="POD"`, namespace, regexp.QuoteMeta(workload)+"-[a-z0-9]+(-[a-z0-9]+)?")
	name := corev1.ResourceCPU
	switch m.Type {
	case autoscalingv2.ResourceMetricSourceType:
		name = m.Resource.Name
	case autoscalingv2.ContainerResourceMetricSourceType:
		name = m.ContainerResource.Name
		in += fmt.Sprintf(",container=%q", m.ContainerResource.Container)
	}
	if name == corev1.ResourceMemory {
		return Question{Expr: "sum by (pod) (container_memory_working_set_bytes{" + in + "})"}
	}
	return Question{Expr: "sum by (pod) (rate(container_cpu_usage_seconds_total{" + in + "}[2m]))", Window: resourceWindow}
}

// ResourceRequests asks kube-state-metrics for what the pods request.
func ResourceRequests(namespace string, m *autoscalingv2.MetricSpec) string {
	in, target := "", autoscalingv2.MetricTarget{}
	switch m.Type {
	case autoscalingv2.ResourceMetricSourceType:
		in, target = fmt.Sprintf("namespace=%q,resource=%q", namespace, m.Resource.Name), m.Resource.Target
	case autoscalingv2.ContainerResourceMetricSourceType:
		c := m.ContainerResource
		in, target = fmt.Sprintf("namespace=%q,resource=%q,container=%q", namespace, c.Name, c.Container), c.Target
	}
	if target.AverageUtilization == nil {
		return ""
	}
	return "sum by (pod) (kube_pod_container_resource_requests{" + in + "})"
}
