package metricrule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

func TestMistakesHaveTheirPlaceAndAHint(t *testing.T) {
	rule := func(field, value string) string {
		fields := map[string]string{"seriesQuery": "a", "resources": "{template: <<.Resource>>}", "metricsQuery": "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)"}
		fields[field] = value
		text := "rules:\n- seriesQuery: " + fields["seriesQuery"] + "\n"
		for _, name := range []string{"seriesFilters", "resources", "name", "metricsQuery"} {
			if fields[name] != "" {
				text += "  " + name + ": " + fields[name] + "\n"
			}
		}
		return text
	}
	for _, test := range []struct{ name, text, want, hint string }{
		{"no selector", rule("seriesQuery", "sum(a)"), `rules.yaml:2:16: rules[0].seriesQuery: is no series selector: character 4 of the PromQL: unexpected "("`, "write one series selector"},
		{"no query", strings.Replace(rule("metricsQuery", "X"), "  metricsQuery: X\n", "", 1), "rules.yaml:2:3: rules[0].metricsQuery: is missing", "add it"},
		{"both filters", rule("seriesFilters", "[{is: a, isNot: b}]"), "rules.yaml:3:19: rules[0].seriesFilters[0]: want exactly one of is and isNot, got both", "write two entries"},
		{"no filter", rule("seriesFilters", "[{}]"), "want exactly one of is and isNot, got none", ""},
		{"no regular expression", rule("seriesFilters", "[{is: (}]"), "rules[0].seriesFilters[0].is: is no regular expression: missing closing ): `(`", ""},
		{"a long regular expression", rule("seriesFilters", "[{is: "+strings.Repeat("a", 2000)+"}]"), "the regular expression is longer than 1024 bytes", ""},
		{"a regular expression that repeats", rule("seriesFilters", `[{is: "`+strings.Repeat(".{999}", 20)+`"}]`), "rules[0].seriesFilters[0].is: the regular expression repeats so much", ""},
		{"another one in a selector", rule("seriesQuery", `'{__name__=~"`+strings.Repeat(".{999}", 20)+`"}'`), "rules[0].seriesQuery: is no series selector: the regular expressions of the PromQL repeat so much", ""},
		{"another one in a query", rule("metricsQuery", `'sum(a{b=~"`+strings.Repeat(".{999}", 20)+`"})'`), "rules[0].metricsQuery: the regular expressions of the PromQL repeat so much", ""},
		{"one of a function", rule("metricsQuery", `'label_replace(a, "b", "", "c", "`+strings.Repeat(".{999}", 20)+`")'`), "rules[0].metricsQuery: with the values of the request the regular expressions", "repeat less"},
		{"groups without as", rule("name", "{matches: (a)(b)}"), "rules[0].name.matches: there are 2 groups, and no name.as says which one is the name", "add name.as"},
		{"a label without the resource", rule("resources", "{template: pod}"), "rules[0].resources.template: the label does not depend on the resource", "<<.Resource>>"},
		{"an unknown field of a template", rule("metricsQuery", "sum(<<.Serie>>)"), "rules[0].metricsQuery: there is no .Serie; there are .Series, .LabelMatchers", ""},
		{"a template that ends early", rule("metricsQuery", "sum(<<.Series)"), "rules[0].metricsQuery: is no template", ""},
		{"no PromQL", rule("metricsQuery", "'sum(<<.Series>>{<<.LabelMatchers>>}) by <<.GroupBy>>'"), "rules[0].metricsQuery: character ", ""},
		{"a comparison of a value", rule("metricsQuery", `'sum(<<if eq .LabelValuesByName.namespace "a">>a<<else>>b<<end>>)'`), "rules[0].metricsQuery: the template compares or calculates with the value of a label", ""},
		{"a loop over a number", rule("metricsQuery", "'<<range 1000000000>><<end>>a'"), "a loop goes over something else", ""},
		{"loops in loops", rule("metricsQuery", "'"+strings.Repeat("<<range $.LabelValuesByName>>", 30)+strings.Repeat("<<end>>", 30)+"a'"), "character 38 of the template: a loop over labels stands in another one", ""},
		{"loops beside one another in a loop", rule("metricsQuery", `'<<range $a, $b := .LabelValuesByName>>`+strings.Repeat("<<range $.LabelValuesByName>><<end>>", 60)+"<<end>>a'"), "character 47 of the template: a loop over labels stands in another one", ""},
		{"behind a condition", rule("metricsQuery", `'a<<range .LabelValuesByName>><<if .>>b<<else>><<range $.LabelValuesByName>><<end>><<end>><<end>>'`), "a loop over labels stands in another one", ""},
		{"a template in the template", rule("metricsQuery", `'<<define "x">><<template "x">><<end>><<template "x">>'`), "templates within the template are not read", ""},
		{"a long output", rule("metricsQuery", `'<<printf "%999999d" 1>>'`), "the template writes more than 8192 bytes", ""},
		{"a deep query", rule("metricsQuery", strings.Repeat("(", 100)+"a"+strings.Repeat(")", 100)), "nested more than 64 deep", ""},
		{"the reserved mark", rule("metricsQuery", "sum(__truecount_value0__)"), `"__truecount" is reserved`, ""},
		{"matchers in a text", rule("metricsQuery", `'label_replace(a, "x", "<<.LabelMatchers>>", "", "")'`), "character ", ""},
		{"every series", rule("metricsQuery", `'sum({a=""})'`), "character ", ""},
		{"merge keys", "rules:\n- <<: &a {seriesQuery: a}\n  metricsQuery: sum(<<.Series>>)\n", "merge keys are not read here", ""},
		{"a ConfigMap", "apiVersion: v1\nkind: ConfigMap\ndata: {}\n", "rules.yaml:1:1: want an adapter configuration, got a ConfigMap", "truecount-adapter migrate"},
		{"a text", "nonsense", "rules.yaml:1:1: want the fields of an adapter configuration", "begin with: rules:"},
		{"an unknown field of the chart", "rules: {customs: []}\n", "rules.yaml:1:9: rules.customs: unknown field", "did you mean custom?"},
		{"another ConfigMap", "rules: {existing: mine}\n", `rules.existing: the rules are in the ConfigMap "mine"`, "kubectl get configmap mine"},
		{"a window that is none", "resourceRules: {window: long}\n", "rules.yaml:1:25: resourceRules.window: want a duration", ""},
		{"too many rules", "rules:\n" + strings.Repeat("- {seriesQuery: a, metricsQuery: a}\n", 2001), "there are more than 2000 rules", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			begin := time.Now()
			_, problems := metricrule.Load(metricrule.Options{}, operator(test.text))
			if len(problems) == 0 {
				t.Fatal("no problem")
			}
			if got := problems[0]; !strings.Contains(got.String(), test.want) || !strings.Contains(got.Err.Hint, test.hint) {
				t.Errorf("got %v\nhint %s\nwant %s\nhint %s", got, got.Err.Hint, test.want, test.hint)
			}
			for _, inside := range []string{"metricrule", "templateData", "go-yaml", "reflect", "regexp:"} {
				if text := fmt.Sprint(problems); strings.Contains(text, inside) {
					t.Errorf("a word from the program's inside: %s", text)
				}
			}
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestChartValuesAreReadAsTheChartReadsThem(t *testing.T) {
	for _, test := range []struct {
		name, text      string
		rules, external int
	}{
		{"the default rules are on by default", "prometheus: {url: x}\nrules: {custom: []}\n", 6, 0},
		{"and can be off", "rules:\n  default: false\n  custom:\n  - {seriesQuery: a, metricsQuery: sum(<<.Series>>)}\n  external:\n  - {seriesQuery: b, metricsQuery: sum(<<.Series>>)}\n  existing:\n", 1, 1},
		{"with custom ones", "rules: {custom: [{seriesQuery: a, metricsQuery: sum(<<.Series>>)}], resource: {}}\n", 7, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			custom, external := 0, 0
			for _, r := range mustSet(t, operator(test.text)).Rules() {
				if r.Kind == metricrule.External {
					external++
				} else {
					custom++
				}
			}
			if custom != test.rules || external != test.external {
				t.Errorf("got %d and %d rules, want %d and %d", custom, external, test.rules, test.external)
			}
		})
	}
}

func TestResourceRulesAreReadAndReported(t *testing.T) {
	set := mustSet(t, operator(`resourceRules:
  cpu:
    containerLabel: container
    containerQuery: sum by (<<.GroupBy>>) (rate(container_cpu_usage_seconds_total{<<.LabelMatchers>>}[4m]))
    nodeQuery: sum by (<<.GroupBy>>) (rate(node_cpu{<<.LabelMatchers>>}[4m]))
    resources: {overrides: {node: {resource: node}, pod: {resource: pod}}}
  window: 5m
`))
	if got := set.ResourceRules(); len(got) != 1 || got[0] != "rules.yaml:2:3" {
		t.Errorf("got %q", got)
	}
}
