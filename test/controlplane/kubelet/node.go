package kubelet

import (
	"context"
	"encoding/json"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/truecount/truecount/test/controlplane/namespace"
)

// leaseNamespace is Kubernetes' own.
const leaseNamespace = "kube-node-lease"

// leaseRenewal is well below the 40 seconds after which a node counts as dead and its pods as not ready.
const leaseRenewal = 5 * time.Second

// registerPatience is for a control plane that has just started: it makes the namespace of leases itself.
const registerPatience = 2 * time.Minute

// register makes a node until there is one.
func (k *Kubelet) register(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, registerPatience)
	defer cancel()
	for {
		err := k.tryRegister(ctx, name)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (k *Kubelet) tryRegister(ctx context.Context, name string) error {
	_, err := k.opts.Client.CoreV1().Nodes().Create(ctx, &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name, corev1.LabelOSStable: "linux"}},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	plenty := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse("64"),
		corev1.ResourceMemory: resource.MustParse("256Gi"),
		corev1.ResourcePods:   resource.MustParse("10000"),
	}
	status := corev1.NodeStatus{
		Capacity: plenty, Allocatable: plenty,
		Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: namespace.Host.String()}, {Type: corev1.NodeHostName, Address: name}},
		Conditions: []corev1.NodeCondition{
			{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now()},
		},
	}
	patch, err := json.Marshal(map[string]any{"status": status}) // controllers write to the node as soon as it is there
	if err != nil {
		return err
	}
	if _, err := k.opts.Client.CoreV1().Nodes().PatchStatus(ctx, name, patch); err != nil {
		return err
	}
	if err := k.createLease(ctx, name); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return nil
}

func (k *Kubelet) createLease(ctx context.Context, name string) error {
	seconds := int32(40)
	now := metav1.NowMicro()
	_, err := k.opts.Client.CoordinationV1().Leases(leaseNamespace).Create(ctx, &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: leaseNamespace},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &name, LeaseDurationSeconds: &seconds, RenewTime: &now},
	}, metav1.CreateOptions{})
	return err
}

// renewLease is how a node says that it lives.
func (k *Kubelet) renewLease(ctx context.Context, name string) {
	tick := time.NewTicker(leaseRenewal)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		lease, err := k.opts.Client.CoordinationV1().Leases(leaseNamespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			continue // the next tick is soon enough
		}
		now := metav1.NowMicro()
		lease.Spec.RenewTime = &now
		k.opts.Client.CoordinationV1().Leases(leaseNamespace).Update(ctx, lease, metav1.UpdateOptions{})
	}
}

// awaitNodes returns when pods can be scheduled: the controller has taken away the mark of a node that is new.
func (k *Kubelet) awaitNodes(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		nodes, err := k.opts.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		ready := 0
		if err == nil {
			for _, node := range nodes.Items {
				if len(node.Spec.Taints) == 0 {
					ready++
				}
			}
		}
		if ready >= len(k.opts.Nodes) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
