package kubelet

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What every pod is told of the service kubernetes.
const (
	kubernetesHost = "10.96.0.1"
	kubernetesPort = "443"
)

// environment is the image's, the cluster's and the container's own, in this order.
func (c *container) environment(ctx context.Context) (map[string]string, error) {
	env := map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME": c.worker.pod.Name,
		"KUBERNETES_SERVICE_HOST": kubernetesHost, "KUBERNETES_SERVICE_PORT": kubernetesPort,
	}
	for _, pair := range c.image.Env {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	if len(c.spec.EnvFrom) > 0 {
		return nil, fmt.Errorf("this kubelet does not have envFrom")
	}
	for _, variable := range c.spec.Env {
		value, given, err := c.value(ctx, &variable)
		if err != nil {
			return nil, fmt.Errorf("env %s: %w", variable.Name, err)
		}
		if given {
			env[variable.Name] = value
		}
	}
	return env, nil
}

func (c *container) value(ctx context.Context, variable *corev1.EnvVar) (value string, given bool, err error) {
	if variable.ValueFrom == nil {
		return variable.Value, true, nil
	}
	client, namespace := c.worker.kubelet.opts.Client, c.worker.pod.Namespace
	switch from := variable.ValueFrom; {
	case from.FieldRef != nil:
		value, err = c.worker.field(from.FieldRef)
		return value, true, err
	case from.SecretKeyRef != nil:
		object, err := client.CoreV1().Secrets(namespace).Get(ctx, from.SecretKeyRef.Name, metav1.GetOptions{})
		if err != nil {
			return "", false, unlessOptional(err, from.SecretKeyRef.Optional)
		}
		data, given := object.Data[from.SecretKeyRef.Key]
		return string(data), given, nil
	case from.ConfigMapKeyRef != nil:
		object, err := client.CoreV1().ConfigMaps(namespace).Get(ctx, from.ConfigMapKeyRef.Name, metav1.GetOptions{})
		if err != nil {
			return "", false, unlessOptional(err, from.ConfigMapKeyRef.Optional)
		}
		value, given = object.Data[from.ConfigMapKeyRef.Key]
		return value, given, nil
	case from.ResourceFieldRef != nil:
		return c.limit(from.ResourceFieldRef)
	}
	return "", false, fmt.Errorf("a kind of source that this kubelet does not have")
}

// limit is a container's limit or request in whole units, rounded up.
func (c *container) limit(ref *corev1.ResourceFieldSelector) (string, bool, error) {
	list, name, _ := strings.Cut(ref.Resource, ".")
	quantities := map[string]corev1.ResourceList{"limits": c.spec.Resources.Limits, "requests": c.spec.Resources.Requests}[list]
	quantity, given := quantities[corev1.ResourceName(name)]
	if !given {
		return "", false, fmt.Errorf("the container has no %s", ref.Resource)
	}
	return fmt.Sprint(quantity.Value()), true, nil
}

// field is what a pod may be told of itself.
func (w *worker) field(ref *corev1.ObjectFieldSelector) (string, error) {
	switch ref.FieldPath {
	case "metadata.name":
		return w.pod.Name, nil
	case "metadata.namespace":
		return w.pod.Namespace, nil
	case "metadata.uid":
		return string(w.pod.UID), nil
	case "spec.nodeName":
		return w.pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return w.pod.Spec.ServiceAccountName, nil
	case "status.podIP":
		return w.address.String(), nil
	}
	return "", fmt.Errorf("%s is a field that this kubelet does not tell", ref.FieldPath)
}
