package metricsapi

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"
)

func pod(namespace, name string, set map[string]string) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: set}}
}

func selector(t *testing.T, text string) labels.Selector {
	t.Helper()
	s, err := labels.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestASelectorChoosesAsKubernetesDoes compares every way to choose with a plain loop, through a random history of changes.
func TestASelectorChoosesAsKubernetesDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	o, model := newObjects(), map[string]map[string]string{}
	selectors := []string{"", "app=a", "app==a,tier=x", "app in (a,b)", "app notin (a)", "app", "!tier", "app=none", "app!=a,tier in (x,y)"}
	for step := range 3000 {
		name := fmt.Sprintf("pod-%d", random.IntN(60))
		set := map[string]string{}
		for _, key := range []string{"app", "tier"} {
			if random.IntN(3) > 0 {
				set[key] = []string{"a", "b", "x", "y"}[random.IntN(4)]
			}
		}
		switch random.IntN(10) {
		case 0, 1:
			if err := o.Delete(cache.DeletedFinalStateUnknown{Obj: pod("shop", name, nil)}); err != nil {
				t.Fatal(err)
			}
			delete(model, name)
		case 2:
			var all []any
			for name, set := range model {
				all = append(all, pod("shop", name, set))
			}
			if err := o.Replace(append(all, pod("other", "foreign", map[string]string{"app": "a"})), ""); err != nil {
				t.Fatal(err)
			}
		default:
			if err := o.Update(pod("shop", name, set)); err != nil {
				t.Fatal(err)
			}
			model[name] = set
		}
		s := selector(t, selectors[step%len(selectors)])
		var want []string
		for name, set := range model {
			if s.Matches(labels.Set(set)) {
				want = append(want, name)
			}
		}
		slices.Sort(want)
		if got := o.names("shop", s); !slices.Equal(got, want) {
			t.Fatalf("step %d: %q chooses %v, want %v", step, s, got, want)
		}
		if got, few := o.few("shop", s, 5); few && !slices.Equal(got, want) {
			t.Fatalf("step %d: %q chooses few: %v, want %v", step, s, got, want)
		}
		var chosen []string
		o.choose("shop", s, func(wanted func(string) bool) {
			for i := range 61 {
				if name := fmt.Sprintf("pod-%d", i); wanted(name) {
					chosen = append(chosen, name)
				}
			}
		})
		slices.Sort(chosen)
		if !slices.Equal(chosen, want) {
			t.Fatalf("step %d: %q chooses %v one by one, want %v", step, s, chosen, want)
		}
	}
}

func TestALabelOfOnePodIsFoundWithoutLookingAtTheOthers(t *testing.T) {
	o := newObjects()
	for i := range 500 {
		if err := o.Add(pod("shop", fmt.Sprintf("pod-%d", i), map[string]string{"app": "shop", "number": fmt.Sprint(i)})); err != nil {
			t.Fatal(err)
		}
	}
	names, few := o.few("shop", selector(t, "app=shop,number=17"), 1)
	if !few || !slices.Equal(names, []string{"pod-17"}) {
		t.Errorf("got %v, %v", names, few)
	}
	if _, few := o.few("shop", selector(t, "app=shop"), 50); few {
		t.Error("500 pods are taken for few")
	}
	if names, few := o.few("shop", labels.Nothing(), 50); !few || len(names) != 0 {
		t.Errorf("nothing chooses %v, %v", names, few)
	}
}

func TestOnlyNamesAndLabelsAreKept(t *testing.T) {
	full := pod("shop", "a", map[string]string{"app": "shop"})
	full.Annotations, full.ManagedFields = map[string]string{"large": "text"}, []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	got, err := newObjects().Transformer()(full)
	if err != nil {
		t.Fatal(err)
	}
	if o := got.(*metav1.PartialObjectMetadata); o.Annotations != nil || o.ManagedFields != nil || o.Labels["app"] != "shop" || o.Name != "a" || o.Namespace != "shop" {
		t.Errorf("%+v is kept", o)
	}
}
