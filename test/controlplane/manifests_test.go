package controlplane

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/truecount/truecount/test/controlplane/cluster"
)

// operatorCRDs installs the types of the Prometheus operator, once.
func operatorCRDs(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	installCRDs.Do(func() {
		apply(t, c, "", "-f", filepath.Join(os.Getenv(operatorVariable), "example", "prometheus-operator-crd"))
		kubectl(t, c, "wait", "--for=condition=Established", "--all", "customresourcedefinitions", "--timeout=5m")
	})
}

var installCRDs sync.Once

// manifestFolders are the folders below deploy/ and examples/ with objects for Kubernetes.
func manifestFolders(t *testing.T) []string {
	t.Helper()
	var folders []string
	for _, root := range []string{"../../deploy", "../../examples"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" || !isManifest(path) {
				return err
			}
			if folder := filepath.Dir(path); !slices.Contains(folders, folder) {
				folders = append(folders, folder)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return folders
}

// isManifest tells objects for Kubernetes from the other YAML files. Those of kustomize are applied as a whole, here and in
// theAdapter, and our own application files are not for the API server.
func isManifest(path string) bool {
	text, err := os.ReadFile(path)
	return err == nil && strings.Contains("\n"+string(text), "\napiVersion: ") && strings.Contains("\n"+string(text), "\nkind: ") &&
		!strings.Contains(string(text), "apiVersion: truecount/") && !strings.Contains(path, "/kustomize/") && !strings.Contains(path, "/deploy/adapter/")
}

func TestTheManifestsAreAppliedWithoutAWarning(t *testing.T) {
	t.Parallel()
	c := running(t)
	operatorCRDs(t, c)
	folders := manifestFolders(t)
	if len(folders) < 7 {
		t.Fatalf("only %d folders with manifests: %q", len(folders), folders)
	}
	for _, folder := range folders {
		// As they would be applied, up to what is kept: the folders share names in the namespace default.
		t.Run(strings.TrimPrefix(folder, "../../"), func(t *testing.T) {
			t.Parallel()
			apply(t, c, "", "--dry-run=server", "-f", folder)
		})
	}
	for _, overlay := range []string{"kustomize", "kustomize/base"} {
		t.Run(overlay, func(t *testing.T) {
			t.Parallel()
			apply(t, c, "", "--dry-run=server", "-k", "../../examples/python/kubernetes/"+overlay)
		})
	}
}

// TestAnUnknownFieldOfAMonitorIsRejected holds the test above: what it finds nothing wrong with was looked at.
func TestAnUnknownFieldOfAMonitorIsRejected(t *testing.T) {
	t.Parallel()
	c := running(t)
	operatorCRDs(t, c)
	text, err := os.ReadFile("../../deploy/clicks/kubernetes/servicemonitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, mistake := range []struct{ name, from, to, said string }{
		{"unknown field", "path: /metrics", "pathh: /metrics", `pathh: field not declared in schema`},
		{"bad duration", "interval: 15s", "interval: fifteen", "spec.endpoints[0].interval"},
		{"wrong type", "port: metrics-1", "port: 5001", "expected string"},
	} {
		t.Run(mistake.name, func(t *testing.T) {
			t.Parallel()
			_, problem := tryKubectl(t, c, strings.Replace(string(text), mistake.from, mistake.to, 1), "apply", "--server-side", "--dry-run=server", "-f", "-")
			if !strings.Contains(problem, mistake.said) {
				t.Errorf("kubectl says %q, want %q in it", problem, mistake.said)
			}
		})
	}
}

// ports are the named ports of the objects that must agree.
func TestFiveWorkersHaveFivePortsInAllObjects(t *testing.T) {
	t.Parallel()
	c := running(t)
	operatorCRDs(t, c)
	apply(t, c, "", "--dry-run=server", "-f", "../../deploy/clicks/kubernetes")
	// What the API server makes of the files, not the files.
	out := kubectl(t, c, "apply", "--server-side", "--dry-run=server", "-o", "json", "-f", "../../deploy/clicks/kubernetes")
	var list struct {
		Items []struct {
			Kind string
			Spec struct {
				Ports     []struct{ Name, TargetPort any }
				Endpoints []struct{ Port string }
				Template  struct {
					Spec struct {
						Containers []struct {
							Ports []struct {
								Name          string
								ContainerPort int
							}
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, item := range list.Items {
		switch item.Kind {
		case "Deployment":
			for _, port := range item.Spec.Template.Spec.Containers[0].Ports {
				found[item.Kind] = append(found[item.Kind], fmt.Sprintf("%s=%d", port.Name, port.ContainerPort))
			}
		case "Service":
			for _, port := range item.Spec.Ports {
				found[item.Kind] = append(found[item.Kind], fmt.Sprint(port.Name, "=", port.TargetPort))
			}
		case "ServiceMonitor":
			for _, endpoint := range item.Spec.Endpoints {
				found[item.Kind] = append(found[item.Kind], endpoint.Port)
			}
		}
	}
	for kind, want := range map[string]string{
		"Deployment":     "http=8000 metrics-1=5001 metrics-2=5002 metrics-3=5003 metrics-4=5004 metrics-5=5005",
		"Service":        "http=http metrics-1=metrics-1 metrics-2=metrics-2 metrics-3=metrics-3 metrics-4=metrics-4 metrics-5=metrics-5",
		"ServiceMonitor": "metrics-1 metrics-2 metrics-3 metrics-4 metrics-5",
	} {
		if got := strings.Join(found[kind], " "); got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
	}
}
