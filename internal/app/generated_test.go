package app

import (
	"bytes"
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/file"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/truecount/truecount/demo"
	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/test/await"
)

var update = flag.Bool("update", false, "write the golden files")

// applicationsOf reads an application file of testdata, or the demos' own.
func applicationsOf(t *testing.T, name string) (apps []*application.Application) {
	t.Helper()
	if name == "demos" {
		for _, file := range demo.Files() {
			parsed, err := application.Parse(file.Name, file.Content)
			if err != nil {
				t.Fatal(err)
			}
			apps = append(apps, parsed.Applications...)
		}
	} else {
		parsed, err := application.Load(filepath.Join("testdata", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		apps = parsed.Applications
	}
	for _, a := range apps {
		if len(a.Spec.Command) > 0 {
			a.Spec.Command = []string{os.Args[0]} // it is not started here, but it must be there
		}
	}
	return apps
}

// generate makes an App, which writes its files, and has each service write the targets of two replicas.
func generate(t *testing.T, name string) (a *App, dir string) {
	t.Helper()
	dir = t.TempDir()
	a, err := New(Options{Listen: "127.0.0.1:0", DataDir: dir, AnyApplicationPort: true, Applications: applicationsOf(t, name)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	for _, s := range a.services {
		if err := s.writeTargets([]string{s.id().Name + "-0", s.id().Name + "-1"}); err != nil {
			t.Fatal(err)
		}
	}
	return a, dir
}

func TestTheGeneratedFilesAreAsTheyWere(t *testing.T) {
	for _, name := range []string{"demos", "endpoints"} {
		t.Run(name, func(t *testing.T) {
			a, dir := generate(t, name)
			for _, path := range generatedFiles(t, dir) {
				got, err := os.ReadFile(filepath.Join(dir, path))
				if err != nil {
					t.Fatal(err)
				}
				got = bytes.ReplaceAll(got, []byte(a.listener.Addr().String()), []byte("127.0.0.1:9090"))
				golden := filepath.Join("testdata", name, path)
				if *update {
					if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(golden, got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatalf("%v; write it with: go test ./internal/app -update", err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s is not as in %s:\n%s", path, golden, got)
				}
			}
			for _, path := range generatedFiles(t, filepath.Join("testdata", name)) {
				if _, err := os.Stat(filepath.Join(dir, path)); err != nil {
					t.Errorf("no longer written: %v", err)
				}
			}
		})
	}
}

func generatedFiles(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	for _, pattern := range []string{"prometheus.yml", "rules/*.yml", "targets/*.json"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			relative, err := filepath.Rel(dir, path)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, relative)
		}
	}
	return paths
}

// TestPrometheusAcceptsTheGeneratedFiles reads the golden files, which are all that a person would take elsewhere, with
// Prometheus' own readers; what a file names is found from the folder of the configuration.
func TestPrometheusAcceptsTheGeneratedFiles(t *testing.T) {
	for _, name := range []string{"demos", "endpoints"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("testdata", name)
			cfg, err := config.LoadFile(filepath.Join(dir, "prometheus.yml"), false, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			for _, rules := range cfg.RuleFiles {
				if _, errs := rulefmt.ParseFile(rules, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler)); len(errs) > 0 {
					t.Errorf("%s: %v", rules, errs)
				}
			}
			jobs, err := cfg.GetScrapeConfigs()
			if err != nil {
				t.Fatal(err)
			}
			for _, job := range jobs {
				for _, discovery := range job.ServiceDiscoveryConfigs {
					if files, ok := discovery.(*file.SDConfig); ok {
						readTargets(t, files.Files)
					}
				}
			}
		})
	}
}

func readTargets(t *testing.T, files []string) {
	t.Helper()
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
			continue
		}
		var groups []*targetgroup.Group
		if err := json.Unmarshal(body, &groups); err != nil || len(groups) == 0 {
			t.Errorf("%s: %d groups, %v", name, len(groups), err)
		}
	}
}

func TestAProgramWithOneEndpointIsOneReplica(t *testing.T) {
	var log strings.Builder
	a, err := New(Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Applications: applicationsOf(t, "endpoints"),
		Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	shop := a.services[0]
	if got := shop.workers.Snapshot().Desired; got != 1 || shop.scaler != nil {
		t.Errorf("%d replicas are counted as often through one endpoint; autoscaler %v", got, shop.scaler)
	}
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "application=shops/shop max=5") {
		t.Errorf("nobody is told: %s", log.String())
	}
}

func TestAReplicaIsScrapedWithTheLabelsOfAPod(t *testing.T) {
	r := launch(t, Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), AnyApplicationPort: true,
		Applications: []*application.Application{button(t, "clicks", freePort(t))}})
	r.eventuallyValue(`up{job="clicks", namespace="default", service="clicks", pod="clicks-0", instance="clicks-0"}`, "1")
	await.True(t, "no target is down", func() bool { // a scrape that comes late is one that failed
		return !strings.Contains(r.get("/api/v1/targets"), `"health":"down"`)
	})
}
