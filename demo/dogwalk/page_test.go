package dogwalk_test

import (
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/truecount/truecount/demo/dogwalk/store"
	"github.com/truecount/truecount/demo/service/browsertest"
)

// TestAVisitorWalksThroughEveryPage does in a browser what the pages are for, at phone width.
func TestAVisitorWalksThroughEveryPage(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	server := httptest.NewServer(s.handler)
	defer server.Close()
	ctx := browsertest.Open(t)
	click := func(selector string) chromedp.Action[chromedp.Void] { return chromedp.Click(chromedp.CSS(selector)) }
	look := func(selector, want string) {
		t.Helper()
		browsertest.WantText(ctx, t, selector, want)
		browsertest.WantFit(ctx, t)
	}
	do := func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		browsertest.Do(ctx, t, steps...)
	}
	do(chromedp.EmulateViewport(390, 800), chromedp.Navigate(server.URL+"/"))
	look("h1", "Nobody is out")

	// Start a walk: first without a walker, then with one.
	do(click(".bar .button"))
	look("h1", "Start a walk")
	do(click(".choices.dogs label:nth-child(3)"), click("main button"))
	look(".note.bad", "something is missing")
	look(".missing .wrong", "Please choose a walker.")
	do(click("fieldset:last-of-type label:nth-child(2)"), click("main button"))
	look(".note.good", "Juno is out with Grace")

	// Complete it.
	do(click(".note.good a"))
	look("h1", "How far")
	do(chromedp.SendKeys(chromedp.CSS("#distance"), "1700"), click("main button"))
	look(".note.good", "Juno and Grace walked 1.7 km")
	look("tbody tr", "Juno Grace 1.7 km")

	// A new dog, and away with it.
	do(click("nav a:first-child"))
	look("h1", "Dogs and walkers")
	dog := `form[action="/dogs"] `
	do(chromedp.SendKeys(chromedp.CSS(dog+`[name="name"]`), "Zorro"), chromedp.SendKeys(chromedp.CSS(dog+`[name="age"]`), "5"), click(dog+"button"))
	look("ul.rows li:last-child", "Zorro medium, 5 years")
	do(click("ul.rows li:last-child summary"), click("ul.rows li:last-child button"))
	look("ul.rows li:last-child", "Tank")

	// Make the alerts happen.
	do(click("nav a:last-child"))
	look("h1", "Make the alerts happen")
	do(click(`form[action="/alerts/long-walks"] button`))
	look("figcaption", "outside of the band")
	do(click(`form[action="/alerts/close"] button`))
	look(".note.warn", "The kennel is closed for another 15 min")
	do(click(`form[action="/alerts/open"] button`))
	look(`form[action="/alerts/close"]`, "Close the kennel")

	s.wantCounts(counts{started: 21, completed: 21, invalid: 1, distances: 21, metres: 1700 + 20*9000})

	do(chromedp.Navigate(server.URL + "/walks/1/complete"))
	look("h1", "Already complete")
}

func TestNamesAreShownAsTheyWereTyped(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	server := httptest.NewServer(s.handler)
	defer server.Close()
	const name = `<script>document.title="x"</script>`
	s.post("/dogs", "name", name, "age", "1", "size", string(store.Large))
	ctx := browsertest.Open(t)
	browsertest.Do(ctx, t, chromedp.Navigate(server.URL+"/kennel"))
	browsertest.WantText(ctx, t, "ul.rows li:first-child b", name)
	browsertest.WantText(ctx, t, "title", "Dogs and walkers")
}
