package metricrule

import (
	"runtime"
	"strings"
	"testing"
)

// A ConfigMap with rules is written by whoever may do so in a namespace; reading it must not take the memory of all.
func TestASmallSourceThatWouldTakeMuchMemoryIsRefused(t *testing.T) {
	template := func(text string) string { return "rules:\n- seriesQuery: a\n  metricsQuery: '" + text + "'\n" }
	filters := strings.Repeat("{is: a},", 1000)
	for name, c := range map[string]struct{ text, want string }{
		"a wide printf":               {template(`<<$a := printf "%999999d" 1>>a`), "writes more than 8192 bytes"},
		"a width that is an argument": {template(`<<$a := printf "%*d" 999999 1>>a`), "writes more than 8192 bytes"},
		"variables that grow": {
			template(`<<$a := printf "%99d" 1>>` + strings.Repeat(`<<$a = print $a $a $a $a $a $a $a $a $a $a>>`, 5) + "a"), "writes more than 8192 bytes"},
		"rules behind aliases": {"rules:\n- &r {seriesQuery: a, metricsQuery: a, seriesFilters: [{is: a}]}\n" + strings.Repeat("- *r\n", 50_000), "more than 2000 rules"},
		"filters behind aliases": {
			"rules:\n- seriesQuery: a\n  metricsQuery: a\n  seriesFilters: &f [" + filters + "]\n" +
				strings.Repeat("- {seriesQuery: a, metricsQuery: a, seriesFilters: *f}\n", 100), "seriesFilters: there are more than 100"},
		"a name of a name": {"rules:\n- {seriesQuery: a, metricsQuery: a, name: {as: " + strings.Repeat("$0", 100_000) + "}}\n", "name.as: is longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			set, problems := Load(Options{}, Source{Name: "rules.yaml", Data: []byte(c.text), Namespace: "shop"})
			runtime.ReadMemStats(&after)
			if len(problems) == 0 || !strings.Contains(problems[0].String(), c.want) || len(set.Rules()) > 0 {
				t.Errorf("%d rules, %v", len(set.Rules()), problems)
			}
			// In all, not at once. Without bounds the rules behind aliases took 950; the race detector adds a quarter to what is left.
			if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 400 {
				t.Errorf("took %d MiB", took)
			}
		})
	}
}

func TestATemplateStillWritesWithFunctions(t *testing.T) {
	set, problems := Load(Options{}, Source{Name: "rules.yaml", Data: []byte(
		"rules:\n- seriesQuery: a\n  resources: {template: <<.Resource>>}\n  metricsQuery: '<<printf \"sum(%s{%s}) by (%10.10s)\" .Series .LabelMatchers .GroupBy>>'\n")})
	if len(problems) > 0 || len(set.Rules()) != 1 {
		t.Error(problems)
	}
}

func TestALongNameIsNoMetric(t *testing.T) {
	n, mistake := compileNaming(nameFields{As: strings.Repeat("$0", 100)})
	if mistake != nil {
		t.Fatal(mistake)
	}
	for _, series := range []string{strings.Repeat("a", 100), strings.Repeat("a", 2000)} {
		if _, err := n.nameOf(series); err == nil || len(err.Error()) > 200 {
			t.Error(err)
		}
	}
}
