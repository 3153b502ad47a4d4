package strictyaml

import "testing"

func TestTheClosestNameIsSuggestedAndOnlyIfItIsClose(t *testing.T) {
	known := []string{"count", "manager", "listener", "metrics", "publish", "for"}
	for _, test := range []struct{ got, want string }{
		{"Count", "count"},
		{"cuont", "count"}, // two letters swapped are one slip
		{"coutn", "count"},
		{"managers", "manager"},
		{"listner", "listener"},
		{"metric", "metrics"},
		{"fro", "for"},
		{"replicas", ""},
		{"", ""},
		{"x", ""},
	} {
		if got := closest(test.got, known); got != test.want {
			t.Errorf("for %q got %q, want %q", test.got, got, test.want)
		}
	}
}

func TestASwapOfTwoLettersIsOneSlip(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"count", "cuont", 1}, {"on", "no", 1}, {"kitten", "sitting", 3}, {"é", "e", 1}} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("from %q to %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
