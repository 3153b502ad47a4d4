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
	told, goOn := make(chan string), make(chan struct{})
	defer close(goOn)
	in := run(t, config, func(o *Options) {
		o.Stored = func(label func(string) string) {
			select {
			case told <- label("pod"):
				<-goOn // the next scrape waits until the test has looked
			case <-goOn:
			}
		}
	})
	for up, late := "0", time.After(patience); up == "0"; { // a scrape that is not over after its 100 ms is told of, too
		select {
		case pod := <-told:
			if pod != "clicks-0" {
				t.Errorf("the target's label pod is %q", pod)
			}
		case <-late:
			t.Fatal("nobody was told of a scrape that went well")
		}
		if up = in.value(t, `up{pod="clicks-0"}`); up == "0" {
			goOn <- struct{}{}
		}
	}
	if got := in.value(t, `clicks_total{pod="clicks-0"}`); got != "7" {
		t.Errorf("told, and yet the database says %q", got)
	}
}
