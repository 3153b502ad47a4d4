// Package deploy_test checks the hand-written files of this folder: each by the types of the program that reads it, and all
// against each other and against the demos' application files.
package deploy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/truecount/truecount/internal/application"
)

// serviceMonitor is what these files use of the operator's type.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Selector          metav1.LabelSelector `json:"selector"`
		NamespaceSelector struct {
			MatchNames []string `json:"matchNames"`
		} `json:"namespaceSelector"`
		Endpoints []struct {
			Port      string `json:"port"`
			Path      string `json:"path"`
			Interval  string `json:"interval"`
			BasicAuth *struct {
				Username corev1.SecretKeySelector `json:"username"`
				Password corev1.SecretKeySelector `json:"password"`
			} `json:"basicAuth,omitempty"`
		} `json:"endpoints"`
	} `json:"spec"`
}

// demos are the applications that have files here.
var demos = []string{"clicks", "dogwalk", "latency", "servicewindow"}

// variant is one way to run one demo on Kubernetes: the objects of its folder.
type variant struct {
	app, folder string
	nginx       bool // metrics are behind nginx
	auth        bool // metrics ask for a password

	deployment *appsv1.Deployment
	service    *corev1.Service
	monitor    *serviceMonitor
	ingress    *networkingv1.Ingress
	hpa        *autoscalingv2.HorizontalPodAutoscaler
	configMaps []*corev1.ConfigMap
}

// variants reads the folders strictly: a field that Kubernetes does not know fails.
func variants(t *testing.T) []*variant {
	t.Helper()
	all := []*variant{
		{app: "clicks", folder: "clicks/kubernetes"},
		{app: "dogwalk", folder: "dogwalk/kubernetes"},
		{app: "dogwalk", folder: "dogwalk/kubernetes-nginx", nginx: true, auth: true},
		{app: "dogwalk", folder: "dogwalk/kubernetes-auth", auth: true},
		{app: "latency", folder: "latency/kubernetes"},
		{app: "servicewindow", folder: "servicewindow/kubernetes"},
	}
	for _, v := range all {
		documents(t, v.folder, func(path string, doc []byte) { v.add(t, path, doc) })
	}
	return all
}

// documents reads the manifests of a folder, but for files of the names that are left out.
func documents(t *testing.T, folder string, add func(path string, doc []byte), leftOut ...string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: no manifests: %v", folder, err)
	}
	for _, path := range paths {
		if slices.Contains(leftOut, filepath.Base(path)) {
			continue
		}
		for _, doc := range bytes.Split(read(t, path), []byte("\n---\n")) {
			add(path, doc)
		}
	}
}

func (v *variant) add(t *testing.T, path string, doc []byte) {
	t.Helper()
	var meta metav1.PartialObjectMetadata
	if err := yaml.Unmarshal(doc, &meta); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if meta.Namespace != "default" || meta.Labels["app.kubernetes.io/name"] == "" {
		t.Errorf("%s: %s %s has namespace %q and labels %v", path, meta.Kind, meta.Name, meta.Namespace, meta.Labels)
	}
	into := func(object any) {
		t.Helper()
		if err := yaml.UnmarshalStrict(doc, object); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	own := meta.Labels["app.kubernetes.io/name"] == v.app
	switch kind := meta.APIVersion + " " + meta.Kind; {
	case kind == "apps/v1 Deployment" && own:
		v.deployment = &appsv1.Deployment{}
		into(v.deployment)
	case kind == "v1 Service" && own:
		v.service = &corev1.Service{}
		into(v.service)
	case kind == "monitoring.coreos.com/v1 ServiceMonitor" && own:
		v.monitor = &serviceMonitor{}
		into(v.monitor)
	case kind == "networking.k8s.io/v1 Ingress" && own:
		v.ingress = &networkingv1.Ingress{}
		into(v.ingress)
	case kind == "autoscaling/v2 HorizontalPodAutoscaler" && own:
		v.hpa = &autoscalingv2.HorizontalPodAutoscaler{}
		into(v.hpa)
	case kind == "v1 ConfigMap" && own:
		c := &corev1.ConfigMap{}
		into(c)
		v.configMaps = append(v.configMaps, c)
	case kind == "v1 PersistentVolumeClaim" && own:
		into(&corev1.PersistentVolumeClaim{})
	case kind == "apps/v1 StatefulSet" && meta.Name == "postgres":
		var s appsv1.StatefulSet
		into(&s)
		restricted(t, path, s.Spec.Template.Spec)
	case kind == "v1 Service" && meta.Name == "postgres":
		into(&corev1.Service{})
	default:
		t.Errorf("%s: nobody expects %s %s", path, kind, meta.Name)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// demo reads a demo's application file.
func demo(t *testing.T, app string) *application.Application {
	t.Helper()
	f, err := application.Load(filepath.Join("..", "demo", app, "truecount.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return f.Applications[0]
}

// restricted checks what Kubernetes' pod security standard "restricted" asks for, and a little more.
func restricted(t *testing.T, path string, pod corev1.PodSpec) {
	t.Helper()
	s := pod.SecurityContext
	if s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.RunAsUser == nil || *s.RunAsUser == 0 ||
		s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s: the pod's security context is not restricted: %+v", path, s)
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Errorf("%s: the pod gets a token that it does not need", path)
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		s := c.SecurityContext
		if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem ||
			s.Capabilities == nil || len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" || len(s.Capabilities.Add) != 0 {
			t.Errorf("%s: the security context of %s is not restricted: %+v", path, c.Name, s)
		}
		if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Memory().IsZero() {
			t.Errorf("%s: %s has no memory request or limit", path, c.Name)
		}
		if i := strings.LastIndexByte(c.Image, ':'); i < 0 || c.Image[i+1:] == "latest" {
			t.Errorf("%s: the image %s is not pinned", path, c.Image)
		}
	}
}
