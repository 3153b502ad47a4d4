package instrument

import "testing"

func TestSeriesWhoseValuesHaveTheSameHashAreToldApart(t *testing.T) {
	const hash = 7
	x := index[int]{}
	for i, value := range []string{"a", "b", "c"} {
		x.add(hash, []string{value}, i)
	}
	other := index[int]{}
	other.add(hash, []string{"d"}, 3)
	y := x.with(other)
	y.remove(hash, []string{"b"})
	y.remove(hash, []string{"unknown"})
	expect := func(x index[int], want map[string]int) {
		t.Helper()
		for _, value := range []string{"a", "b", "c", "d", "e"} {
			wanted, there := want[value]
			if got, ok := x.find(hash, []string{value}); got != wanted || ok != there {
				t.Errorf("%s is %d, %v, want %d, %v", value, got, ok, wanted, there)
			}
		}
	}
	expect(x, map[string]int{"a": 0, "b": 1, "c": 2}) // readers may still use it
	expect(y, map[string]int{"a": 0, "c": 2, "d": 3})
	y.remove(hash, []string{"a"})
	y.remove(hash, []string{"c"})
	y.remove(hash, []string{"d"})
	if len(y) != 0 {
		t.Errorf("%d lists are left", len(y))
	}
}
