package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/application"
)

func TestTheFileIsTheDemoWithWindowsOfFiveSeconds(t *testing.T) {
	file, err := application.Load("clicks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	demo, err := application.Load("../../demo/clicks/truecount.yaml")
	if err != nil {
		t.Fatal(err)
	}
	measured, usual := file.Applications[0], demo.Applications[0]
	for name, query := range usual.Queries() {
		want := strings.ReplaceAll(query, "[2m]", "[5s]")
		if got := measured.Queries()[name]; got != want || got == query {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got, want := measured.Spec.Workers.Count, usual.Spec.Workers.Count; got != want {
		t.Errorf("%d workers, the demo has %d", got, want)
	}
	local := application.DefaultLocal()
	if file.Local.ScrapeInterval != local.ScrapeInterval || file.Local.SyncPeriod != local.SyncPeriod || file.Local.ReadInterval != local.ReadInterval {
		t.Errorf("periods differ from the laptop's: %+v", file.Local)
	}
}

func TestTheSharesAreOfTheWholeTimeOfAllClicks(t *testing.T) {
	var out bytes.Buffer
	err := report(&out, []trial{
		{0, 0, 100 * time.Millisecond, 200 * time.Millisecond, 0},
		{0, 0, 500 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond},
		{0, 0, 300 * time.Millisecond, 300 * time.Millisecond, 400 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	for step, want := range map[string][]string{
		"scraped and stored":               {"300 ms", "100 ms", "500 ms", "45 %"},
		"decided: replicas wanted changed": {"200 ms", "100 ms", "300 ms", "30 %"},
		"click → replicas wanted changed":  {"600 ms", "300 ms", "600 ms", "75 %"},
		"click → another replica serves":   {"700 ms", "300 ms", "1000 ms", "100 %"},
	} {
		var line string
		for l := range strings.Lines(out.String()) {
			if strings.HasPrefix(l, step) {
				line = l
			}
		}
		at := 0
		for _, cell := range want {
			i := strings.Index(line[at:], cell)
			if i < 0 {
				t.Fatalf("%q lacks %q in order", line, cell)
			}
			at += i + len(cell)
		}
	}
}
