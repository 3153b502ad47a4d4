package application_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/truecount/truecount/internal/application"
)

// The demos' own files are what a user reads first, and the examples of the format.
var demoFiles = []string{"clicks/truecount.yaml", "dogwalk/truecount.yaml", "latency/truecount.yaml", "servicewindow/truecount.yaml", "local.yaml"}

func TestTheDemosFilesAreRead(t *testing.T) {
	var apps []*application.Application
	for _, name := range demoFiles {
		f, err := application.Load(filepath.Join("..", "..", "demo", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		apps = append(apps, f.Applications...)
		if (f.Local != nil) != (name == "local.yaml") {
			t.Errorf("%s: local is %v", name, f.Local)
		}
	}
	if err := application.CheckTogether(apps...); err != nil {
		t.Error(err)
	}
	var shown []string
	for _, a := range apps {
		shown = append(shown, a.Metadata.Name+" "+a.StripMetric())
	}
	want := []string{"clicks demo_app_button_clicks_total", "dogwalk walks_started_total", "latency http_requests_total", "servicewindow "}
	if !slices.Equal(shown, want) || !apps[0].Scales() {
		t.Errorf("the first page shows %q, want %q; clicks scales: %v", shown, want, apps[0].Scales())
	}
}
