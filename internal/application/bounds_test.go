package application_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/application"
)

const head = "apiVersion: truecount/v1alpha1\nkind: Application\nmetadata: {name: clicks}\nspec:\n  port: 8000\n"

// mebibyte repeats a text up to the size that a file may have, behind a beginning.
func mebibyte(beginning, repeated string) string {
	n := (1<<20 - len(beginning)) / len(repeated)
	return beginning + strings.Repeat(repeated, n)
}

func TestC12HostileYAMLTakesLittleTimeAndMemoryAndIsToldClearly(t *testing.T) {
	aliases := "  env: &e {A: &a x}\n  signals:\n"
	for _, test := range []struct{ name, data, want string }{
		{"nothing", "", "c12.yaml:1:1: the file is empty"},
		{"spaces only", " \n\n  \n", "c12.yaml:1:1: the file is empty"},
		{"a comment only", "# nothing yet\n", "c12.yaml:1:1: the file is empty"},
		{"separators only", "---\n---\n...\n", "c12.yaml:1:1: the file is empty"},
		{"100 MB", strings.Repeat("a: b # c\n", 100<<20/9), "c12.yaml:1:1: the file is larger than 1 MiB"},
		{"a NUL", head + "  image: a\x00b\n", "c12.yaml:6:11: there is a NUL character"},
		{"an escaped NUL", head + `  image: "a\0b"` + "\n", "c12.yaml:6:10: spec.image: the text has a NUL character in it"},
		{"a control character", head + "  image: a\x1bb\n", "c12.yaml:6:11: there is a control character (U+001B)"},
		{"no UTF-8", head + "  image: a\xffb\n", "c12.yaml:6:11: the byte 0xff is not UTF-8"},
		{"UTF-16", "\xff\xfea\x00:\x00", "c12.yaml:1:1: the file is UTF-16"},
		{"a tab", head + "\timage: x\n", "c12.yaml:6:1: not valid YAML: there is a tab where YAML wants spaces"},
		{"a byte order mark", "\ufeff" + head + "  port: 8001\n", "c12.yaml:6:3: spec.port: is given twice, first at line 5"},
		{"duplicate keys", head + "  port: 8001\n", "c12.yaml:6:3: spec.port: is given twice, first at line 5"},
		{"brackets 1 MiB deep", mebibyte("", "["), "not valid YAML: "},
		{"braces 1 MiB deep", mebibyte("", "{a: "), "not valid YAML: "},
		{"dashes 1 MiB deep", mebibyte("", "- "), "not valid YAML: "},
		{"keys 1 MiB deep", mebibyte("", "? "), "not valid YAML: "},
		{"an open quote of 1 MiB", mebibyte("a: \"", "b c\n"), "not valid YAML: "},
		{"1 MiB of spaces in a key", "a" + strings.Repeat(" ", 1<<20-8) + "b: 1", ""},
		{"an alias of itself", head + "  alerts: &a [*a]\n", "spec.alerts[0]: want fields, got a list"},
		{"labels in themselves", head + "  workers: &a {metrics: *a}\n", "unknown field"},
		{"many aliases", mebibyte(head+"  alerts: [&a {alert: A, expr: up, labels: {a: b}}", ",*a") + "]\n", "there are more than 20000 values"},
		{"a billion laughs", head + laughs(), "unknown field"},
		{"many unknown fields", mebibyte(head, "  a: 1\n"), "spec.a: is given twice"},
		{"many anchors", mebibyte(head+aliases, "    - &a *a\n"), ""},
		{"a deep PromQL", head + "  signals: {a: {query: " + strings.Repeat("(", 1000) + "}}\n", "the PromQL is nested more than 64 deep"},
		{"a PromQL with many signs", head + "  signals: {a: {query: \"" + strings.Repeat("- ", 1000) + "a\"}}\n", "the PromQL is nested more than 64 deep"},
		{"a long sum in PromQL", head + "  signals: {a: {query: " + strings.Repeat("a+", 500_000) + "a}}\n", "the PromQL is longer than 4096 bytes"},
		{"many long sums in PromQL", mebibyte(head+"  alerts:\n", "  - {alert: A, expr: '"+strings.Repeat("a+", 2000)+"a'}\n"), "all PromQL of the application together is longer than 65536 bytes"},
		{"many documents", mebibyte("", "---\nkind: x\n"), "there are more mistakes than can be shown"},
		{"a number without end", head + "  workers: {count: " + strings.Repeat("9", 500_000) + "}\n", "want a whole number"},
		{"a quantity without end", head + "  scale: {max: 2, on: [{signal: a, averageValue: 1" + strings.Repeat("0", 500_000) + "}]}\n", "want a quantity"},
		{"an exponent without end", head + "  scale: {max: 2, on: [{signal: a, averageValue: 1e999999999}]}\n", "want a quantity"},
		{"a name without end", head + "  " + strings.Repeat("x", 500_000) + ": 1\n", "unknown field"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			f, err := application.Parse("c12.yaml", []byte(test.data))
			took := time.Since(begin)
			runtime.ReadMemStats(&after)
			var mistakes application.Errors
			if !errors.As(err, &mistakes) {
				t.Fatalf("got %v and error %v, want mistakes", f, err)
			}
			checkMistakes(t, mistakes)
			if report := err.Error(); !strings.Contains(report, test.want) || len(report) > 64<<10 {
				t.Errorf("want %q in the message of %d bytes: %.300s", test.want, len(report), report)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 1<<30 {
				t.Errorf("used %d MiB", used>>20)
			}
			t.Logf("%v, %d MiB: %.200s", took, (after.TotalAlloc-before.TotalAlloc)>>20, err)
			if took > 30*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// laughs is a document whose values, taken apart, are nine to the power of nine.
func laughs() string {
	var b strings.Builder
	b.WriteString("  env: &a0 {lol: lol}\n")
	for i := 1; i < 10; i++ {
		b.WriteString("  alerts" + string(rune('0'+i)) + ": &a" + string(rune('0'+i)) + " [")
		b.WriteString(strings.TrimSuffix(strings.Repeat("*a"+string(rune('0'+i-1))+", ", 9), ", ") + "]\n")
	}
	b.WriteString("  alerts: *a9\n")
	return b.String()
}
