package migrate_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/truecount/truecount/internal/scale/hpamanifest"
	"github.com/truecount/truecount/internal/scale/metricrule"
	"github.com/truecount/truecount/internal/scale/migrate"
)

var update = flag.Bool("update", false, "write the golden files")

func file(t *testing.T, path string) migrate.File {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return migrate.File{Name: filepath.Base(path), Data: data}
}

func plan(t *testing.T, paths ...string) *migrate.Plan {
	t.Helper()
	var files []migrate.File
	for _, p := range paths {
		files = append(files, file(t, p))
	}
	p, err := migrate.Read(metricrule.Options{}, files...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func report(t *testing.T, p *migrate.Plan, found map[metricrule.Discovery]*metricrule.Found) *migrate.Report {
	t.Helper()
	r, err := p.Report(metricrule.KnownResources(), found)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update writes it):\n%s", path, diff)
	}
}

func text(t *testing.T, r *migrate.Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Text(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAConfigMapIsReportedWithThePlacesInItsOwnFile(t *testing.T) {
	r := report(t, plan(t, "testdata/configmap.yaml", "testdata/autoscaler.yaml"), nil)
	golden(t, "configmap.txt", text(t, r))
	encoded, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "configmap.json", string(encoded)+"\n")
	again, err := hpamanifest.Read("again.yaml", []byte(r.Manifests()))
	if err != nil || len(again) != 1 || again[0].Version != "autoscaling/v2" {
		t.Errorf("the manifest that was written: %v, %v", again, err)
	}
}

func TestTheTutorialsFilesAreServedAsTheyAre(t *testing.T) {
	r := report(t, plan(t, "../../../deploy/clicks/helm-values/prometheus-adapter.yaml", "../../../deploy/clicks/kubernetes/hpa.yaml"), nil)
	golden(t, "tutorial.txt", text(t, r))
	if len(r.Autoscalers) != 1 || len(r.Autoscalers[0].Metrics) != 1 || r.Autoscalers[0].Metrics[0].State != "served" {
		t.Errorf("the autoscaler: %+v", r.Autoscalers)
	}
}

func TestWithASeriesOfAServerTheMetricsAreThoseThatAreThere(t *testing.T) {
	p, err := migrate.Read(metricrule.Options{}, migrate.File{Name: "values.yaml", Data: []byte("rules: {default: true}\n")})
	if err != nil {
		t.Fatal(err)
	}
	found := map[metricrule.Discovery]*metricrule.Found{}
	for _, d := range p.Rules.Discoveries() {
		found[d] = &metricrule.Found{}
		if strings.Contains(d.Matcher, "!~") {
			found[d].Add(labels.FromStrings("__name__", "http_requests_total", "namespace", "shop", "pod", "web-0"))
		}
	}
	r := report(t, p, found)
	made := 0
	for _, rule := range r.Rules {
		for _, m := range rule.Metrics {
			made++
			if m.Name != "http_requests" || m.Error != "" {
				t.Errorf("got %+v", m)
			}
		}
	}
	if made != 2 || len(r.Differences) > 0 {
		t.Errorf("%d metrics, want those of the namespace and of the pods; %+v", made, r.Differences)
	}
}

func TestFilesOfOtherKindsAreRefused(t *testing.T) {
	_, err := migrate.Read(metricrule.Options{}, migrate.File{Name: "deployment.yaml", Data: []byte("apiVersion: apps/v1\nkind: Deployment\n")})
	if err == nil || err.Error() != "deployment.yaml: neither an adapter configuration nor a HorizontalPodAutoscaler is in it" {
		t.Errorf("got %v", err)
	}
	_, err = migrate.Read(metricrule.Options{}, migrate.File{Name: "hpa.yaml", Data: []byte("apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n")})
	if err == nil || !strings.HasPrefix(err.Error(), "hpa.yaml:1:1: metadata: is missing") {
		t.Errorf("got %v", err)
	}
	p, err := migrate.Read(metricrule.Options{}, migrate.File{Name: "broken.yaml", Data: []byte("rules: [")})
	if err != nil {
		t.Fatal(err)
	}
	if r := report(t, p, nil); len(r.Differences) != 1 || r.Differences[0].ID != "refused" || r.Differences[0].Where != "broken.yaml:1:9" {
		t.Errorf("got %+v", r.Differences)
	}
}

// TestEveryDifferenceIsExplained holds the ids against the reference.
func TestEveryDifferenceIsExplained(t *testing.T) {
	reference, err := os.ReadFile("../../../docs/reference/adapter-rules.md")
	if err != nil {
		t.Fatal(err)
	}
	r := report(t, plan(t, "testdata/configmap.yaml"), nil)
	for _, d := range append(r.General, r.Differences...) {
		if !strings.Contains(string(reference), "`"+d.ID+"`") {
			t.Errorf("docs/reference/adapter-rules.md does not explain %s", d.ID)
		}
	}
}
