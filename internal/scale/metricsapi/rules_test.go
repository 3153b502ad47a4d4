package metricsapi

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

func TestAFolderThatCannotBeReadTakesNoRulesAway(t *testing.T) {
	const rule = "rules:\n- {seriesQuery: a, metricsQuery: a}\n"
	r := newRules(metricrule.Options{})
	files := []text{{name: "apps/a.yaml", data: []byte(rule)}, {name: "other/b.yaml", data: []byte(rule)}}
	r.take(files, nil)
	for _, folder := range []string{"apps", "apps/"} {
		if changed := r.take(files[1:], []string{folder}); changed || len(r.set.Rules()) != 2 {
			t.Errorf("without %s there are %d rules", folder, len(r.set.Rules()))
		}
	}
	if r.take(files[1:], nil); len(r.set.Rules()) != 1 {
		t.Error("a file that is gone keeps its rules")
	}
}

// The seriesQuery of another namespace is none of a client's business, nor is whether its server answers.
func TestWhatIsNotKnownYetIsToldInItsOwnNamespace(t *testing.T) {
	m := model{set: metricrule.NewSet(metricrule.Options{})}
	for _, namespace := range []string{"park", "shop"} {
		m.set = m.set.Replace(metricrule.Source{Name: "rules", Namespace: namespace, Data: []byte(
			"rules:\n- {seriesQuery: secret_of_" + namespace + ", metricsQuery: a}\n- {seriesQuery: another, metricsQuery: a}\n")})
	}
	for _, d := range m.questions() {
		if strings.Contains(d.Matcher, "park") {
			m.note(d, nil, errors.New("no such server"), time.Now(), time.Minute)
		} else {
			m.note(d, &metricrule.Found{}, nil, time.Now(), time.Minute)
		}
	}
	_, _, missing := m.snapshot()
	p := &published{missing: missing}
	if err := queryError(p, "shop", metricrule.ErrUnknownMetric); resultOf(err) != noMetric || strings.Contains(err.Error(), "park") {
		t.Error(err)
	}
	if err := queryError(p, "park", metricrule.ErrUnknownMetric); resultOf(err) != notKnownYet || !strings.Contains(err.Error(), "secret_of_park") {
		t.Error(err)
	}
	m.set = m.set.Replace(metricrule.Source{Name: "operator", Data: []byte("rules:\n- {seriesQuery: all, metricsQuery: a}\n")})
	if _, _, missing := m.snapshot(); missing.in("shop") == nil {
		t.Error("the operator's own rules are for all namespaces")
	}
}

// texts are texts of a namespace with a rule each, and comments that fill them up to a size.
func texts(namespace string, from, to, size int) (all []text) {
	for i := from; i < to; i++ {
		rule := fmt.Sprintf("rules:\n- {seriesQuery: s%d, metricsQuery: a}\n", i)
		all = append(all, text{name: fmt.Sprintf("configmap %s/%04d: rules", namespace, i), namespace: namespace, data: []byte(rule + strings.Repeat("#", max(0, size-len(rule))))})
	}
	return all
}

// ruled lists the sources of a namespace that have rules.
func ruled(r *rules, namespace string) (names []string) {
	for _, rule := range r.set.Rules() {
		if rule.Namespace == namespace {
			names = append(names, rule.Source)
		}
	}
	return names
}

func TestTheConfigMapsOfOneNamespaceAreReadWithinBounds(t *testing.T) {
	const size = 1 << 20 // four have room
	r := newRules(metricrule.Options{})
	take := func(all ...[]text) bool { return r.take(slices.Concat(all...), nil) }
	bank := texts("bank", 0, 1, size)
	if take(bank, texts("shop", 1, 8, size)); len(ruled(r, "shop")) != 4 || len(ruled(r, "bank")) != 1 {
		t.Errorf("of shop %q, of bank %q", ruled(r, "shop"), ruled(r, "bank"))
	}
	p := r.problems()
	want := "configmap shop/0005: rules: there is no room for it: with it the ConfigMaps of the namespace shop have more than 500 keys with rules, or more than 4 MiB; nor for 2 others"
	if len(p) != 1 || p[0].String() != want || p[0].Namespace != "shop" || p[0].More != 2 || p[0].Err.Hint == "" {
		t.Errorf("got %+v\nwant %s", p, want)
	}
	if take(bank, texts("shop", 1, 8, size)) {
		t.Error("the same texts are a change")
	}
	// What is served is not displaced by one that comes before it by name.
	if take(bank, texts("shop", 0, 8, size)); slices.Contains(ruled(r, "shop"), "configmap shop/0000: rules") || len(ruled(r, "shop")) != 4 {
		t.Errorf("of shop %q", ruled(r, "shop"))
	}
	// What is gone makes room, and so does what has become smaller, whatever the order.
	if take(bank, texts("shop", 2, 8, size)); !slices.Contains(ruled(r, "shop"), "configmap shop/0005: rules") {
		t.Errorf("of shop %q", ruled(r, "shop"))
	}
	if take(bank, texts("shop", 2, 5, size), texts("shop", 5, 8, size/3)); len(ruled(r, "shop")) != 6 || len(r.problems()) != 0 {
		t.Errorf("of shop %q, %v", ruled(r, "shop"), r.problems())
	}
	// One that becomes too large stays as it was.
	if take(bank, texts("shop", 2, 5, size), texts("shop", 5, 6, size), texts("shop", 6, 8, size/3)); len(ruled(r, "shop")) != 6 || !r.problems()[0].Kept {
		t.Errorf("of shop %q, %v", ruled(r, "shop"), r.problems())
	}
}

// A ConfigMap has room for a hundred thousand keys.
func TestVeryManyKeysOfConfigMapsAreNotAllRead(t *testing.T) {
	r := newRules(metricrule.Options{})
	r.take(texts("shop", 0, 2000, 0), nil)
	if n := len(ruled(r, "shop")); n != 500 || len(r.problems()) != 1 {
		t.Errorf("%d rules, %d problems", n, len(r.problems()))
	}
	if n := len(r.read); n != 500 {
		t.Errorf("%d are remembered", n)
	}
	operators := newRules(metricrule.Options{})
	if operators.take(texts("", 0, 600, 0), nil); len(operators.read) != 600 {
		t.Errorf("%d of the operator's own", len(operators.read))
	}
}
