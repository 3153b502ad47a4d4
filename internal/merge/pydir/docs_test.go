package pydir_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

func text(t testing.TB, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestTheTableOfFaultsIsCompleteAndNamesTestsThatExist(t *testing.T) {
	table := text(t, "FAULTS.md")
	for n := 1; n <= 24; n++ {
		if strings.Count(table, fmt.Sprintf("\n| M%d |", n)) != 1 {
			t.Errorf("the table has no line for M%d, or two", n)
		}
	}
	var tests strings.Builder
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		tests.WriteString(text(t, file))
	}
	named := map[string]bool{}
	for _, name := range regexp.MustCompile(`\b(?:Test|Fuzz)\w+`).FindAllString(table, -1) {
		named[name] = true
		if !strings.Contains(tests.String(), "\nfunc "+name+"(") {
			t.Errorf("the table names %s, which does not exist", name)
		}
	}
	for _, match := range regexp.MustCompile(`\nfunc (TestM\d+\w+)\(`).FindAllStringSubmatch(tests.String(), -1) {
		if !named[match[1]] {
			t.Errorf("the table does not name %s", match[1])
		}
	}
}

func TestTheReferenceHasEveryMetricAndReason(t *testing.T) {
	page := text(t, filepath.Join("..", "..", "..", "docs", "reference", "python-directory.md"))
	dir := t.TempDir()
	write(t, dir, "counter_1.db", pydirtest.Image(since018, counterEntry("walks", 1)))
	m := newMerger(t, pydir.Options{Dir: dir, State: filepath.Join(t.TempDir(), "state")})
	scraped := scrape(t, m, asText)
	for _, match := range regexp.MustCompile(`# TYPE (truecount_merge_\w+)`).FindAllStringSubmatch(scraped, -1) {
		if !strings.Contains(page, "`"+match[1]+"`") && !strings.Contains(page, "`"+match[1]+"{") {
			t.Errorf("%s is not in the reference", match[1])
		}
	}
	for _, match := range regexp.MustCompile(`truecount_merge_\w+{(?:reason|kind|event|state)="(\w+)"`).FindAllStringSubmatch(scraped, -1) {
		if !strings.Contains(page, "`"+match[1]+"`") {
			t.Errorf("%s is not in the reference: %s", match[1], match[0])
		}
	}
	for _, match := range regexp.MustCompile("`(truecount_merge_[a-z_]+)[`{]").FindAllStringSubmatch(page, -1) {
		if !strings.Contains(scraped, "# TYPE "+match[1]+" ") && match[1] != "truecount_merge_" && match[1] != "truecount_merge_skipped_total" {
			t.Errorf("the reference has %s, which is not served", match[1])
		}
	}
}
