package app

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/application"
)

// withPythonDir is an application whose workers write to a directory, in as many replicas.
func withPythonDir(t *testing.T, dir string, replicas int) *application.Application {
	t.Helper()
	return parse(t, `apiVersion: truecount/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  command: [PROGRAM]
  workers: {count: 2, metrics: {pythonDir: `+strconv.Quote(dir)+`}}
  scale: {min: `+strconv.Itoa(replicas)+`, max: `+strconv.Itoa(replicas)+`}
`)[0]
}

func TestTwoProgramsDoNotShareADirectoryOfCounts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "counts")
	options := func() Options {
		return Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Applications: []*application.Application{withPythonDir(t, dir, 1)}}
	}
	one, err := New(options())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(options()); err == nil || !strings.Contains(err.Error(), "truecount.yaml:6:") ||
		!strings.Contains(err.Error(), "used by another application\nhint: give each") {
		t.Errorf("a second one is made: %v", err)
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	two, err := New(options())
	if err != nil {
		t.Fatalf("the first one has been closed, and still: %v", err)
	}
	if err := two.Close(); err != nil {
		t.Error(err)
	}
}

func TestReplicasHaveDirectoriesOfTheirOwnUnlessThereIsOne(t *testing.T) {
	for replicas, want := range map[int]string{1: "counts", 3: "counts/shop-0"} {
		root := t.TempDir()
		a, err := New(Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(),
			Applications: []*application.Application{withPythonDir(t, filepath.Join(root, "counts"), replicas)}})
		if err != nil {
			t.Fatal(err)
		}
		if got := a.services[0].python.of("shop-0"); got != filepath.Join(root, want) {
			t.Errorf("of %d replicas the first one has %s", replicas, got)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTheDirectoryOfAProgramThatRunsElsewhereIsLeftAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "counts")
	elsewhere := withPythonDir(t, dir, 1)
	elsewhere.Spec.Command = nil
	a, err := New(Options{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Applications: []*application.Application{elsewhere}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := os.Stat(dir); err == nil {
		t.Error("it was made")
	}
}
