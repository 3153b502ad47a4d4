package metricrule_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

func ruleText(series string) string {
	return "- {seriesQuery: " + series + ", resources: {template: <<.Resource>>}, metricsQuery: sum(<<.Series>>) by (<<.GroupBy>>)}\n"
}

const badRule = "- {seriesQuery: a, resource: {}, metricsQuery: sum(<<.Series>>)}\n"

// served lists the series queries of the rules.
func served(set *metricrule.Set) string {
	var out []string
	for _, r := range set.Rules() {
		out = append(out, r.SeriesQuery)
	}
	return strings.Join(out, " ")
}

func TestABadRuleIsLeftOutAndTheLastGoodOneInItsPlaceStays(t *testing.T) {
	file := func(rules ...string) string { return "rules:\n" + strings.Join(rules, "") }
	a, b, c, d := ruleText("a"), ruleText("b"), ruleText("c"), ruleText("d")
	for _, test := range []struct {
		name     string
		versions []string
		served   string
		problems []string
	}{
		{"bad from the beginning", []string{file(a, badRule, c)}, "a c", []string{"rules.yaml:3:20: rules[1].resource: unknown field"}},
		{"one made bad", []string{file(a, b, c), file(a, badRule, c)}, "a b c", []string{"rules.yaml:3:20: rules[1].resource: unknown field (the last good one stays)"}},
		{"bad, and saved again", []string{file(a, b, c), file(a, badRule, c), file(a, badRule, c, d)}, "a b c d", []string{"unknown field (the last good one stays)"}},
		{"a bad one added", []string{file(a, c), file(a, badRule, c)}, "a c", []string{"rules[1].resource: unknown field"}},
		{"two changed, one badly", []string{file(a, b, c), file(a, badRule, d)}, "a b d", []string{"(the last good one stays)"}},
		{"mended", []string{file(a, b), file(a, badRule), file(a, d)}, "a d", nil},
		{"taken out", []string{file(a, b), file(a)}, "a", nil},
		{"no YAML", []string{file(a, b), "rules: ["}, "a b", []string{"not valid YAML", "(the last good one stays)"}},
		{"no YAML, then good", []string{file(a, b), "rules: [", file(c)}, "c", nil},
		{"empty", []string{file(a, b), ""}, "", nil},
		{"an unknown field beside the rules", []string{file(a) + "external: []\n"}, "a", []string{"rules.yaml:3:1: external: unknown field"}},
		{"a list that is none", []string{file(a), "rules: a\n"}, "", []string{"rules.yaml:1:8: rules: want a list of rules"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := metricrule.NewSet(metricrule.Options{})
			for _, version := range test.versions {
				set = set.Replace(operator(version))
			}
			if got := served(set); got != test.served {
				t.Errorf("served are %q, want %q", got, test.served)
			}
			problems := fmt.Sprint(set.Problems())
			for _, want := range test.problems {
				if !strings.Contains(problems, want) {
					t.Errorf("got %s, want %s", problems, want)
				}
			}
			if len(test.problems) == 0 && len(set.Problems()) > 0 {
				t.Errorf("problems: %s", problems)
			}
		})
	}
}

func TestSourcesDoNotDisturbOneAnother(t *testing.T) {
	set := metricrule.NewSet(metricrule.Options{}).Replace(operator("rules:\n" + ruleText("a")))
	set = set.Replace(owned("shop", "rules.yaml", "rules:\n"+ruleText("b"))).Replace(owned("bank", "rules.yaml", "rules:\n"+ruleText("c")))
	before := set
	set = set.Replace(owned("bank", "rules.yaml", "nonsense")).Remove("shop", "rules.yaml")
	if got := served(set); got != "a c" {
		t.Errorf("served are %q", got)
	}
	if got := served(before); got != "a c b" {
		t.Errorf("the set that was there has changed: %q", got)
	}
	if p := set.Problems(); len(p) != 1 || p[0].Namespace != "bank" || !p[0].Kept {
		t.Errorf("problems: %+v", p)
	}
}
