package application_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/truecount/truecount/internal/application"
)

func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*.yaml"))
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := application.Parse("fuzz.yaml", data)
		if err != nil {
			var mistakes application.Errors
			if !errors.As(err, &mistakes) || len(mistakes) == 0 {
				t.Fatalf("an error that is no mistake of the file: %v", err)
			}
			checkMistakes(t, mistakes)
			return
		}
		for _, a := range file.Applications {
			a.HPASpec()
			a.StripMetric()
			a.RuleGroup()
		}
		encoded := encode(t, file)
		again, err := application.Parse("again.yaml", []byte(encoded))
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%s", err, encoded)
		}
		if diff := cmp.Diff(encoded, encode(t, again)); diff != "" {
			t.Errorf("read, written, read and written differs:\n%s", diff)
		}
	})
}
