package server

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/hint"
)

var update = flag.Bool("update", false, "rewrite the expected messages of testdata/bad")

// Every testdata/bad/NAME.yml is a mistake and NAME.want the two lines that an operator sees.
func TestMistakesInConfigurationFilesAreExplained(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yml")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	goType := regexp.MustCompile(`config\.|rulefmt\.|\*[a-z]+\.[A-Z]|struct \{|yaml:|!!|goroutine`)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yml"), func(t *testing.T) {
			err := CheckConfig(file)
			if err == nil {
				t.Fatal("accepted")
			}
			var out bytes.Buffer
			hint.Print(&out, "truecount", err)
			if m := goType.FindString(out.String()); m != "" {
				t.Errorf("%q is the program's language, not the operator's", m)
			}
			expected := strings.TrimSuffix(file, ".yml") + ".want"
			if *update {
				if err := os.WriteFile(expected, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(expected)
			if err != nil {
				t.Fatal(err)
			}
			if out.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", out.String(), want)
			}
		})
	}
}

func TestMissingAndUnreadableConfigurationFiles(t *testing.T) {
	for file, want := range map[string]string{
		"testdata/none.yml": "testdata/none.yml: no such configuration file",
		"testdata":          "testdata: configuration file cannot be read: is a directory",
		"":                  ": no such configuration file",
	} {
		if err := CheckConfig(file); err == nil || err.Error() != want || hint.Of(err) == "" {
			t.Errorf("%q: %v, hint %q", file, err, hint.Of(err))
		}
	}
	if _, err := New(Options{DataDir: t.TempDir()}); err == nil || hint.Of(err) == "" {
		t.Error("no file at all:", err)
	}
}

func TestEmptyAndGoodFilesAreAccepted(t *testing.T) {
	if err := CheckConfig(write(t, filepath.Join(t.TempDir(), "empty.yml"), "")); err != nil {
		t.Error(err)
	}
	good, err := filepath.Glob("testdata/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range good {
		if file == filepath.Join("testdata", "rules_clicks.yml") {
			continue
		}
		if err := CheckConfig(file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestExternalURLs(t *testing.T) {
	for in, want := range map[string]string{
		"http://localhost:9090/":   "http://localhost:9090",
		"https://host/prometheus/": "https://host/prometheus",
		"https://host/a/b":         "https://host/a/b",
	} {
		if u, err := parseExternalURL(in); err != nil || u.String() != want {
			t.Errorf("%s = %v, %v", in, u, err)
		}
	}
	for _, bad := range []string{"localhost:9090", "/path", "http://", "http://a b", ":"} {
		if u, err := parseExternalURL(bad); err == nil || hint.Of(err) == "" {
			t.Errorf("%s = %v, %v", bad, u, err)
		}
	}
}

func FuzzConfigErrorsAreInOperatorsWords(f *testing.F) {
	files, _ := filepath.Glob("testdata/bad/*.yml")
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 10<<10 || bytes.Contains(content, []byte("_files")) {
			return // files of the machine are not to be read
		}
		file := filepath.Join(dir, "fuzz.yml")
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := CheckConfig(file); err != nil && (!strings.HasPrefix(err.Error(), file+":") || hint.Of(err) == "") {
			t.Errorf("%v (hint %q)", err, hint.Of(err))
		}
	})
}
