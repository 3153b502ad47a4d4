package application_test

import (
	"path/filepath"
	"testing"

	"github.com/truecount/truecount/internal/application"
)

// The demos' own files are what a user reads first, and the examples of the format.
var demoFiles = []string{"clicks/truecount.yaml", "dogwalk/truecount.yaml", "local.yaml"}

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
	if len(apps) != 2 || !apps[0].Scales() || apps[0].StripMetric() != "demo_app_button_clicks_total" || apps[1].StripMetric() != "walks_started_total" {
		t.Errorf("the demos are not what the first page shows: %+v", apps)
	}
}
