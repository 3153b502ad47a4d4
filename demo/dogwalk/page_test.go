package dogwalk_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/truecount/truecount/demo/dogwalk/store"
	"github.com/truecount/truecount/test/chromium"
)

// TestAVisitorWalksThroughEveryPage does in a browser what the pages are for, at phone width.
func TestAVisitorWalksThroughEveryPage(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	server := httptest.NewServer(s.handler)
	defer server.Close()
	page := chromium.Open(t)
	page.Patience = 30 * time.Second
	look := func(selector, want string) {
		t.Helper()
		page.SeeText(selector, want)
		page.WantFit()
	}
	page.Phone()
	page.Open(server.URL + "/")
	look("h1", "Nobody is out")

	// Start a walk: first without a walker, then with one.
	page.ClickOn(".bar .button")
	look("h1", "Start a walk")
	page.ClickOn(".choices.dogs label:nth-child(3)")
	page.ClickOn("main button")
	look(".note.bad", "something is missing")
	look(".missing .wrong", "Please choose a walker.")
	page.ClickOn("fieldset:last-of-type label:nth-child(2)")
	page.ClickOn("main button")
	look(".note.good", "Juno is out with Grace")

	// Complete it.
	page.ClickOn(".note.good a")
	look("h1", "How far")
	page.Type("#distance", "1700")
	page.ClickOn("main button")
	look(".note.good", "Juno and Grace walked 1.7 km")
	look("tbody tr", "Juno Grace 1.7 km")

	// A new dog, and away with it.
	page.ClickOn("nav a:first-child")
	look("h1", "Dogs and walkers")
	dog := `form[action="/dogs"] `
	page.Type(dog+`[name="name"]`, "Zorro")
	page.Type(dog+`[name="age"]`, "5")
	page.ClickOn(dog + "button")
	look("ul.rows li:last-child", "Zorro medium, 5 years")
	page.ClickOn("ul.rows li:last-child summary")
	page.ClickOn("ul.rows li:last-child button")
	look("ul.rows li:last-child", "Tank")

	// Make the alerts happen.
	page.ClickOn("nav a:last-child")
	look("h1", "Make the alerts happen")
	page.ClickOn(`form[action="/alerts/long-walks"] button`)
	look("figcaption", "outside of the band")
	page.ClickOn(`form[action="/alerts/close"] button`)
	look(".note.warn", "The kennel is closed for another 15 min")
	page.ClickOn(`form[action="/alerts/open"] button`)
	look(`form[action="/alerts/close"]`, "Close the kennel")

	s.wantCounts(counts{started: 21, completed: 21, invalid: 1, distances: 21, metres: 1700 + 20*9000})

	page.Open(server.URL + "/walks/1/complete")
	look("h1", "Already complete")
}

func TestNamesAreShownAsTheyWereTyped(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	server := httptest.NewServer(s.handler)
	defer server.Close()
	const name = `<script>document.title="x"</script>`
	s.post("/dogs", "name", name, "age", "1", "size", string(store.Large))
	page := chromium.Open(t)
	page.Patience = 30 * time.Second
	page.Open(server.URL + "/kennel")
	page.SeeText("ul.rows li:first-child b", name)
	page.SeeText("title", "Dogs and walkers")
}
