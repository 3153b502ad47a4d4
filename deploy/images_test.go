package deploy_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// built are the images of this folder: a folder each, with what is built of which package.
var built = []struct{ folder, program, pkg string }{
	{"clicks", "clicks", "./demo/clicks/cmd/clicks"},
	{"dogwalk", "dogwalk", "./demo/dogwalk/cmd/dogwalk"},
	{"latency", "latency", "./demo/latency/cmd/latency"},
	{"servicewindow", "servicewindow", "./demo/servicewindow/cmd/servicewindow"},
	{"sidecar", "truecount-sidecar", "./cmd/truecount-sidecar"},
	{"adapter", "truecount-adapter", "./cmd/truecount-adapter"},
}

// image is what a Dockerfile says, instruction by instruction.
type image struct {
	app          string
	instructions [][2]string // name and the rest
	env          map[string]string
}

func dockerfile(t *testing.T, app string) image {
	t.Helper()
	d := image{app: app, env: map[string]string{}}
	text := strings.ReplaceAll(string(read(t, app+"/Dockerfile")), "\\\n", "")
	for _, line := range strings.Split(text, "\n") {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		d.instructions = append(d.instructions, [2]string{name, strings.TrimSpace(rest)})
		if name == "ENV" {
			for _, pair := range strings.Fields(rest) {
				key, value, _ := strings.Cut(pair, "=")
				d.env[key] = value
			}
		}
	}
	return d
}

func (d image) number(t *testing.T, name string) int {
	t.Helper()
	n, err := strconv.Atoi(d.env[name])
	if err != nil {
		t.Fatalf("%s/Dockerfile: %s=%q is no number", d.app, name, d.env[name])
	}
	return n
}

func (d image) last(name string) string {
	for i := len(d.instructions) - 1; i >= 0; i-- {
		if d.instructions[i][0] == name {
			return d.instructions[i][1]
		}
	}
	return ""
}

func TestTheImagesAreSmallPinnedAndNotRoot(t *testing.T) {
	pinned := regexp.MustCompile(`^(scratch|golang:[0-9]+\.[0-9]+\.[0-9]+-\w+ AS build)$`)
	for _, b := range built {
		app, d := b.folder, dockerfile(t, b.folder)
		for _, i := range d.instructions {
			if i[0] == "FROM" && !pinned.MatchString(i[1]) {
				t.Errorf("%s: FROM %s is not pinned", app, i[1])
			}
			if i[0] == "ADD" || i[0] == "ARG" {
				t.Errorf("%s: %s is not expected", app, i[0])
			}
		}
		if d.last("FROM") != "scratch" || d.last("USER") != "65532:65532" {
			t.Errorf("%s: from %s as %s", app, d.last("FROM"), d.last("USER"))
		}
		if entry := d.last("ENTRYPOINT"); entry != `["/usr/local/bin/`+b.program+`"]` {
			t.Errorf("%s: starts %s", app, entry)
		}
	}
}

func TestTheDemosImagesListenOnTheirPorts(t *testing.T) {
	for _, app := range demos {
		d := dockerfile(t, app)
		if port := demo(t, app).Spec.Port; d.number(t, "PORT") != port {
			t.Errorf("%s: listens on %s, its port is %d", app, d.env["PORT"], port)
		}
	}
}

// TestTheBuildStageHasAllItNeeds copies what the Dockerfile copies and lists what the build needs: a file or package that is
// not copied fails, with what embeds or imports it.
func TestTheBuildStageHasAllItNeeds(t *testing.T) {
	build := regexp.MustCompile(`go build .* -o /out/(\S+) (\./\S+)`)
	for _, b := range built {
		app, d, src := b.folder, dockerfile(t, b.folder), t.TempDir()
		var program, pkg string
		for _, i := range d.instructions {
			switch {
			case i[0] == "COPY" && !strings.HasPrefix(i[1], "--from"):
				fields := strings.Fields(i[1])
				for _, from := range fields[:len(fields)-1] {
					copyTree(t, filepath.Join("..", from), filepath.Join(src, from))
				}
			case i[0] == "RUN" && build.MatchString(i[1]):
				found := build.FindStringSubmatch(i[1])
				program, pkg = found[1], found[2]
			}
		}
		if pkg != b.pkg || program != b.program {
			t.Fatalf("%s: builds %q of %q", app, program, pkg)
		}
		list := exec.CommandContext(t.Context(), "go", "list", "-deps", pkg)
		list.Dir, list.Env = src, append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
		if out, err := list.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", app, err, out)
		}
	}
}

