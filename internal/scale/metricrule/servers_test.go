package metricrule_test

import (
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

func TestARuleOfANamespaceNamesNoServerThatItIsNotAllowed(t *testing.T) {
	rule := func(series, server string) string {
		if server != "" {
			server = ", server: " + server
		}
		return "- {seriesQuery: " + series + ", metricsQuery: sum(<<.Series>>)" + server + "}\n"
	}
	const lists = "rules:\n"
	for _, test := range []struct {
		name     string
		source   func(string) metricrule.Source
		versions []string
		served   string
		problem  string // "": there is none
	}{
		{"the default one", shops, []string{lists + rule("a", "")}, "a", ""},
		{"one that is allowed", shops, []string{lists + rule("a", "logs")}, "a", ""},
		{"another one, alone", shops, []string{lists + rule("a", "logs") + rule("b", "billing") + rule("c", "")}, "a c",
			`rules.yaml:3:60: rules[1].server: rules of a namespace may not ask the server "billing"`},
		{"one that there is not, in the same words", shops, []string{lists + rule("a", "none")}, "", `rules[0].server: rules of a namespace may not ask the server "none"`},
		{"of external rules", shops, []string{"externalRules:\n" + rule("a", "billing")}, "", `externalRules[0].server: rules of a namespace may not ask`},
		{"of chart values", shops, []string{"rules:\n  default: false\n  custom: [{seriesQuery: a, metricsQuery: a, server: billing}]\n"}, "", "rules.custom[0].server: rules of a namespace may not ask"},
		{"behind an alias", shops, []string{lists + "- &r {seriesQuery: a, metricsQuery: a, server: billing}\n- *r\n"}, "", "rules[0].server: rules of a namespace may not ask"},
		{"in the place of a good one", shops, []string{lists + rule("a", "logs"), lists + rule("a", "billing")}, "a", `may not ask the server "billing" (the last good one stays)`},
		{"the operator's own", operator, []string{lists + rule("a", "billing")}, "a", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := metricrule.NewSet(metricrule.Options{NamedServers: []string{"logs"}})
			for _, version := range test.versions {
				set = set.Replace(test.source(version))
			}
			if got := served(set); got != test.served {
				t.Errorf("served are %q, want %q", got, test.served)
			}
			for _, r := range set.Rules() {
				if r.Server == "billing" && r.Namespace != "" {
					t.Errorf("%s asks it", r.Origin)
				}
			}
			problems := set.Problems()
			if test.problem == "" {
				if len(problems) > 0 {
					t.Error(problems)
				}
				return
			}
			if len(problems) == 0 || !strings.Contains(problems[0].String(), test.problem) || !strings.Contains(problems[0].Err.Hint, "--config-map-servers") {
				t.Errorf("got %+v, want %s", problems, test.problem)
			}
		})
	}
}

// shops is a source of the namespace shop.
func shops(text string) metricrule.Source { return owned("shop", "rules.yaml", text) }
