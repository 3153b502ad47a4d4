package ruledifference

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// seen counts what a run compared, so that a run that has become tame is told.
type seen struct{ configurations, refused, metrics, conflicts, requests, notCompared int }

// compare holds both against each other over one configuration.
func compare(t *testing.T, text string, mapper meta.RESTMapper, series []labels.Labels, requests func(metric) []request) seen {
	t.Helper()
	theirs, theirErr := peer(text, mapper, series)
	mine, err := ours(t, text, mapper, series)
	count := seen{configurations: 1}
	if (theirErr != nil) != (err != nil) {
		t.Errorf("prometheus-adapter says %v, we say %v of\n%s", theirErr, err, text)
		return count
	}
	if err != nil {
		count.refused++
		return count
	}
	both := func(kind string, a, b map[metric]int) []metric {
		t.Helper()
		if diff := cmp.Diff(names(a), names(b)); diff != "" {
			t.Errorf("%s metrics (-prometheus-adapter +ours) of\n%s\n%s", kind, text, diff)
			return nil
		}
		var list []metric
		for m := range a {
			count.metrics++
			if (a[m] > 1) != (b[m] > 1) {
				t.Errorf("%v is made %d times there, and we say %d, of\n%s", m, a[m], b[m], text)
			}
			if a[m] > 1 {
				count.conflicts++ // the last one there, an error here
				continue
			}
			list = append(list, m)
		}
		return list
	}
	for _, m := range both("custom", theirs.custom, mine.custom) {
		for _, r := range requests(m) {
			if !metricrule.Namespaced(m.resource) {
				r.namespace = ""
			}
			want, wantErr := theirs.query(m, r)
			got, err := mine.query(m, r)
			sameQuery(t, &count, fmt.Sprintf("%v %v of\n%s", m, r, text), r, want, wantErr, got, err)
		}
	}
	for _, m := range both("external", theirs.external, mine.external) {
		for _, r := range requests(m) {
			want, wantErr := theirs.externalQuery(m.name, r)
			got, err := mine.externalQuery(m.name, r)
			r.names = nil
			sameQuery(t, &count, fmt.Sprintf("external %v %v of\n%s", m.name, r, text), r, want, wantErr, got, err)
		}
	}
	return count
}

func names(m map[metric]int) []string {
	var out []string
	for k := range maps.Keys(m) {
		out = append(out, k.resource.String()+"/"+k.name)
	}
	slices.Sort(out)
	return out
}

func sameQuery(t *testing.T, count *seen, what string, r request, want string, wantErr error, got string, err error) {
	t.Helper()
	count.requests++
	wantExpr, unreadable := parser.NewParser(parser.Options{}).ParseExpr(want)
	if wantErr == nil && unreadable != nil {
		count.notCompared++ // what prometheus-adapter asks, the server refuses
		return
	}
	if (wantErr != nil) != (err != nil) {
		t.Errorf("prometheus-adapter says %q %v, we say %q %v: %s", want, wantErr, got, err, what)
		return
	}
	if err != nil {
		return
	}
	gotExpr, err := parser.NewParser(parser.Options{}).ParseExpr(got)
	if err != nil {
		t.Fatalf("our query cannot be parsed: %v: %s", err, what)
	}
	literally(wantExpr, r)
	if r.all {
		withoutNames(wantExpr, r)
	}
	if a, b := wantExpr.String(), valueOf(gotExpr).String(); a != b {
		t.Errorf("prometheus-adapter asks\n%s\nwe ask\n%s\nfor %s", a, b, what)
	}
}

// valueOf takes the question for the newest samples' times off a query of ours.
func valueOf(expr parser.Expr) parser.Expr {
	for {
		or, isOr := expr.(*parser.BinaryExpr)
		if !isOr || !strings.Contains(or.RHS.String(), `"__truecount__", "time`) {
			break
		}
		expr = or.LHS
	}
	call, isCall := expr.(*parser.Call)
	if !isCall || call.Func.Name != "label_replace" || !strings.HasSuffix(call.String(), `, "__truecount__", "value", "", "")`) {
		return expr
	}
	if vector, isVector := call.Args[0].(*parser.Call); isVector && vector.Func.Name == "vector" {
		return vector.Args[0]
	}
	return call.Args[0]
}

// literally makes the regular expressions that prometheus-adapter builds of a request's values match these literally.
func literally(expr parser.Expr, r request) {
	lists := [][]string{r.names}
	if r.selector != nil {
		requirements, _ := r.selector.Requirements()
		for _, requirement := range requirements {
			lists = append(lists, requirement.Values().List())
		}
	}
	eachMatcher(expr, func(m *labels.Matcher) *labels.Matcher {
		for _, list := range lists {
			if (m.Type == labels.MatchRegexp || m.Type == labels.MatchNotRegexp) && len(list) > 0 && m.Value == strings.Join(list, "|") {
				quoted := make([]string, len(list))
				for i, v := range list {
					quoted[i] = regexp.QuoteMeta(v)
				}
				return labels.MustNewMatcher(m.Type, m.Name, strings.Join(quoted, "|"))
			}
		}
		return m
	})
}

// withoutNames takes the objects' names out of a query of prometheus-adapter for all of them.
func withoutNames(expr parser.Expr, r request) {
	names := make([]string, len(r.names))
	for i, n := range r.names {
		names[i] = regexp.QuoteMeta(n)
	}
	eachMatcher(expr, func(m *labels.Matcher) *labels.Matcher {
		if m.Type == labels.MatchRegexp && m.Value == strings.Join(names, "|") && len(names) > 1 && !strings.HasPrefix(m.Name, "my_") {
			return nil
		}
		return m
	})
}

func eachMatcher(expr parser.Expr, change func(*labels.Matcher) *labels.Matcher) {
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			var out []*labels.Matcher
			for _, m := range s.LabelMatchers {
				if changed := change(m); changed != nil {
					out = append(out, changed)
				}
			}
			s.LabelMatchers = out
		}
		return nil
	})
}

// mapper knows Kubernetes' resources and the one of prometheus-adapter's example.
func mapper() meta.RESTMapper {
	m := metricrule.KnownResources().(*meta.DefaultRESTMapper)
	m.Add(schema.GroupVersionKind{Group: "cheese.io", Version: "v1", Kind: "Brand"}, meta.RESTScopeNamespace)
	return m
}
