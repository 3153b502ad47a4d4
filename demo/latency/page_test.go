package latency_test

import (
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/truecount/truecount/demo/latency"
	"github.com/truecount/truecount/test/chromium"
)

// TestAPersonSeesResponseTimesBreaksTheServiceAndRepairsIt drives the page at phone width. With SCREENSHOT=file it keeps a
// picture of the broken service.
func TestAPersonSeesResponseTimesBreaksTheServiceAndRepairsIt(t *testing.T) {
	app := newApp(t, latency.Options{Slowdown: 2, ErrorPercent: 100})
	server := httptest.NewServer(app.Handler())
	defer server.Close()
	page := chromium.Open(t)
	page.Patience = 30 * time.Second
	page.Phone()
	page.Open(server.URL)
	page.SeeText("h1", "This answer took")
	page.SeeText("#state", "All is well")
	page.See(`Number(document.querySelectorAll("#dots circle").length) >= 3`, "true")
	page.SeeText("#p50", "ms")
	page.SeeText("#errors", "0")
	page.WantFit()
	page.WantQuiet()

	page.Click("break")
	page.SeeText("#state", "Broken on purpose: slow and failing")
	page.See(`document.querySelectorAll("#dots circle.failed").length > 0`, "true")
	page.WantFit()
	if file := os.Getenv("SCREENSHOT"); file != "" {
		page.See(`document.querySelectorAll("#dots circle").length > 30`, "true")
		page.Screenshot(file)
	}
	page.Open(server.URL) // the page itself is an error now, and still has the switch
	page.SeeText("h1", "This answer is an error")
	page.Click("repair")
	page.SeeText("#state", "All is well")
	page.Open(server.URL)
	page.SeeText("h1", "This answer took")

	server.Close()
	page.SeeText("#trouble", "does not answer")
}
