package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// population is a namespace with pods.
type population struct {
	namespace string
	pods      int
}

// The labels by which requests choose pods: those of the whole workload, and the one that a StatefulSet gives to a single pod.
const (
	workloadLabel = "app.kubernetes.io/name"
	workload      = "clicks"
	podLabel      = "statefulset.kubernetes.io/pod-name"
)

func podName(i int) string { return fmt.Sprintf("%s-%d", workload, i) }

// autoscaler is whose requests the aggregation layer hands on.
const autoscaler = "system:serviceaccount:kube-system:horizontal-pod-autoscaler"

// populate creates namespaces with running pods, and gives the autoscaler the right to read metrics.
func (c *cluster) populate(ctx context.Context, namespaces []population) error {
	if err := c.allow(ctx); err != nil {
		return err
	}
	for _, n := range namespaces {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: n.namespace}}
		if _, err := c.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			return err
		}
		if err := c.createPods(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) allow(ctx context.Context) error {
	const name = "custom-metrics-reader"
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"custom.metrics.k8s.io"}, Resources: []string{"*"}, Verbs: []string{"get", "list"}}},
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: autoscaler}},
	}
	if _, err := c.client.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{}); err != nil {
		return err
	}
	_, err := c.client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{})
	return err
}

// createPods does what a controller and kubelets do: it creates each pod and says that it runs.
func (c *cluster) createPods(ctx context.Context, n population) error {
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	pods := c.client.CoreV1().Pods(n.namespace)
	for range 8 {
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n.pods; i = int(next.Add(1)) - 1 {
				created, err := pods.Create(ctx, newPod(i), metav1.CreateOptions{FieldManager: "kube-controller-manager"})
				if err != nil {
					return err
				}
				created.Status = runningStatus(created, i)
				if _, err := pods.UpdateStatus(ctx, created, metav1.UpdateOptions{FieldManager: "kubelet"}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// podSize is how long a pod is in JSON, as the API server gives it.
func (c *cluster) podSize(ctx context.Context, namespace string) (int, error) {
	text, err := c.client.CoreV1().RESTClient().Get().Namespace(namespace).Resource("pods").Name(podName(0)).
		SetHeader("Accept", "application/json").DoRaw(ctx)
	return len(text), err
}

// newPod is as long as pods are in clusters with sidecars and a configuration in variables: about 12 kB with the fields'
// managers that the API server adds.
func newPod(i int) *corev1.Pod {
	controller := true
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: podName(i),
			Labels: map[string]string{
				workloadLabel: workload, "app.kubernetes.io/instance": "clicks-production", "app.kubernetes.io/version": "1.4.2",
				"app.kubernetes.io/part-of": "shop", "controller-revision-hash": "clicks-6b7d9f4c58",
				podLabel: podName(i), "apps.kubernetes.io/pod-index": fmt.Sprint(i),
			},
			Annotations: map[string]string{
				"kubectl.kubernetes.io/restartedAt":              "2026-11-20T08:15:00Z",
				"checksum/config":                                "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
				"cluster-autoscaler.kubernetes.io/safe-to-evict": "true",
			},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "StatefulSet", Name: workload, UID: "6d4a4f7e-4a3e-4f0c-9a39-0f5f0f2a7c11", Controller: &controller, BlockOwnerDeletion: &controller,
			}},
		},
		Spec: corev1.PodSpec{
			NodeName:   fmt.Sprintf("node-%d", i%100),
			Containers: []corev1.Container{newContainer("clicks", 8000, 12), newContainer("log-shipper", 2020, 5), newContainer("proxy", 15000, 5)},
			Volumes: []corev1.Volume{
				{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
				{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "clicks-config"}}}},
			},
		},
	}
}

func newContainer(name string, port int32, variables int) corev1.Container {
	var env []corev1.EnvVar
	for i := range variables {
		env = append(env, corev1.EnvVar{Name: fmt.Sprintf("CLICKS_SETTING_%02d", i), Value: fmt.Sprintf("https://settings.shop.example/%s/%d", name, i)})
	}
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(port)}}, PeriodSeconds: 10}
	quantity := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("128Mi")}
	return corev1.Container{
		Name: name, Image: "registry.example/shop/" + name + ":1.4.2", Env: env,
		Ports:          []corev1.ContainerPort{{Name: name, ContainerPort: port}},
		Resources:      corev1.ResourceRequirements{Requests: quantity, Limits: quantity},
		ReadinessProbe: probe, LivenessProbe: probe,
		VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: "/data"}, {Name: "config", MountPath: "/etc/clicks", ReadOnly: true}},
	}
}

func runningStatus(pod *corev1.Pod, i int) corev1.PodStatus {
	started := metav1.NewTime(time.Now().Truncate(time.Second))
	address := fmt.Sprintf("10.244.%d.%d", i/250, i%250+1)
	status := corev1.PodStatus{
		Phase: corev1.PodRunning, StartTime: &started, HostIP: "10.0.0.1", PodIP: address, PodIPs: []corev1.PodIP{{IP: address}},
	}
	for _, condition := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: condition, Status: corev1.ConditionTrue, LastTransitionTime: started})
	}
	yes := true
	for _, container := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, ImageID: container.Image + "@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
			ContainerID: "containerd://2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", Ready: true, Started: &yes,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}},
		})
	}
	return status
}
