package metricrule_test

import (
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// A request's labels may be called whatever labels can be called.
func TestALabelThatLooksLikeAPlaceholderIsALabel(t *testing.T) {
	c := hits(t, `max(x{<<range $k, $v := .LabelValuesByName>><<$k>>="<<$v>>",<<$k>>=~"<<$k>>|<<$v>>",<<end>>}) by (pod<<range $k, $v := .LabelValuesByName>>,<<$k>><<end>>)`)
	for _, name := range []string{"a__truecount_value99__b", "a__truecount_value0__b", "a__truecount_value1__b", "a__truecount_name0__b", "a__truecount_name7__b",
		"a__truecount_matchers__b", "a__truecount_value99999999999999999999__b"} {
		q, err := c.Query(metricrule.Request{Resource: pods, Namespace: "shop", Metric: "hits", Names: []string{"web-0"}, Selector: selector(t, name+"=text")})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(q.Asks)
		if err != nil {
			t.Fatal(err)
		}
		if by := expr.(*parser.AggregateExpr).Grouping; !strings.Contains(strings.Join(by, " "), name) {
			t.Errorf("%s is not in %q", name, by)
		}
		var values []string
		for _, m := range parser.ExtractSelectors(expr)[0] {
			if m.Name == name {
				values = append(values, m.String())
			}
		}
		equal(t, values, []string{
			labels.MustNewMatcher(labels.MatchEqual, name, "text").String(), labels.MustNewMatcher(labels.MatchRegexp, name, name+"|text").String()})
	}
}

func TestARuleThatWritesAPlaceholderOfItsOwnIsRefused(t *testing.T) {
	for _, query := range []string{
		`sum(__true<<"count">>_value99__)`, `sum(a{b="__true<<"count">>_value99__"})`, `sum(a{b="\x5f_truecount_value99__"})`, `sum(a{b=~"\x5f_truecount_name99__"})`,
		`sum(a) by (__true<<"count">>_name5__)`, `label_replace(a, "b", "", "c", "\x5f_truecount_value99__")`, `sum(a{b="\x5f_truecount_value99999999999999999999__"})`,
	} {
		_, problems := metricrule.Load(metricrule.Options{}, operator("rules:\n- {seriesQuery: a, resources: {template: <<.Resource>>}, metricsQuery: '"+query+"'}\n"))
		if len(problems) != 1 || !strings.Contains(problems[0].String(), `metricsQuery: "__truecount" is reserved`) {
			t.Errorf("%s: %v", query, problems)
		}
	}
}
