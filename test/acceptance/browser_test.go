package acceptance

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/truecount/truecount/test/chromium"
)

// TestAPersonClicksAndTheChainMoves drives the first page in headless Chromium: the button, the bars, the true count, the
// replicas; then a worker is killed and the count stands. With SCREENSHOT=file it keeps a picture of the page.
func TestAPersonClicksAndTheChainMoves(t *testing.T) {
	t.Parallel()
	c := startUp(t, "--traffic", "2")
	page := openPage(t, c.URL)

	page.waitFor("four bars and a count of 0", func() bool { return page.count("worker-bar") == 4 && page.value("merged") == 0 })
	page.Click("try")
	page.waitFor("one click counted", func() bool { return page.value("merged") == 1 && page.sum("worker-bar") == 1 })
	page.waitFor("one click per second value", func() bool { return page.value("per-second") > 0 })
	page.Click("try")
	page.waitFor("two replicas wanted and running", func() bool {
		return page.value("replicas-wanted") == 2 && page.value("replicas-running") == 2
	})
	for range 8 {
		page.Click("try")
	}
	page.waitFor("more replicas", func() bool {
		return page.value("merged") == 10 && page.value("replicas-wanted") > 2 && page.value("replicas-running") > 2 && page.count("worker-bar") > 8
	})

	// Kill workers until one is gone that had counted something: the sum of the bars falls, the merged count stands.
	page.waitFor("all clicks in bars", func() bool { return page.sum("worker-bar") == 10 })
	for range 12 {
		page.Click("kill")
		page.waitFor("a killed worker is replaced", func() bool { return page.count("worker-bar") >= 8 })
		if page.sum("worker-bar") < 10 {
			break
		}
	}
	page.waitFor("the killed worker's clicks are kept", func() bool { return page.sum("worker-bar") < 10 })
	if got := page.value("merged"); got != 10 {
		t.Errorf("after kills the merged count is %v, want 10", got)
	}
	page.waitFor("the chart of both lines", func() bool {
		return page.Number(`document.querySelectorAll('[data-testid="naive-chart"] canvas').length`) == 1
	})
	page.WantQuiet()
	if file := os.Getenv("SCREENSHOT"); file != "" {
		eventually(t, patience, func() bool {
			v, _ := c.query(`count_over_time(merged:demo_app_button_clicks_total[5m])`)
			return v > 30
		},
			func() string { return "the chart has too little to show" })
		page.Screenshot(file)
	}
}

func TestAQueryIsALinkAndShowsItsAnswer(t *testing.T) {
	t.Parallel()
	c := startUp(t, "--traffic", "0")
	eventually(t, patience, func() bool { v, _ := c.query(`sum(up{job="clicks"})`); return v == 1 }, func() string { return "clicks is not scraped" })
	page := chromium.Open(t)
	page.Open(c.URL + "/query?g0.expr=sum(up%7Bjob%3D%22clicks%22%7D)&g0.tab=table")
	page.SeeText("[data-testid=query-panel]", "1")
	page.Open(c.URL + "/targets")
	page.SeeText("body", "clicks-0")
	page.WantQuiet()
}

// firstPage reads the numbers of the first page from the elements that carry them.
type firstPage struct{ *chromium.Page }

func openPage(t *testing.T, url string) firstPage {
	t.Helper()
	page := firstPage{chromium.Open(t)}
	page.Open(url)
	return page
}

func (p firstPage) waitFor(what string, holds func() bool) {
	p.Await(holds, func() string {
		return fmt.Sprintf("not seen: %s; bars %v of sum %v, merged %v, per second %v, wanted %v, running %v", what,
			p.count("worker-bar"), p.sum("worker-bar"), p.value("merged"), p.value("per-second"), p.value("replicas-wanted"), p.value("replicas-running"))
	})
}

func (p firstPage) count(id string) float64 {
	return p.Number(`document.querySelectorAll(` + strconv.Quote(chromium.Selector(id)) + `).length`)
}

// value is an element's data-value, NaN if it has none.
func (p firstPage) value(id string) float64 {
	return p.Number(`document.querySelector(` + strconv.Quote(chromium.Selector(id)) + `)?.dataset.value || NaN`)
}

// sum adds up the data-values of all elements of that id.
func (p firstPage) sum(id string) float64 {
	return p.Number(`[...document.querySelectorAll(` + strconv.Quote(chromium.Selector(id)) + `)].reduce((s, e) => s + Number(e.dataset.value || 0), 0)`)
}
