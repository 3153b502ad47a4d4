package metricrule_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// many writes small rules, from one number up to another.
func many(from, to int) string {
	var b strings.Builder
	b.WriteString("rules:\n")
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "- {seriesQuery: s%d, metricsQuery: a}\n", i)
	}
	return b.String()
}

// of counts the rules of a namespace.
func of(set *metricrule.Set, namespace string) (n int) {
	for _, r := range set.Rules() {
		if r.Namespace == namespace {
			n++
		}
	}
	return n
}

func TestOneNamespaceCannotCrowdOutOthers(t *testing.T) {
	set := metricrule.NewSet(metricrule.Options{})
	for _, source := range []metricrule.Source{
		operator(many(0, 600)), owned("shop", "a", many(0, 300)), owned("shop", "b", many(300, 600)), owned("bank", "c", many(0, 400)),
	} {
		set = set.Replace(source)
	}
	if operators, shop, bank := of(set, ""), of(set, "shop"), of(set, "bank"); operators != 600 || shop != 500 || bank != 400 {
		t.Errorf("%d rules of the operator, %d of shop, %d of bank", operators, shop, bank)
	}
	problems := set.Problems()
	if len(problems) != 100 {
		t.Fatalf("%d problems", len(problems))
	}
	first := problems[0]
	if want := "b:202:3: rules[200]: there is no room for it: with it all rules of the namespace shop are more than 500"; first.String() != want ||
		first.Err.Hint == "" || first.Namespace != "shop" {
		t.Errorf("got %+v\nwant %s", first, want)
	}

	// What has room again is served, whichever source has made it.
	if less := set.Replace(owned("shop", "a", many(0, 250))); of(less, "shop") != 500 || len(less.Problems()) != 50 {
		t.Errorf("with less of another source there are %d rules", of(less, "shop"))
	}
	if gone := set.Remove("shop", "a"); of(gone, "shop") != 300 || len(gone.Problems()) != 0 {
		t.Errorf("without the other source there are %d rules and %v", of(gone, "shop"), gone.Problems())
	}
	if of(set, "shop") != 500 {
		t.Error("the set that was there has changed")
	}
}

// signals is an application of shop with n signals.
func signals(n int) string {
	text := "apiVersion: truecount/v1alpha1\nkind: Application\nmetadata: {name: web, namespace: shop}\nspec:\n  command: [web]\n  port: 8000\n" +
		"  workers: {count: 1, metrics: {sockets: {}}}\n  signals:\n"
	for i := range n {
		text += fmt.Sprintf("    signal%d: {query: sum(a)}\n", i)
	}
	return text
}

func TestTheSignalsOfAnApplicationCountAsRules(t *testing.T) {
	set := metricrule.NewSet(metricrule.Options{}).Replace(owned("shop", "a", many(0, 495))).Replace(owned("shop", "b", signals(5)))
	if of(set, "shop") != 500 {
		t.Errorf("%d rules, %v", of(set, "shop"), set.Problems())
	}
	set = set.Replace(owned("shop", "b", signals(6)))
	if p := set.Problems(); of(set, "shop") != 500 || len(p) != 1 || !strings.Contains(p[0].String(), "b:9:5: spec.signals: there is no room for it") || !p[0].Kept {
		t.Errorf("%d rules, %v", of(set, "shop"), p)
	}
}

// large is a rule with regular expressions of about 400 KiB, in its selector or in a filter.
func large(i int) string {
	if i%2 == 1 {
		return fmt.Sprintf("- {seriesQuery: s%d, metricsQuery: a, seriesFilters: [{is: '%s'}]}\n", i, strings.Repeat(".{999}", 9))
	}
	return fmt.Sprintf("- {seriesQuery: 's%d{a=~\"%s\"}', metricsQuery: a}\n", i, strings.Repeat(".{999}", 9))
}

func TestTheMemoryOfANamespaceIsBounded(t *testing.T) {
	var text strings.Builder
	text.WriteString("rules:\n")
	for i := range 200 {
		text.WriteString(large(i))
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	set := metricrule.NewSet(metricrule.Options{})
	for i := range 5 {
		set = set.Replace(owned("shop", fmt.Sprint(i), text.String()))
	}
	// Versions that break what was good, and bring more, must not add up either: what is kept needs room, too.
	for i := range 5 {
		set = set.Replace(owned("shop", "0", "rules:\n"+strings.Repeat(badRule, 20*i)+strings.Join(strings.SplitAfter(text.String(), "\n")[1:20], "")))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if took := (int(after.HeapAlloc) - int(before.HeapAlloc)) >> 20; took > 16 {
		t.Errorf("the rules of shop take %d MiB", took)
	}
	if n := of(set, "shop"); n < 10 || n > 30 {
		t.Errorf("%d rules are served", n)
	}
	if p := set.Problems(); len(p) == 0 || !strings.Contains(fmt.Sprint(p), "all rules of the namespace shop would take more than 8 MiB of memory") {
		t.Errorf("%d problems", len(p))
	}
	set = set.Replace(owned("bank", "rules.yaml", "rules:\n"+large(1)))
	if of(set, "bank") != 1 {
		t.Error("another namespace has no room", set.Problems()[0])
	}
}

func TestWhatStaysNeedsRoomToo(t *testing.T) {
	set := metricrule.NewSet(metricrule.Options{})
	for i := range 4 {
		// All that was good is broken, and as much is new.
		set = set.Replace(owned("shop", "a", "rules:\n"+strings.Repeat(badRule, i*500)+strings.TrimPrefix(many(i*500, i*500+500), "rules:\n")))
		if n := of(set, "shop"); n != 500 {
			t.Errorf("version %d: %d rules are served", i, n)
		}
	}
	broken := set.Replace(owned("shop", "a", strings.Replace(many(1500, 2000), "- {seriesQuery: s1700,", "- {seriesQuery: '{',", 1)))
	if n, p := of(broken, "shop"), broken.Problems(); n != 500 || len(p) != 1 || !p[0].Kept {
		t.Errorf("%d rules are served, %v", n, p)
	}
}
