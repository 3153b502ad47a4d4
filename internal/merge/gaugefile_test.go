package merge_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge"
)

func TestAFileOfGaugeModesIsReadAsYAMLWouldBe(t *testing.T) {
	const text = "\ufeff# what each worker sees alike\nqueue_length: max\r\n\n\"*_ratio\": min   # of the worst\n'cache_*': mostrecent\nlevel:cpu: 'all'\nflöße: \"sum\"\n   # the end\n"
	want := map[string]merge.GaugeMode{
		"queue_length": merge.GaugeMax, "*_ratio": merge.GaugeMin, "cache_*": merge.GaugeMostRecent, "level:cpu": merge.GaugeAll, "flöße": merge.GaugeSum,
	}
	got, err := merge.ParseGauges("gauges.yml", text)
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("read %v, %v", got, err)
	}
	asYAML := map[string]merge.GaugeMode{}
	if err := yaml.Unmarshal([]byte(text), &asYAML); err != nil || !maps.Equal(asYAML, want) {
		t.Errorf("YAML is %v, %v", asYAML, err)
	}
	if got, err := merge.ParseGauges("gauges.yml", ""); err != nil || len(got) != 0 {
		t.Errorf("an empty file is %v, %v", got, err)
	}
}

func TestMistakesInAFileOfGaugeModesAreSaidWithTheirPlace(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"a: max\nb: avg\n", `g.yml:2:4: b: unknown mode "avg"`},
		{"\"b\":   average # of all\n", `g.yml:1:8: b: unknown mode "average"`},
		{"# none\na max\n", "g.yml:2:1: there is no name, a colon, a space and a mode"},
		{"a:max\n", "g.yml:1:1: there is no name, a colon, a space and a mode"},
		{"a:\n", "g.yml:1:1: there is no mode"},
		{"a: # later\n", "g.yml:1:1: there is no mode"},
		{"\"a: max\n", "g.yml:1:1: the quotation mark is not closed"},
		{"'a' max\n", "g.yml:1:1: there is no colon after the name"},
		{"gauges:\n", "g.yml:1:1: there is no mode"},
		{"a: max\n  b: min\n", "g.yml:2:1: the line is indented"},
		{"a: max\nb: min\na: min\n", "g.yml:3:1: a has a mode already, in line 1"},
		{"*: max\n", `g.yml:1:1: "*" is no name of a gauge`},
		{"*a*: max\n", `g.yml:1:1: "*a*" is no name of a gauge`},
		{"a*b: max\n", `g.yml:1:1: "a*b" is no name of a gauge`},
		{"- a: max\n", `g.yml:1:1: "- a" is no name of a gauge`},
		{"{a: max}\n", `g.yml:1:5: {a: unknown mode "max}"`},
		{": max\n", `g.yml:1:1: "" is no name of a gauge`},
		{"a: max min\n", `g.yml:1:4: a: unknown mode "max min"`},
	} {
		got, err := merge.ParseGauges("g.yml", tt.text)
		if err == nil || err.Error() != tt.want || hint.Of(err) == "" {
			t.Errorf("%q is read as %v, %v (hint %q), want %s", tt.text, got, err, hint.Of(err), tt.want)
		}
	}
}

func TestAFileOfGaugeModesThatCannotBeReadIsRefused(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, []byte(strings.Repeat("#", 2<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(dir, "good")
	if err := os.WriteFile(good, []byte("a: min\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := merge.LoadGauges(good); err != nil || got["a"] != merge.GaugeMin {
		t.Errorf("read %v, %v", got, err)
	}
	for path, want := range map[string]string{filepath.Join(dir, "none"): "no such file", dir: "is no file", large: "is longer than 1048576 bytes"} {
		if _, err := merge.LoadGauges(path); err == nil || !strings.Contains(err.Error(), want) || hint.Of(err) == "" {
			t.Errorf("%s: %v, want %s and a hint", path, err, want)
		}
	}
}

// FuzzGaugesFile: whatever is in the file, it is a table that a merge takes, or an error with a place.
func FuzzGaugesFile(f *testing.F) {
	f.Add("a: max\n\"*_b\": min # c\n")
	f.Add("'a: b': all")
	f.Add("a:b: c: sum")
	f.Fuzz(func(t *testing.T, text string) {
		gauges, err := merge.ParseGauges("g", text)
		if err != nil {
			var line, column int
			if n, scanned := fmt.Sscanf(err.Error(), "g:%d:%d:", &line, &column); n != 2 || line < 1 || column < 1 || hint.Of(err) == "" {
				t.Errorf("%q: %v (%v)", text, err, scanned)
			}
			return
		}
		if err := merge.CheckGauges(gauges); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}
