package expression_test

import (
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/expression"
)

func TestWhatIsTooLongOrTooDeepIsNotRead(t *testing.T) {
	const limit = 1000
	for name, c := range map[string]struct{ text, want string }{
		"as long as it may be":        {strings.Repeat("a", limit), ""},
		"longer":                      {strings.Repeat("a", limit+1), "longer than 1000 bytes"},
		"as deep as it may be":        {strings.Repeat("(", 64) + strings.Repeat(")", 64), ""},
		"deeper":                      {strings.Repeat("(", 65), "nested more than 64 deep"},
		"deeper, with blanks":         {strings.Repeat("( \n", 65), "nested more than 64 deep"},
		"side by side":                {strings.Repeat("()+", 100), ""},
		"signs in a row":              {strings.Repeat("- +", 33) + "1", "nested more than 64 deep"},
		"signs with numbers between":  {strings.Repeat("1 -", 100) + "1", ""},
		"as many signs as there may":  {strings.Repeat("-", 64) + "1", ""},
		"nothing":                     {"", ""},
		"closed and never opened":     {strings.Repeat(")", 100), ""},
		"a few repetitions":           {`a{b=~"[0-9]{1,3}",c!~"x{100}"}`, ""},
		"many names":                  {`a{b=~"` + strings.Repeat("pod-name|", 100) + `"}`, ""},
		"a regex that is large":       {`a{b=~"` + strings.Repeat(".{999}", 12) + `"}`, "take more than 512 KiB"},
		"several of them":             {"sum(a{" + strings.Repeat(`b !~ '.{999}',`, 12) + "})", "take more than 512 KiB"},
		"behind a comment":            {"a{b=~ # comment\n`" + strings.Repeat(".{999}", 12) + "`}", "take more than 512 KiB"},
		"escaped":                     {`{"b"=~"` + strings.Repeat(`\x2e{999}`, 12) + `"}`, "take more than 512 KiB"},
		"a text that is no regex":     {`a{b="` + strings.Repeat(".{999}", 12) + `"}`, ""},
		"closed, then opened as deep": {")" + strings.Repeat("(", 65), ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := expression.Bounded(c.text, limit)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestTheSizeOfARegexIsWhatItTakes compiles each, as Prometheus does, and measures.
func TestTheSizeOfARegexIsWhatItTakes(t *testing.T) {
	for name, pattern := range map[string]string{
		"any, repeated":     strings.Repeat(".{999}", 20),
		"classes":           strings.Repeat(`\pL`, 300),
		"classes, repeated": strings.Repeat(`\pL{500}`, 20),
		"a group, repeated": strings.Repeat(`(ab|c*){300}`, 20),
		"without an end":    strings.Repeat(`.{999,}`, 20),
		"up to an end":      strings.Repeat(`.{1,999}`, 20),
		"in one another":    strings.Repeat(`((a{10}){10}){10}`, 20),
		"either case":       `(?i)` + strings.Repeat(`[k-s]{999}`, 20),
		"letters":           strings.Repeat("letters", 1000),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			compiled, err := regexp.Compile("^(?s:" + pattern + ")$")
			if err != nil {
				t.Fatal(err)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			took := int(after.HeapAlloc) - int(before.HeapAlloc)
			if size := expression.RegexSize(pattern); took > 2*size+10_000 || size > 4*took+10_000 {
				t.Errorf("the size is %d, it took %d", size, took)
			}
			runtime.KeepAlive(compiled)
		})
	}
	if expression.RegexSize("(") != 0 {
		t.Error("a text that is no regular expression has a size")
	}
}
