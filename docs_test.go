package truecount_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var markdownLink = regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)

func TestLinksInTheDocumentationLeadSomewhere(t *testing.T) {
	links := 0
	for _, file := range markdownFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range markdownLink.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), match[1])); err != nil {
				t.Errorf("%s links to %s, which does not exist", file, match[1])
			}
		}
	}
	if links == 0 {
		t.Error("no links were found: the test looks in the wrong place")
	}
}

// codeSpan is `a/path` in documentation, where the first part is one of our folders.
var codeSpan = regexp.MustCompile("`((?:demo|deploy|docs|internal|instrument|cmd|test|bench|scripts|examples)/[A-Za-z0-9_./-]*)`")

func TestPathsInTheDocumentationExist(t *testing.T) {
	for _, file := range markdownFiles(t) {
		if filepath.Base(file) == "CHANGELOG.md" {
			continue // tells of the past
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range codeSpan.FindAllStringSubmatch(string(text), -1) {
			fromRoot, fromFile := match[1], filepath.Join(filepath.Dir(file), match[1])
			if _, err := os.Stat(fromRoot); err == nil {
				continue
			}
			if _, err := os.Stat(fromFile); err != nil {
				t.Errorf("%s names %s, which does not exist", file, match[1])
			}
		}
	}
}

func TestTheREADMEHasTheTwoCommands(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"\n    go run ./cmd/truecount up\n", "\n    go test work\n"} {
		if !strings.Contains(string(text), command) {
			t.Errorf("the README has no line %q", command)
		}
	}
}

func markdownFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && file != "." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "data") {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".md") {
			files = append(files, file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
