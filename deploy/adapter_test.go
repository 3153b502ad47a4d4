package deploy_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// apiService is what these files use of kube-aggregator's type.
type apiService struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Group                string `json:"group"`
		Version              string `json:"version"`
		GroupPriorityMinimum int32  `json:"groupPriorityMinimum"`
		VersionPriority      int32  `json:"versionPriority"`
		Service              struct {
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
			Port      int32  `json:"port"`
		} `json:"service"`
	} `json:"spec"`
}

// adapterObjects are the objects of deploy/adapter by kind and name, each read strictly by its own type.
type adapterObjects struct {
	deployment *appsv1.Deployment
	service    *corev1.Service
	config     *corev1.ConfigMap
	namespace  *corev1.Namespace
	budget     *policyv1.PodDisruptionBudget
	network    *networkingv1.NetworkPolicy
	account    *corev1.ServiceAccount
	roles      []*rbacv1.ClusterRole
	bindings   []*rbacv1.ClusterRoleBinding
	local      []*rbacv1.Role // of one namespace
	apis       []*apiService
}

func adapterManifests(t *testing.T) *adapterObjects {
	t.Helper()
	o := &adapterObjects{}
	for _, folder := range []string{"base", "config-maps", "monitoring"} {
		// A kustomization is for kubectl, and a ServiceMonitor has a type of the operator's: test/controlplane applies both.
		documents(t, filepath.Join("adapter", folder), func(path string, doc []byte) { o.add(t, path, doc) }, "kustomization.yaml", "servicemonitor.yaml")
	}
	return o
}

func (o *adapterObjects) add(t *testing.T, path string, doc []byte) {
	t.Helper()
	var meta metav1.PartialObjectMetadata
	if err := yaml.Unmarshal(doc, &meta); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if meta.Labels["app.kubernetes.io/name"] != "truecount-adapter" {
		t.Errorf("%s: %s %s has labels %v", path, meta.Kind, meta.Name, meta.Labels)
	}
	into := func(object any) {
		t.Helper()
		if err := yaml.UnmarshalStrict(doc, object); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	switch kind := meta.APIVersion + " " + meta.Kind; kind {
	case "apps/v1 Deployment":
		o.deployment = &appsv1.Deployment{}
		into(o.deployment)
	case "v1 Service":
		o.service = &corev1.Service{}
		into(o.service)
	case "v1 ConfigMap":
		o.config = &corev1.ConfigMap{}
		into(o.config)
	case "v1 Namespace":
		o.namespace = &corev1.Namespace{}
		into(o.namespace)
	case "v1 ServiceAccount":
		o.account = &corev1.ServiceAccount{}
		into(o.account)
	case "policy/v1 PodDisruptionBudget":
		o.budget = &policyv1.PodDisruptionBudget{}
		into(o.budget)
	case "networking.k8s.io/v1 NetworkPolicy":
		o.network = &networkingv1.NetworkPolicy{}
		into(o.network)
	case "rbac.authorization.k8s.io/v1 ClusterRole":
		o.roles = append(o.roles, &rbacv1.ClusterRole{})
		into(o.roles[len(o.roles)-1])
	case "rbac.authorization.k8s.io/v1 ClusterRoleBinding":
		o.bindings = append(o.bindings, &rbacv1.ClusterRoleBinding{})
		into(o.bindings[len(o.bindings)-1])
	case "rbac.authorization.k8s.io/v1 Role":
		o.local = append(o.local, &rbacv1.Role{})
		into(o.local[len(o.local)-1])
	case "rbac.authorization.k8s.io/v1 RoleBinding":
		into(&rbacv1.RoleBinding{})
	case "apiregistration.k8s.io/v1 APIService":
		o.apis = append(o.apis, &apiService{})
		into(o.apis[len(o.apis)-1])
	default:
		t.Errorf("%s: nobody expects %s %s", path, kind, meta.Name)
	}
}

func TestTheAdaptersPodsAreRestrictedAndSpread(t *testing.T) {
	o := adapterManifests(t)
	pod := o.deployment.Spec.Template.Spec
	if pod.AutomountServiceAccountToken == nil || !*pod.AutomountServiceAccountToken || pod.ServiceAccountName != o.account.Name {
		t.Error("the pod has no token of its account, which it needs")
	}
	none := false
	pod.AutomountServiceAccountToken = &none
	restricted(t, "adapter/base/deployment.yaml", pod)
	if o.namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Error("the namespace does not enforce the restricted standard")
	}
	if *o.deployment.Spec.Replicas != 2 || o.budget.Spec.MinAvailable.IntValue() != 1 || len(pod.TopologySpreadConstraints) != 1 {
		t.Error("there are not two replicas on different machines, of which one always stays")
	}
	for what, selector := range map[string]map[string]string{
		"service": o.service.Spec.Selector, "budget": o.budget.Spec.Selector.MatchLabels, "network policy": o.network.Spec.PodSelector.MatchLabels,
		"spread": pod.TopologySpreadConstraints[0].LabelSelector.MatchLabels, "deployment": o.deployment.Spec.Selector.MatchLabels,
	} {
		if len(selector) != 1 || o.deployment.Spec.Template.Labels["app.kubernetes.io/name"] != selector["app.kubernetes.io/name"] {
			t.Errorf("the %s selects %v", what, selector)
		}
	}
}

