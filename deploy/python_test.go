package deploy_test

import (
	"encoding/json"
	"fmt"
	"net"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"

	"github.com/truecount/truecount/internal/application"
)

// pythonFolder has the manifests of a Python application with the sidecar.
const pythonFolder = "../examples/python/kubernetes"

// decode reads a manifest strictly: a field that Kubernetes does not know fails.
func decode[T any](t *testing.T, file string) *T {
	t.Helper()
	object := new(T)
	if err := yaml.UnmarshalStrict(read(t, filepath.Join(pythonFolder, file)), object); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return object
}

// kustomization is what these files use of Kustomize's type.
type kustomization struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Resources  []string `json:"resources,omitempty"`
	Components []string `json:"components,omitempty"`
	Patches    []struct {
		Path   string `json:"path"`
		Target struct {
			Kind          string `json:"kind"`
			LabelSelector string `json:"labelSelector"`
		} `json:"target"`
	} `json:"patches,omitempty"`
}

func TestThePatchMakesOfATeamsDeploymentThePlainOne(t *testing.T) {
	all := decode[kustomization](t, "kustomize/kustomization.yaml")
	base := decode[kustomization](t, filepath.Join("kustomize", all.Resources[0], "kustomization.yaml"))
	component := decode[kustomization](t, filepath.Join("kustomize", all.Components[0], "kustomization.yaml"))
	if all.Kind != "Kustomization" || base.Kind != "Kustomization" || component.Kind != "Component" ||
		component.APIVersion != "kustomize.config.k8s.io/v1alpha1" || all.APIVersion != "kustomize.config.k8s.io/v1beta1" {
		t.Errorf("kinds: %+v %+v %+v", all, base, component)
	}
	before := decode[appsv1.Deployment](t, filepath.Join("kustomize", all.Resources[0], base.Resources[0]))
	patch := component.Patches[0]
	name, value, _ := strings.Cut(patch.Target.LabelSelector, "=")
	if patch.Target.Kind != "Deployment" || before.Labels[name] != value || value == "" {
		t.Errorf("the patch is for %+v, and the Deployment has the labels %v", patch.Target, before.Labels)
	}
	decode[appsv1.Deployment](t, filepath.Join("kustomize", all.Components[0], patch.Path)) // strictly
	change, err := yaml.YAMLToJSON(read(t, filepath.Join(pythonFolder, "kustomize", all.Components[0], patch.Path)))
	if err != nil {
		t.Fatal(err)
	}
	if change, err = withName(change, before.Name); err != nil {
		t.Fatal(err)
	}
	original, err := json.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	patched, err := strategicpatch.StrategicMergePatch(original, change, appsv1.Deployment{})
	if err != nil {
		t.Fatal(err)
	}
	var got appsv1.Deployment
	if err := json.Unmarshal(patched, &got); err != nil {
		t.Fatal(err)
	}
	want := decode[appsv1.Deployment](t, "deployment.yaml")
	for _, d := range []*appsv1.Deployment{&got, want} {
		for i := range d.Spec.Template.Spec.Containers { // their order means nothing
			slices.SortFunc(d.Spec.Template.Spec.Containers[i].Env, func(a, b corev1.EnvVar) int { return strings.Compare(a.Name, b.Name) })
		}
	}
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Errorf("the patch makes another Deployment than deployment.yaml:\n%s", diff)
	}
	if len(before.Spec.Template.Spec.InitContainers) != 0 {
		t.Error("the team's Deployment has the sidecar already")
	}
}

// withName has a patch be for an object of that name, as Kustomize does with a patch that has a target.
func withName(patch []byte, name string) ([]byte, error) {
	var object map[string]any
	if err := json.Unmarshal(patch, &object); err != nil {
		return nil, err
	}
	object["metadata"].(map[string]any)["name"] = name
	return json.Marshal(object)
}

// flag returns the value of --NAME=VALUE among arguments.
func flag(t *testing.T, args []string, name string) string {
	t.Helper()
	for _, arg := range args {
		if value, found := strings.CutPrefix(arg, "--"+name+"="); found {
			return value
		}
	}
	t.Fatalf("there is no --%s in %v", name, args)
	return ""
}

