package metricrule_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// often is a source with one rule and as many aliases of it.
func often(field string, aliases int) string {
	return "rules:\n- &r\n  seriesQuery: a\n  metricsQuery: a\n  " + field + "\n" + strings.Repeat("- *r\n", aliases)
}

// unknownFields are n fields that no rule has.
func unknownFields(n int, between string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "f%d: a%s", i, between)
	}
	return strings.TrimSpace(b.String())
}

// lists are lists of aliases of one another: a million values.
func lists() string {
	text := "a: &a [x]\n"
	for c := 'b'; c <= 'g'; c++ {
		text += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 10), ", "))
	}
	return text + "rules:\n" + strings.Repeat("- *g\n", 2000)
}

// A ConfigMap is under 1 MiB. What it takes to read it, and to read it again after an edit, is in MiB in all, not at once; what it leaves
// behind is with two versions of its text.
func TestASmallSourceTakesLittleMemoryHoweverItsAliasesMultiplyIt(t *testing.T) {
	x := strings.Repeat("x", 900_000)
	for name, c := range map[string]struct {
		text string
		most int
		want string
	}{
		"a text of 900 kB":            {often(`name: {as: "`+x+`"}`, 1999), 64, "a:1:1: with its aliases written out it is larger than 8 MiB"},
		"a text of 900 kB, too often": {often(`name: {as: "`+x+`"}`, 2500), 64, "written out it is larger"},
		"a text of 60 kB":             {often(`name: {as: "`+x[:60_000]+`"}`, 1999), 64, "written out it is larger"},
		"a text of 3 kB":              {often(`name: {as: "`+x[:3_000]+`"}`, 1999), 128, "rules[0].name.as: is longer than"},
		"a field of 900 kB":           {often("? \""+x+"\"\n  : a", 1999), 64, "written out it is larger"},
		"fields that are not known":   {often(unknownFields(60, "\n  "), 1999), 320, "rules[0].f0: unknown field"},
		"very many fields":            {often("resources: {"+unknownFields(80_000, ",")+"}", 10), 160, "written out it is larger"},
		"very many filters":           {often("seriesFilters: ["+strings.Repeat("{is: a},", 10_000)+"]", 1999), 1500, "written out it is larger"},
		"aliases of aliases":          {lists(), 64, "written out it is larger"},
		"a rule within itself":        {"rules:\n- &r {seriesQuery: a, metricsQuery: a, name: *r}\n" + strings.Repeat("- *r\n", 1999), 320, "name.seriesQuery: unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			set := metricrule.NewSet(metricrule.Options{})
			for _, version := range []string{c.text, c.text + "# edited\n"} {
				set = set.Replace(owned("shop", "a", version))
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if took := (after.TotalAlloc - before.TotalAlloc) >> 20; int(took) > c.most {
				t.Errorf("took %d MiB", took)
			}
			if left := (int(after.HeapAlloc) - int(before.HeapAlloc)) >> 20; left > 8 {
				t.Errorf("leaves %d MiB", left)
			}
			p := set.Problems()
			if len(p) == 0 || len(p) > 101 || len(set.Rules()) > 0 {
				t.Fatalf("%d problems, %d rules", len(p), len(set.Rules()))
			}
			all := ""
			for _, one := range p {
				all += one.String() + "\n"
			}
			if !strings.Contains(all, c.want) || len(all) > 101*300 {
				t.Errorf("got %.200s, %d bytes; want %s", all, len(all), c.want)
			}
		})
	}
}

func TestOfVeryManyMistakesTheFirstAreTold(t *testing.T) {
	set := metricrule.NewSet(metricrule.Options{}).Replace(operator("rules:\n" + strings.Repeat(badRule, 1500) + ruleText("a")))
	p := set.Problems()
	if len(p) != 101 || served(set) != "a" {
		t.Fatalf("%d problems, served are %q", len(p), served(set))
	}
	last := p[100]
	if want := "rules.yaml:1:1: and at least 1400 more mistakes"; last.String() != want || last.Err.Hint == "" || last.More != 1399 {
		t.Errorf("got %+v\nwant %s", last, want)
	}
	// A rule whose mistakes are not told is refused like the others, and the last good one stays.
	good := "rules:\n" + strings.Repeat(badRule, 150) + ruleText("a")
	set = set.Replace(operator(good)).Replace(operator(good[:len(good)-len(ruleText("a"))] + badRule))
	if served(set) != "a" {
		t.Errorf("served are %q", served(set))
	}
}

func TestTextsThatDifferAtTheirEndsOnlyAreTwo(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	rule := func(end string) string {
		return "- {seriesQuery: a, metricsQuery: a, name: {as: " + long + end + "}}\n"
	}
	file := func(rules ...string) string { return "rules:\n" + strings.Join(rules, "") }
	for end, want := range map[string]string{"a": "good", "b": ""} { // the good rule stood behind the one that ends in a
		set := metricrule.NewSet(metricrule.Options{}).Replace(operator(file(rule("a"), ruleText("good"), rule("b"))))
		set = set.Replace(operator(file(rule(end), badRule)))
		if got := served(set); got != want {
			t.Errorf("behind %s served are %q, want %q", end, got, want)
		}
	}
}
