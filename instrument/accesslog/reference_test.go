package accesslog_test

import (
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/accesslog"
)

var fieldRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (string|number|bool|object)?")

// TestTheReferenceHasEveryFieldAndNoOther holds docs/reference/access-log.md against a line in which everything is
// allowed.
func TestTheReferenceHasEveryFieldAndNoOther(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "access-log.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, row := range fieldRow.FindAllStringSubmatch(string(page), -1) {
		documented[row[1]] = row[2]
	}
	everything := accesslog.Options{Fields: accesslog.Combined | accesslog.Path, Query: []string{"page"}, Headers: []string{"X-Request-Id"}, Every: 2,
		Level: func(instrument.Served) slog.Level { return slog.LevelInfo }}
	members, _ := line(t, everything, request(t), instrument.Served{Route: "/", Method: "GET", Status: 200, TraceID: "a", SpanID: "b", Panicked: true})
	if got, want := slices.Sorted(maps.Keys(members)), slices.Sorted(maps.Keys(documented)); !slices.Equal(got, want) {
		t.Errorf("a line has %q,\nthe page has %q", got, want)
	}
	for name, kind := range documented {
		var is string
		switch members[name].(type) {
		case string:
			is = "string"
		case float64:
			is = "number"
		case bool:
			is = "bool"
		case map[string]any:
			is = "object"
		}
		if kind != "" && kind != is {
			t.Errorf("%s is a %s, and the page says %s", name, is, kind)
		}
	}
	// The line at the top of the page is one.
	_, example, _ := strings.Cut(string(page), "    {")
	example, _, _ = strings.Cut("{"+example, "\n")
	var shown map[string]any
	if err := json.Unmarshal([]byte(example), &shown); err != nil {
		t.Fatal(err)
	}
	for name := range shown {
		if _, ok := documented[name]; !ok {
			t.Errorf("the page's example has %s", name)
		}
	}
}
