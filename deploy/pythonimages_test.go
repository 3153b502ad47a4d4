package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"sigs.k8s.io/yaml"

	"github.com/truecount/truecount/internal/application"
)

// pythonExamples are the folders of the applications in Python, by the name of their service in compose.yaml.
var pythonExamples = map[string]string{"dogwalk": "../examples/python/django", "clicks": "../examples/python/flask"}

func python(t *testing.T, folder string) *application.Application {
	t.Helper()
	f, err := application.Load(filepath.Join(folder, "truecount.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return f.Applications[0]
}

func TestPythonsImagesArePinnedNotRootAndHaveAllTheyNeed(t *testing.T) {
	for _, folder := range pythonExamples {
		d, a := dockerfile(t, folder), python(t, folder)
		for _, i := range d.instructions {
			if i[0] == "FROM" && !regexp.MustCompile(`^python:3\.\d+\.\d+-slim-bookworm( AS build)?$`).MatchString(i[1]) {
				t.Errorf("%s: FROM %s is not pinned", folder, i[1])
			}
			if i[0] == "ADD" || i[0] == "ARG" {
				t.Errorf("%s: %s is not expected", folder, i[0])
			}
		}
		if d.last("USER") != "65532:65532" {
			t.Errorf("%s: runs as %s", folder, d.last("USER"))
		}
		if want := `["` + strings.Join(a.Spec.Command, `", "`) + `"]`; d.last("CMD") != want {
			t.Errorf("%s: starts %s, and truecount.yaml %s", folder, d.last("CMD"), want)
		}
		if d.number(t, "PORT") != a.Spec.Port || d.number(t, "WEB_CONCURRENCY") != a.Spec.Workers.Count {
			t.Errorf("%s: port %s and %s workers, and truecount.yaml says %d and %d", folder, d.env["PORT"], d.env["WEB_CONCURRENCY"], a.Spec.Port, a.Spec.Workers.Count)
		}
		if a.Spec.Workers.Manager != application.ManagerProgram || a.Spec.Workers.Metrics.PythonDir == "" {
			t.Errorf("%s: truecount.yaml has workers %+v", folder, a.Spec.Workers)
		}
		dir := d.env["PROMETHEUS_MULTIPROC_DIR"]
		if !slices.ContainsFunc(d.instructions, func(i [2]string) bool {
			return i[0] == "RUN" && strings.HasSuffix(i[1], "install -d -o 65532 -g 65532 -m 0700 "+dir)
		}) {
			t.Errorf("%s: nobody may write to %q", folder, dir)
		}
		ignoresNothingThatRuns(t, folder)
		requirementsArePinned(t, folder)
	}
}

// ignoresNothingThatRuns holds .dockerignore, which lists what is let through, against the modules of the folder.
func ignoresNothingThatRuns(t *testing.T, folder string) {
	t.Helper()
	list := strings.Split(string(read(t, folder+"/.dockerignore")), "\n")
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		runs := entry.IsDir() && name != "metrics" && name != "__pycache__" || filepath.Ext(name) == ".py" && !strings.HasPrefix(name, "test_") || name == "requirements.txt"
		if runs && !slices.Contains(list, "!"+name) {
			t.Errorf("%s/.dockerignore keeps %s from the builder", folder, name)
		}
	}
	for _, line := range list {
		if name, lets := strings.CutPrefix(line, "!"); lets {
			if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
				t.Errorf("%s/.dockerignore: %v", folder, err)
			}
		}
	}
}

func requirementsArePinned(t *testing.T, folder string) {
	t.Helper()
	pinned := regexp.MustCompile(`^[A-Za-z0-9-]+(==[0-9.]+|>=[0-9.]+,<[0-9.]+)$`)
	packages := 0
	for line := range strings.Lines(string(read(t, folder+"/requirements.txt"))) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if packages++; !pinned.MatchString(line) {
			t.Errorf("%s: %s is not pinned", folder, line)
		}
	}
	if packages < 3 {
		t.Errorf("%s: %d packages", folder, packages)
	}
}

// TestPythonsWorkersAndSidecarShareADirectory: one writes it, the other may only read it, both as the same user, and it is in memory
// and bounded.
func TestPythonsWorkersAndSidecarShareADirectory(t *testing.T) {
	sidecarImage := dockerfile(t, "sidecar")
	for name, folder := range pythonExamples {
		c := pythonCompose(t, folder)
		app, sidecar, d := c.Services[name], c.Services["sidecar"], dockerfile(t, folder)
		dir := d.env["PROMETHEUS_MULTIPROC_DIR"]
		if !slices.Contains(app.Volumes, "metrics:"+dir) || !slices.Contains(sidecar.Volumes, "metrics:"+dir+":ro") {
			t.Errorf("%s: the application mounts %v, the sidecar %v", folder, app.Volumes, sidecar.Volumes)
		}
		if diff := cmp.Diff([]string{"--python-dir", dir, "--listen", "0.0.0.0:9300"}, sidecar.Command); diff != "" {
			t.Errorf("%s: the sidecar:\n%s", folder, diff)
		}
		options := asJSON(t, c.Volumes["metrics"])
		uid, gid, _ := strings.Cut(d.last("USER"), ":")
		if want := asJSON(t, map[string]any{"driver_opts": map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "size=64m,uid=" + uid + ",gid=" + gid + ",mode=0700"}}); options != want {
			t.Errorf("%s: the volume is %s, want %s", folder, options, want)
		}
		if sidecarImage.last("USER") != d.last("USER") {
			t.Errorf("%s: users %s and %s", folder, d.last("USER"), sidecarImage.last("USER"))
		}
		for _, service := range []string{name, "sidecar"} {
			if s := c.Services[service]; !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) {
				t.Errorf("%s: %s is not confined: %+v", folder, service, s)
			}
		}

		scrapes := loadConfig(t, string(read(t, folder+"/prometheus.yml")))
		group := []*targetgroup.Group(scrapes[0].ServiceDiscoveryConfigs[0].(discovery.StaticConfig))[0]
		if len(group.Targets) != 1 || group.Targets[0][model.AddressLabel] != "sidecar:9300" || string(group.Labels["service"]) != c.Name ||
			c.Name != python(t, folder).Metadata.Name {
			t.Errorf("%s: Prometheus scrapes %v as %v", folder, group.Targets, group.Labels)
		}
	}
}

func pythonCompose(t *testing.T, folder string) compose {
	t.Helper()
	var c compose
	if err := yaml.UnmarshalStrict(read(t, folder+"/compose.yaml"), &c); err != nil {
		t.Fatalf("%s: %v", folder, err)
	}
	return c
}