// TestTheAdapterMayDoWhatItNeedsAndNoMore holds the rights to the list: nothing is written, no secret is read.
func TestTheAdapterMayDoWhatItNeedsAndNoMore(t *testing.T) {
	o := adapterManifests(t)
	want := map[string]string{
		"truecount-adapter":         "[] [pods] [list watch]",
		"truecount-adapter-rules":   "[] [configmaps] [list watch]",
		"truecount-adapter-view":    "[custom.metrics.k8s.io] [*] [get list]",
		"truecount-adapter-metrics": "/metrics [get]",
	}
	for _, role := range o.roles {
		for _, rule := range role.Rules {
			got := strings.TrimSpace(strings.Join(rule.NonResourceURLs, " ") + " " + brackets(rule.Verbs))
			if len(rule.Resources) > 0 {
				got = brackets(slices.DeleteFunc(slices.Clone(rule.APIGroups), func(g string) bool { return g == "" })) + " " + brackets(rule.Resources) + " " + brackets(rule.Verbs)
			}
			if got != want[role.Name] {
				t.Errorf("%s allows %s, want %s", role.Name, got, want[role.Name])
			}
		}
	}
	if len(o.roles) != len(want) {
		t.Errorf("there are %d roles", len(o.roles))
	}
	for _, b := range o.bindings {
		if b.RoleRef.Name == "truecount-adapter-view" || b.RoleRef.Name == "cluster-admin" {
			t.Errorf("%s binds %s", b.Name, b.RoleRef.Name)
		}
	}
}

func brackets(all []string) string { return "[" + strings.Join(all, " ") + "]" }

// TestK9TheAPIServicesLeadToTheServiceAndAreChecked: no way past the certificate.
// Prometheus finds pods by services and endpoints. kube-prometheus lets its own do so in the namespaces default, kube-system and monitoring.
func TestPrometheusMayFindTheAdapter(t *testing.T) {
	o := adapterManifests(t)
	var may []string
	for _, role := range o.local {
		if role.Namespace != o.namespace.Name {
			t.Errorf("the role %s is in %s", role.Name, role.Namespace)
		}
		for _, rule := range role.Rules {
			for _, resource := range rule.Resources {
				may = append(may, resource+": "+strings.Join(rule.Verbs, " "))
			}
		}
	}
	slices.Sort(may)
	if want := []string{"endpoints: get list watch", "endpointslices: get list watch", "pods: get list watch", "services: get list watch"}; !slices.Equal(may, want) {
		t.Errorf("it may %q", may)
	}
}

func TestK9TheAPIServicesLeadToTheServiceAndAreChecked(t *testing.T) {
	o := adapterManifests(t)
	var names []string
	for _, api := range o.apis {
		names = append(names, api.Name)
		if s := api.Spec.Service; s.Namespace != o.service.Namespace || s.Name != o.service.Name || s.Port != o.service.Spec.Ports[0].Port {
			t.Errorf("%s leads to %+v", api.Name, s)
		}
		if api.Name != api.Spec.Version+"."+api.Spec.Group {
			t.Errorf("%s is of %s %s", api.Name, api.Spec.Group, api.Spec.Version)
		}
	}
	if !slices.Equal(names, []string{"v1beta1.custom.metrics.k8s.io", "v1beta2.custom.metrics.k8s.io"}) {
		t.Errorf("there are %v: external metrics may be somebody else's", names)
	}
	files, err := filepath.Glob("adapter/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for line := range bytes.Lines(read(t, file)) {
			line, _, _ = bytes.Cut(line, []byte("#"))
			if bytes.Contains(line, []byte("insecure")) {
				t.Errorf("%s: %s", file, line)
			}
		}
	}
	for _, folder := range []string{"kubernetes", "cert-manager"} {
		var k struct {
			Resources []string `json:"resources"`
			Patches   []struct {
				Path, Patch string
				Target      struct{ Kind string }
			} `json:"patches"`
		}
		if err := yaml.Unmarshal(read(t, filepath.Join("adapter", folder, "kustomization.yaml")), &k); err != nil {
			t.Fatal(err)
		}
		if len(k.Patches) != 1 || k.Patches[0].Target.Kind != "APIService" || (k.Patches[0].Path != "certificate/cabundle.yaml" && !strings.Contains(k.Patches[0].Patch, "inject-ca-from")) {
			t.Errorf("%s does not give the APIServices an authority: %+v", folder, k.Patches)
		}
	}
}

func TestTheAdaptersFilesAreWhereItsFlagsSay(t *testing.T) {
	o := adapterManifests(t)
	c := o.deployment.Spec.Template.Spec.Containers[0]
	mounted := map[string]bool{}
	for _, m := range c.VolumeMounts {
		for _, v := range o.deployment.Spec.Template.Spec.Volumes {
			if v.Name != m.Name {
				continue
			}
			if v.ConfigMap != nil && v.ConfigMap.Name == o.config.Name {
				for key := range o.config.Data {
					mounted[m.MountPath+"/"+key] = true
				}
			}
			if v.Secret != nil && v.Secret.SecretName == "truecount-adapter-serving" {
				mounted[m.MountPath+"/tls.crt"], mounted[m.MountPath+"/tls.key"] = true, true
			}
		}
	}
	for _, arg := range c.Args {
		if _, value, _ := strings.Cut(arg, "="); strings.HasPrefix(value, "/") && !mounted[value] {
			t.Errorf("nothing is mounted at %s", arg)
		}
	}
	if !slices.Contains(c.Args, "--secure-port=6443") || c.Ports[0].ContainerPort != 6443 || o.service.Spec.Ports[0].TargetPort.String() != c.Ports[0].Name ||
		o.network.Spec.Ingress[0].Ports[0].Port.IntValue() != 6443 {
		t.Error("the ports disagree")
	}
	set, problems := metricrule.Load(metricrule.Options{}, metricrule.Source{Name: "config.yaml", Data: []byte(o.config.Data["config.yaml"])})
	if len(problems) > 0 || len(set.Rules()) != 1 {
		t.Errorf("the rules: %v", problems)
	}
}
