package server

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

func TestWhoIsToldOfAScrapeFindsItsSamples(t *testing.T) {
	tg := newTarget(t, "clicks_total 7\n")
	config := configuration(t, "file_sd.yml")
	write(t, filepath.Join(filepath.Dir(config), "targets", "clicks.json"), fmt.Sprintf(`[{"targets": [%q], "labels": {"pod": "clicks-0"}}]`, tg.addr()))
	told := make(chan string, 1)
	in := run(t, config, func(o *Options) {
		o.Stored = func(label func(string) string) {
			select {
			case told <- label("pod"):
			default:
			}
		}
	})
	select {
	case pod := <-told:
		if pod != "clicks-0" {
			t.Errorf("the target's label pod is %q", pod)
		}
	case <-time.After(patience):
		t.Fatal("nobody was told")
	}
	if got := in.value(t, `clicks_total{pod="clicks-0"}`); got != "7" {
		t.Errorf("told, and yet the database says %q", got)
	}
}
