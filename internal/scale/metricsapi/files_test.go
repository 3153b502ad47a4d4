package metricsapi

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/truecount/truecount/test/await"
)

// mount writes a folder as the kubelet has a ConfigMap: files are links into ..data, which is a link to a folder that changes.
func mount(t *testing.T, dir, version, text string) {
	t.Helper()
	folder := filepath.Join(dir, ".."+version)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "config.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(".."+version, filepath.Join(dir, "..data_tmp")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "config.yaml")); err != nil {
		if err := os.Symlink("..data/config.yaml", filepath.Join(dir, "config.yaml")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheUpdateOfAMountedConfigMapIsSeen(t *testing.T) {
	dir := t.TempDir()
	mount(t, dir, "1", "first")
	path := filepath.Join(dir, "config.yaml")
	var seen atomic.Pointer[string]
	read := func() {
		files := readFiles([]string{path})
		text := string(files[0].data)
		seen.Store(&text)
	}
	read()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); watchFiles(ctx, []string{path}, discard(), read) }()
	mount(t, dir, "2", "second")
	// A change before the watch began is seen a minute later; for the test there is another one, in a folder of its own as always.
	tries := 0
	await.True(t, "a later version is read", func() bool {
		if tries++; tries%200 == 0 {
			mount(t, dir, strconv.Itoa(tries), "second")
		}
		return *seen.Load() == "second"
	})
	cancel()
	<-ended
}

func TestOfAFolderTheRulesAreReadAndHiddenFilesAreNot(t *testing.T) {
	dir := t.TempDir()
	mount(t, dir, "1", "text")
	for _, name := range []string{"b.yml", "a.json", "notes.txt", ".hidden.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, f := range readFiles([]string{dir, filepath.Join(dir, "missing")}) {
		got = append(got, filepath.Base(f.path))
		if (f.err != nil) != (filepath.Base(f.path) == "missing") {
			t.Errorf("%s: %v", f.path, f.err)
		}
	}
	want := []string{"a.json", "b.yml", "config.yaml", "missing"}
	if len(got) != len(want) {
		t.Fatalf("read %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("read %v, want %v", got, want)
		}
	}
}
