package clicks_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/truecount/truecount/demo/service"
	"github.com/truecount/truecount/test/chromium"
)

func TestThePageCountsWhatWasAnsweredAndByWhom(t *testing.T) {
	app := newApp(t, service.Environment{Replica: "clicks-0"})
	server := httptest.NewServer(app.Handler())
	defer server.Close()
	page := chromium.Open(t)
	page.Patience = 30 * time.Second
	page.Phone()
	page.Open(server.URL)
	page.ClickOn("#hit")
	page.SeeText("#count", "1")
	page.SeeText("#counted", "click answered")
	page.ClickOn("#hit")
	page.ClickOn("#hit")
	page.SeeText("#count", "3")
	page.SeeText("#workers li", "clicks-0 ·")
	page.WantFit()
	if got := counted(t, scrape(app).Body); got != 3 {
		t.Errorf("counted %v, want 3", got)
	}

	server.Close()
	page.ClickOn("#hit")
	page.SeeText("#trouble", "not counted for sure")
	page.SeeText("#count", "3")
}