// copyTree copies a file or folder without what Dockerfile.dockerignore leaves out.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case entry.IsDir() && entry.Name() == "testdata":
			return fs.SkipDir
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case strings.HasSuffix(path, "_test.go"):
			return nil
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// compose is what these files use of the Compose specification.
type compose struct {
	Name     string `json:"name"`
	Services map[string]struct {
		Build *struct {
			Context    string `json:"context"`
			Dockerfile string `json:"dockerfile"`
		} `json:"build,omitempty"`
		Image           string            `json:"image"`
		Command         []string          `json:"command,omitempty"`
		Tmpfs           []string          `json:"tmpfs,omitempty"`
		Ports           []string          `json:"ports,omitempty"`
		Environment     map[string]string `json:"environment,omitempty"`
		Volumes         []string          `json:"volumes,omitempty"`
		ReadOnly        bool              `json:"read_only,omitempty"`
		CapDrop         []string          `json:"cap_drop,omitempty"`
		SecurityOpt     []string          `json:"security_opt,omitempty"`
		StopGracePeriod string            `json:"stop_grace_period,omitempty"`
		Restart         string            `json:"restart,omitempty"`
		DependsOn       map[string]struct {
			Condition string `json:"condition"`
		} `json:"depends_on,omitempty"`
		Healthcheck *struct {
			Test     []string `json:"test"`
			Interval string   `json:"interval"`
			Timeout  string   `json:"timeout"`
			Retries  int      `json:"retries"`
		} `json:"healthcheck,omitempty"`
	} `json:"services"`
	Volumes map[string]any `json:"volumes"`
}

func TestComposeNamesFilesAndVolumesThatExist(t *testing.T) {
	for _, app := range demos {
		composeIsWhole(t, app, app, app+"/docker-compose.yml")
	}
	for app, folder := range pythonExamples {
		composeIsWhole(t, app, folder, folder+"/compose.yaml")
	}
}

func composeIsWhole(t *testing.T, app, folder, path string) {
	t.Helper()
	var c compose
	if err := yaml.UnmarshalStrict(read(t, path), &c); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for name, s := range c.Services {
		if s.Build != nil {
			file := s.Build.Dockerfile
			if file == "" {
				file = "Dockerfile"
			}
			if _, err := os.Stat(filepath.Join(folder, s.Build.Context, file)); err != nil {
				t.Errorf("%s: %s: %v", path, name, err)
			}
		}
		if !regexp.MustCompile(`:v?[0-9.]+(-\w+)?$`).MatchString(s.Image) {
			t.Errorf("%s: %s: the image %s is not pinned", path, name, s.Image)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s: %s: port %s is open to the network", path, name, p)
			}
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if strings.HasPrefix(source, ".") {
				if _, err := os.Stat(filepath.Join(folder, source)); err != nil {
					t.Errorf("%s: %s: %v", path, name, err)
				}
			} else if _, ok := c.Volumes[source]; !ok {
				t.Errorf("%s: %s: no volume %s", path, name, source)
			}
		}
		for key, value := range s.Environment {
			if strings.Contains(key, "PASSWORD") && !strings.HasPrefix(value, "${DB_PASSWORD:?") {
				t.Errorf("%s: %s: %s is written down", path, name, key)
			}
		}
		for other := range s.DependsOn {
			if _, ok := c.Services[other]; !ok {
				t.Errorf("%s: %s depends on %s, which is not there", path, name, other)
			}
		}
	}
	if _, ok := c.Services[app]; !ok || c.Services["prometheus"].Image == "" {
		t.Errorf("%s: services %v", path, c.Services)
	}
}
