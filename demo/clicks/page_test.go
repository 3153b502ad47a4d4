package clicks_test

import (
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/truecount/truecount/demo/service"
	"github.com/truecount/truecount/demo/service/browsertest"
)

func TestThePageCountsWhatWasAnsweredAndByWhom(t *testing.T) {
	app := newApp(t, service.Environment{Replica: "clicks-0"})
	server := httptest.NewServer(app.Handler())
	defer server.Close()
	ctx := browsertest.Open(t)
	hit := chromedp.Click(chromedp.CSS("#hit"))
	browsertest.Do(ctx, t, chromedp.EmulateViewport(390, 800), chromedp.Navigate(server.URL), hit)
	browsertest.WantText(ctx, t, "#count", "1")
	browsertest.WantText(ctx, t, "#counted", "click answered")
	browsertest.Do(ctx, t, hit, hit)
	browsertest.WantText(ctx, t, "#count", "3")
	browsertest.WantText(ctx, t, "#workers li", "clicks-0 ·")
	browsertest.WantFit(ctx, t)
	if got := counted(t, scrape(app).Body); got != 3 {
		t.Errorf("counted %v, want 3", got)
	}

	server.Close()
	browsertest.Do(ctx, t, hit)
	browsertest.WantText(ctx, t, "#trouble", "not counted for sure")
	browsertest.WantText(ctx, t, "#count", "3")
}
