package application_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/truecount/truecount/internal/application"
)

var update = flag.Bool("update", false, "write the golden files and docs/reference instead of comparing them")

// golden compares got with a file, or writes the file with -update.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (go test ./internal/application -update writes it anew):\n%s", path, diff)
	}
}

// testFiles returns the names, without the suffix, of the files in testdata that end in suffix.
func testFiles(t *testing.T, suffix string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "*"+suffix))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files end in %s: %v", suffix, err)
	}
	var names []string
	for _, p := range paths {
		names = append(names, strings.TrimSuffix(filepath.Base(p), suffix))
	}
	return names
}

// parseTestdata reads a file of testdata under its bare name, so that messages are the same on every machine.
func parseTestdata(t *testing.T, name string) (*application.File, error) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return application.Parse(name, data)
}

func TestEveryMistakeIsToldWithItsPlaceAndAHint(t *testing.T) {
	for _, name := range testFiles(t, ".bad.yaml") {
		t.Run(name, func(t *testing.T) {
			f, err := parseTestdata(t, name+".bad.yaml")
			var mistakes application.Errors
			if !errors.As(err, &mistakes) {
				t.Fatalf("got %v and error %v, want mistakes", f, err)
			}
			golden(t, filepath.Join("testdata", name+".bad.txt"), mistakes.Report())
			checkMistakes(t, mistakes)
			for _, e := range mistakes {
				for _, word := range []string{"application.", "reflect", "struct", "go-yaml", "yaml.", "int64", "goroutine"} {
					if strings.Contains(e.Message, word) {
						t.Errorf("a word from the program's inside: %v", e)
					}
				}
			}
		})
	}
}

// checkMistakes checks what is true of all mistakes: a place, one line, sorted.
func checkMistakes(t *testing.T, mistakes application.Errors) {
	t.Helper()
	for i, e := range mistakes {
		if e.Line < 1 || e.Column < 1 || e.File == "" {
			t.Errorf("no place: %v", e)
		}
		if strings.Contains(e.Error(), "\n") || strings.Contains(e.Hint, "\n") {
			t.Errorf("more than one line: %q, %q", e, e.Hint)
		}
		if i > 0 && (mistakes[i-1].Line > e.Line || mistakes[i-1].Line == e.Line && mistakes[i-1].Column > e.Column) {
			t.Errorf("not sorted: %v before %v", mistakes[i-1], e)
		}
	}
}

func TestGoodFilesAreReadWithTheirDefaults(t *testing.T) {
	for _, name := range testFiles(t, ".good.yaml") {
		t.Run(name, func(t *testing.T) {
			f, err := parseTestdata(t, name+".good.yaml")
			if err != nil {
				t.Fatal(err)
			}
			encoded := encode(t, f)
			golden(t, filepath.Join("testdata", name+".good.txt"), encoded)

			again, err := application.Parse("again.yaml", []byte(encoded))
			if err != nil {
				t.Fatalf("what was written is not read: %v", err)
			}
			if diff := cmp.Diff(encoded, encode(t, again)); diff != "" {
				t.Errorf("a file read, written, read and written differs:\n%s", diff)
			}
		})
	}
}

// encode writes a file with everything that reading it gave it.
func encode(t *testing.T, f *application.File) string {
	t.Helper()
	var out strings.Builder
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	for _, a := range f.Applications {
		if err := encoder.Encode(a); err != nil {
			t.Fatal(err)
		}
	}
	if f.Local != nil {
		local := map[string]any{"apiVersion": application.APIVersion, "kind": "Local", "spec": f.Local}
		if err := encoder.Encode(local); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func TestAMissingFileIsToldWithAHint(t *testing.T) {
	_, err := application.Load(filepath.Join(t.TempDir(), "truecount.yaml"))
	if err == nil || !strings.HasSuffix(err.Error(), "truecount.yaml: no such file") {
		t.Errorf("got %v", err)
	}
}

func TestAFolderIsNoFile(t *testing.T) {
	_, err := application.Load(t.TempDir())
	if err == nil || !strings.HasSuffix(err.Error(), ": is a directory") {
		t.Errorf("got %v", err)
	}
}

func TestAMistakeFoundLaterStillHasItsPlace(t *testing.T) {
	f, err := parseTestdata(t, "python.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	a := f.Applications[0]
	got := a.Errorf("spec.workers.metrics.pythonDir", "use sockets", "is not read yet").Error()
	if want := "python.good.yaml:7:62: spec.workers.metrics.pythonDir: is not read yet\nhint: use sockets"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := a.Where("spec.workers.publish"), "python.good.yaml:7:12"; got != want {
		t.Errorf("a field that was left out is at %q, want that of its parent, %q", got, want)
	}
}