func mountedAt(t *testing.T, c corev1.Container, dir string) corev1.VolumeMount {
	t.Helper()
	i := slices.IndexFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == dir })
	if i < 0 {
		t.Fatalf("%s has nothing mounted at %s: %v", c.Name, dir, c.VolumeMounts)
	}
	return c.VolumeMounts[i]
}

func TestTheSidecarSharesTheDirectoryAndTheUserOfTheApplication(t *testing.T) {
	pod := decode[appsv1.Deployment](t, "deployment.yaml").Spec.Template.Spec
	restricted(t, pythonFolder, pod)
	sidecar, app := pod.InitContainers[0], pod.Containers[0]
	if sidecar.RestartPolicy == nil || *sidecar.RestartPolicy != corev1.ContainerRestartPolicyAlways {
		t.Errorf("the sidecar's restart policy is %v: it would have to end before the application starts", sidecar.RestartPolicy)
	}
	for _, c := range []corev1.Container{sidecar, app} {
		if c.SecurityContext.RunAsUser != nil || c.SecurityContext.RunAsGroup != nil {
			t.Errorf("%s runs as another user than the pod's", c.Name)
		}
	}
	if s := pod.SecurityContext; s.FSGroup == nil || *s.FSGroup == 0 || *s.FSGroup != *s.RunAsGroup {
		t.Errorf("the pod's security context is %+v", s)
	}

	dir := flag(t, sidecar.Args, "python-dir")
	told := slices.IndexFunc(app.Env, func(e corev1.EnvVar) bool { return e.Name == "PROMETHEUS_MULTIPROC_DIR" && e.Value == dir })
	ours, theirs := mountedAt(t, sidecar, dir), mountedAt(t, app, dir)
	if told < 0 || ours.Name != theirs.Name || theirs.ReadOnly || ours.ReadOnly {
		t.Errorf("the sidecar reads %s, %+v; the application writes to %+v, %v", dir, ours, theirs, app.Env)
	}
	state := mountedAt(t, sidecar, path.Dir(flag(t, sidecar.Args, "state")))
	for _, v := range pod.Volumes {
		if v.EmptyDir == nil || v.EmptyDir.SizeLimit.IsZero() {
			t.Errorf("volume %s has no limit: %+v", v.Name, v)
			continue
		}
		switch v.Name {
		case ours.Name:
			if v.EmptyDir.Medium != corev1.StorageMediumMemory || v.EmptyDir.SizeLimit.Cmp(*app.Resources.Limits.Memory()) >= 0 {
				t.Errorf("the workers' files are in %+v, and the application has %v", v.EmptyDir, app.Resources.Limits.Memory())
			}
		case state.Name:
			if v.EmptyDir.Medium != corev1.StorageMediumDefault {
				t.Errorf("the state is in %+v", v.EmptyDir)
			}
		default:
			t.Errorf("nobody expects volume %s", v.Name)
		}
	}
	if state.Name == ours.Name {
		t.Error("the state is where the application cleans")
	}
}

func TestTheSidecarsPortIsScrapedAndProbed(t *testing.T) {
	pod := decode[appsv1.Deployment](t, "deployment.yaml").Spec.Template
	service, monitor := decode[corev1.Service](t, "service.yaml"), decode[serviceMonitor](t, "servicemonitor.yaml")
	sidecar := pod.Spec.InitContainers[0]
	_, port, err := net.SplitHostPort(flag(t, sidecar.Args, "listen"))
	if err != nil || len(sidecar.Ports) != 1 || strconv.Itoa(int(sidecar.Ports[0].ContainerPort)) != port {
		t.Errorf("it listens on port %s, and has %v, %v", port, sidecar.Ports, err)
	}
	name := sidecar.Ports[0].Name
	if i := slices.IndexFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.TargetPort.StrVal == name }); i < 0 || len(monitor.Spec.Endpoints) != 1 ||
		monitor.Spec.Endpoints[0].Port != service.Spec.Ports[i].Name || monitor.Spec.Endpoints[0].Path != "/metrics" {
		t.Errorf("the Service has %+v, the ServiceMonitor %+v", service.Spec.Ports, monitor.Spec.Endpoints)
	}
	for what, p := range map[string]*corev1.Probe{"startup": sidecar.StartupProbe, "liveness": sidecar.LivenessProbe} {
		if p == nil || p.HTTPGet == nil || p.HTTPGet.Path != "/-/healthy" || p.HTTPGet.Port.StrVal != name {
			t.Errorf("the %s probe is %+v", what, p)
		}
	}
	for what, selector := range map[string]map[string]string{"Service": service.Spec.Selector} {
		if diff := cmp.Diff(pod.Labels, selector); diff != "" {
			t.Errorf("the %s does not select the pods:\n%s", what, diff)
		}
	}
	if diff := cmp.Diff(service.Labels, monitor.Spec.Selector.MatchLabels); diff != "" {
		t.Errorf("the ServiceMonitor does not select the Service:\n%s", diff)
	}
}

