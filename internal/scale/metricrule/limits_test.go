package metricrule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/metricrule"
)

// hits is the catalog of one rule that makes the metric hits of pods.
func hits(t *testing.T, query string) *metricrule.Catalog {
	t.Helper()
	return newPrometheus(t, shop, 20*time.Minute).catalog(operator("rules:\n- seriesQuery: http_requests_total\n  resources: {template: <<.Resource>>}\n" +
		"  name: {as: hits}\n  metricsQuery: '" + strings.ReplaceAll(query, "'", "''") + "'\n"))
}

// texts returns n texts of a length that differ from their beginning.
func texts(n, length int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = (fmt.Sprint(i) + strings.Repeat("x", length))[:length]
	}
	return out
}

// What stands in a repetition is repeated, and the request says what stands there.
func TestValuesThatARegularExpressionRepeatsAreRefused(t *testing.T) {
	const in = "a in (%s)"
	long := fmt.Sprintf(in, strings.Join(texts(100, 60), ","))
	for _, test := range []struct {
		name, matcher, selector string
		refused                 bool
	}{
		{"many values, repeated", `x!~"(?:<<index .LabelValuesByName "a">>){500}"`, long, true},
		{"in one another", `x=~"((?:<<index .LabelValuesByName "a">>){20}){20}"`, long, true},
		{"in several", `x=~"(?:<<.LabelValuesByName.a>>){9}",y=~"(?:<<.LabelValuesByName.a>>){9}"`, long, true},
		{"written again and again", `x=~"` + strings.Repeat("<<.LabelValuesByName.a>>", 100) + `"`, long, true},
		{"in a function", `x=""}) by (pod) or label_replace(b, "pod", "$1", "x", (("(?:<<.LabelValuesByName.a>>){500}"))) or max(b{c="d"`, long, true},
		{"a few values, repeated", `x!~"(?:<<index .LabelValuesByName "a">>){500}"`, "a in (b,c)", false},
		{"many values", `x=~"<<.LabelValuesByName.a>>"`, long, false},
		{"many values, in several", strings.Repeat(`x=~".*(?:<<.LabelValuesByName.a>>)",`, 8) + `y=""`, long, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := hits(t, `sum(<<.Series>>{<<.LabelMatchers>>,`+test.matcher+`}) by (<<.GroupBy>>)`)
			_, err := c.Query(metricrule.Request{Resource: pods, Namespace: "shop", Metric: "hits", All: true, Selector: selector(t, test.selector)})
			switch {
			case !test.refused && err != nil:
				t.Error(err)
			case test.refused && (err == nil || !strings.Contains(err.Error(), "rules.yaml:2:3: with the values of the request the regular expressions of the query would take more than")):
				t.Errorf("got %v", err)
			case test.refused && !strings.Contains(hint.Of(err), "ask for fewer values"):
				t.Errorf("the hint is %q", hint.Of(err))
			}
		})
	}
}

func TestTheNamesOfThousandsOfObjectsMayBeWritten(t *testing.T) {
	c := hits(t, `sum(<<.Series>>{pod=~"<<.LabelValuesByName.pod>>"}) by (<<.GroupBy>>) / sum(b{pod=~"^(<<.LabelValuesByName.pod>>)$"}) by (<<.GroupBy>>)`)
	for _, names := range [][]string{texts(5000, 40), texts(20_000, 6)} {
		q, err := c.Query(metricrule.Request{Resource: pods, Namespace: "shop", Metric: "hits", Names: names})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(q.Expr, names[len(names)-1]) {
			t.Error("a name is missing")
		}
	}
}

func TestASelectorHasABoundedNumberOfRequirementsAndValues(t *testing.T) {
	c := hits(t, `sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)`)
	labels := func(n int) string { return "a" + strings.Join(texts(n, 8), ",a") }
	for _, test := range []struct{ name, selector, want string }{
		{"as many labels as there may be", labels(100), ""},
		{"one more", labels(101), "the metric's selector has more than 100 requirements"},
		{"as many values as there may be", "a in (" + strings.Join(texts(600, 8), ",") + "),b notin (" + strings.Join(texts(400, 8), ",") + ")", ""},
		{"one more", "a in (" + strings.Join(texts(600, 8), ",") + "),b notin (" + strings.Join(texts(401, 8), ",") + ")", "the metric's selector has more than 1000 values"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := c.Query(metricrule.Request{Resource: pods, Namespace: "shop", Metric: "hits", All: true, Selector: selector(t, test.selector)})
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || hint.Of(err) == ""):
				t.Errorf("got %v, hint %q; want %s", err, hint.Of(err), test.want)
			}
		})
	}
}

// Whoever writes a rule and asks for its metric chooses how often a template goes round; what it makes on the way need not be written.
func TestATemplateThatMakesMuchTextForARequestIsRefused(t *testing.T) {
	c := hits(t, `<<$a := printf "%99d" 1>><<$a = print $a $a $a $a $a $a $a $a>>sum(<<.Series>>{<<.LabelMatchers>>`+
		`<<range $k, $v := .LabelValuesByName>><<if not (js $a | html | js)>>,b="c"<<end>><<end>>}) by (<<.GroupBy>>)`)
	ask := func(selects string) error {
		_, err := c.Query(metricrule.Request{Resource: pods, Namespace: "shop", Metric: "hits", All: true, Selector: selector(t, selects)})
		return err
	}
	if err := ask("a,b=c"); err != nil {
		t.Errorf("a few labels: %v", err)
	}
	if err := ask("a" + strings.Join(texts(100, 8), ",a")); err == nil || !strings.Contains(err.Error(), "the template makes more than 131072 bytes of text on the way") {
		t.Errorf("many labels: %v", err)
	}
}

func TestAQueryThatIsVeryLongWithTheValuesOfARequestIsRefused(t *testing.T) {
	long := "a in (" + strings.Join(texts(1000, 60), ",") + ")"
	for times, want := range map[int]string{20: "", 100: "with the values of the request the query has 6"} {
		c := hits(t, `sum(a{<<.LabelMatchers>>}`+strings.Repeat(`+a{<<.LabelMatchers>>}`, times-1)+`) by (<<.GroupBy>>)`)
		_, err := c.Query(metricrule.Request{Resource: pods, Namespace: "shop", Metric: "hits", All: true, Selector: selector(t, long)})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d times: %v", times, err)
		}
	}
}
