package page_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/scale/replay"
	"github.com/truecount/truecount/internal/scale/replay/page"
	"github.com/truecount/truecount/test/chromium"
)

// report has two scenarios, a gap, a hold, and names that are not to be trusted.
func report() *replay.Report {
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	chart := func(scale float64) (c replay.Chart) {
		c.StepSeconds = 15
		for i := range 40 {
			v, replicas := scale*float64(i%10), int32(1+i/10)
			column := replay.Column{At: at.Add(time.Duration(i) * 15 * time.Second), Replicas: &replicas, Values: []*float64{&v}}
			if i > 20 && i < 25 {
				column.Values, column.Held = []*float64{nil}, true
			}
			if i == 30 {
				column.Replicas = nil
			}
			c.Columns = append(c.Columns, column)
		}
		return c
	}
	const evil = `<script>alert("x")</script>`
	return &replay.Report{
		Namespace: "shops", Name: evil, From: at, To: at.Add(10 * time.Minute), Syncs: 40, SyncSeconds: 15,
		Metrics:     []replay.Metric{{Name: evil, Type: "Pods", Target: "10", Query: evil}},
		Inputs:      []replay.Input{{What: "spec.replicas", From: evil}},
		Assumptions: []string{evil},
		Scenarios: []replay.Scenario{
			{Name: "recorded", Targets: []float64{5}, Summary: replay.Summary{Least: 1, Most: 4, Held: 4, MinutesHeld: 1}, Chart: chart(1),
				Agreement: &replay.Agreement{Compared: 39, Same: 38, Different: 1},
				Holds:     []replay.Hold{{Metric: "load", Reason: "the value is NaN", Decisions: 4}},
				Events:    []replay.Event{{At: at, Kind: replay.ScaledUp, From: 1, To: 2, Reason: evil}}},
			{Name: evil, Simulated: true, Targets: []float64{7}, Summary: replay.Summary{Least: 1, Most: 4}, Chart: chart(2), Events: []replay.Event{}},
		},
	}
}

func write(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	if err := page.Write(&out, report()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestThePageNeedsNothingElseAndRunsNothing(t *testing.T) {
	text := write(t)
	for _, bad := range []string{"<script", "http:", "https:", "src=", "@import", "url(", " onload", "style=\""} {
		if strings.Contains(text, bad) {
			t.Errorf("it has %q", bad)
		}
	}
	for _, good := range []string{"default-src &#39;none&#39;", "38 of 39 decisions the same", "&lt;script&gt;", "▲ up", "the value is NaN"} {
		if !strings.Contains(text, good) {
			t.Errorf("it does not have %q", good)
		}
	}
	if n := len(regexp.MustCompile("<svg viewBox=\"0 0 1080").FindAllString(text, -1)); n != 2 {
		t.Errorf("%d charts, not one of replicas and one of the metric", n)
	}
	if again := write(t); again != text {
		t.Error("the same report gives another page")
	}
}

func TestALineHasAGapWhereNothingIsKnown(t *testing.T) {
	lines := regexp.MustCompile(`<path class="line s0" d="([^"]*)"`).FindAllStringSubmatch(write(t), -1)
	if len(lines) != 2 || strings.Count(lines[0][1], "M") != 2 || strings.Count(lines[1][1], "M") != 2 {
		t.Error("replicas and metric are two lines each, with a gap between them:", lines)
	}
	if !strings.Contains(write(t), "recorded: not known") {
		t.Error("a column without replicas does not say so")
	}
}

func TestAReportWithoutScenariosIsAPageAsWell(t *testing.T) {
	r := report()
	r.Scenarios = nil
	if err := page.Write(&bytes.Buffer{}, r); err != nil {
		t.Error(err)
	}
}

func TestABrowserShowsThePageAndObeysItsPolicy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "replay.html")
	if err := os.WriteFile(file, []byte(write(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := chromium.Open(t)
	p.Open("file://" + file)
	p.See(`String(document.querySelectorAll("svg[role=img]").length === 2 && document.querySelector(".line").getBoundingClientRect().width > 500)`, "true")
	p.See(`getComputedStyle(document.querySelector(".line")).fill`, "none")
	p.Phone()
	p.WantFit()
	p.WantQuiet()
}