// TestTheSidecarsArgumentsAreFlagsThatItHas looks them up in its reference, which a test holds against the program.
func TestTheSidecarsArgumentsAreFlagsThatItHas(t *testing.T) {
	known := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^\s+(?:-\w, )?--([\w.-]+)`).FindAllStringSubmatch(string(read(t, "../docs/reference/sidecar.md")), -1) {
		known[found[1]] = true
	}
	sidecar := decode[appsv1.Deployment](t, "deployment.yaml").Spec.Template.Spec.InitContainers[0]
	for _, arg := range sidecar.Args {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if !known[name] {
			t.Errorf("the sidecar has no flag %s: %v", arg, known)
		}
	}
	if tag := "-t " + sidecar.Image + " ."; !strings.Contains(string(read(t, "sidecar/Dockerfile")), tag) {
		t.Errorf("sidecar/Dockerfile does not say how %s is built", sidecar.Image)
	}
}

// TestTheApplicationIsWhatTheManifestsSayOfIt looks into its own files: its image, and the hooks that the manifests count on.
func TestTheApplicationIsWhatTheManifestsSayOfIt(t *testing.T) {
	const folder = "../examples/python/django"
	pod := decode[appsv1.Deployment](t, "deployment.yaml").Spec.Template.Spec
	app, d := pod.Containers[0], dockerfile(t, folder)
	if user := fmt.Sprintf("%d:%d", *pod.SecurityContext.RunAsUser, *pod.SecurityContext.RunAsGroup); d.last("USER") != user {
		t.Errorf("the image runs as %s, the pod as %s", d.last("USER"), user)
	}
	if port := env(t, app, "PORT"); d.number(t, "PORT") != port || int(app.Ports[0].ContainerPort) != port {
		t.Errorf("the image listens on %s, the pod on %d, %+v", d.env["PORT"], port, app.Ports)
	}
	if !strings.Contains(string(read(t, folder+"/Dockerfile")), "-t "+app.Image+" .") {
		t.Errorf("its Dockerfile does not say how %s is built", app.Image)
	}
	file, err := application.Load(folder + "/truecount.yaml")
	if err != nil {
		t.Fatal(err)
	}
	spec := file.Applications[0].Spec
	if spec.Health.Path != app.ReadinessProbe.HTTPGet.Path || spec.Workers.Count != env(t, app, "WEB_CONCURRENCY") {
		t.Errorf("its application file has %s and %d workers", spec.Health.Path, spec.Workers.Count)
	}
	hooks := string(read(t, folder+"/gunicorn.conf.py"))
	for hook, does := range map[string]string{"on_starting": "multiproc.wipe()", "child_exit": "multiproc.retire("} {
		_, body, found := strings.Cut(hooks, "\ndef "+hook+"(")
		body, _, _ = strings.Cut(body, "\ndef ")
		if !found || !strings.Contains(body, does) {
			t.Errorf("gunicorn.conf.py: %s does not call %s", hook, does)
		}
	}
}

func TestTheJobThatMakesTablesCountsForNobody(t *testing.T) {
	job := decode[batchv1.Job](t, "migrate.yaml")
	restricted(t, "migrate.yaml", job.Spec.Template.Spec)
	c := job.Spec.Template.Spec.Containers[0]
	if !slices.Equal(c.Command[:3], []string{"env", "-u", "PROMETHEUS_MULTIPROC_DIR"}) || len(c.VolumeMounts) != 0 {
		t.Errorf("it runs %v with %v", c.Command, c.VolumeMounts)
	}
	if app := decode[appsv1.Deployment](t, "deployment.yaml").Spec.Template.Spec.Containers[0]; app.Image != c.Image {
		t.Errorf("it is %s, and the application %s", c.Image, app.Image)
	}
}
