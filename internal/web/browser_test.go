package web_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/truecount/truecount/internal/web"
)

func TestThePageShowsTheChainMove(t *testing.T) {
	c := newChain(4)
	b := newBrowser(t)
	b.open(site(t, c, emptyAPI()))
	b.see(byID("merged")+".dataset.value", "0")
	b.see(`document.querySelectorAll('[data-testid="worker-bar"]').length`, "4")
	b.see(byID("replicas-wanted")+".dataset.value", "1")
	for range 3 {
		b.click("try")
	}
	b.see(byID("merged")+".dataset.value", "3")
	b.see(`[...document.querySelectorAll('[data-testid="worker-bar"]')].map(e => e.dataset.value)`, "1,1,1,0")
	b.see(byID("replicas-wanted")+".dataset.value", "4")
	b.see(byID("replicas-running")+".dataset.value", "1")
	b.see(byID("per-second")+".textContent", "0.25/s")
	b.see(byID("reason")+".textContent", "16.7m of 10m → 2 replicas")
	b.see(byID("try-state")+".textContent", "3 answered")
	b.see(byID("settings")+".textContent", "scrapeevery 1s usually 15s")
	b.see(byID("naive-chart")+".querySelectorAll('canvas').length", "1")

	killed := b.eval(byID("worker-bar") + ".dataset.pid")
	b.click("kill")
	b.see(byID("worker-bar")+".dataset.pid === '"+killed+"'", "false")
	b.see(byID("worker-bar")+".dataset.value", "0")
	b.see(byID("merged")+".dataset.value", "3") // the merged count stands
	b.see(byID("merged")+".nextElementSibling.textContent", "2 by living workers + 1 kept from ended ones")
	b.wantQuiet()
}

func TestAFailedTryIsSaidOnThePage(t *testing.T) {
	c := newChain(4)
	c.tryError = errRefused
	b := newBrowser(t)
	b.open(site(t, c, emptyAPI()))
	b.see(byID("merged")+".dataset.value", "0")
	b.click("try")
	b.see(byID("try-state")+".textContent", "clicks does not answer: connection refused")
}

func TestTenReplicasOfFourWorkersFitOnAPhone(t *testing.T) {
	c := newChain(40)
	for i := range c.counts {
		c.counts[i] = float64(i * 997)
	}
	b := newBrowser(t)
	url := site(t, c, emptyAPI())
	for _, path := range pagePaths {
		if _, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 390, Height: 800, DeviceScaleFactor: 1, Mobile: true}); err != nil {
			t.Fatal(err)
		}
		b.open(url + path)
		if path == "/" {
			b.see(`document.querySelectorAll('[data-testid="worker-bar"]').length`, "40")
		} else {
			b.see("!!document.querySelector('h1')", "true")
		}
		b.see(`document.documentElement.scrollWidth <= 390 && innerWidth === 390`, "true")
	}
	b.wantQuiet()
}

func TestU6ThePageSaysThatTheBackendIsAwayAndComesBack(t *testing.T) {
	c := newChain(4)
	h := newHandler(t, web.Options{Live: c, Interval: 50 * time.Millisecond})
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.Handle("/api/v1/", emptyAPI())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(mux)
	srv.Listener.Close()
	srv.Listener = listener
	srv.Start()
	b := newBrowser(t)
	b.open(srv.URL)
	b.see(byID("connection")+".textContent", "live")
	b.see(byID("merged")+".dataset.value", "0")

	h.Close()
	srv.CloseClientConnections()
	srv.Close()
	b.see(byID("stale-banner")+".hidden", "false")
	b.see(`/^Truecount does not answer\. What you see is from .*, \d.* ago\./.test(`+byID("stale-banner")+`.textContent)`, "true")
	b.see(byID("connection")+".textContent", "away")
	b.see(byID("merged")+".closest('.station').classList.contains('stale')", "true") // and it is still there, marked
	b.see(byID("merged")+".dataset.value", "0")

	again, err := net.Listen("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	h = newHandler(t, web.Options{Live: c, Interval: 50 * time.Millisecond})
	mux = http.NewServeMux()
	mux.Handle("/", h)
	mux.Handle("/api/v1/", emptyAPI())
	srv = httptest.NewUnstartedServer(mux)
	srv.Listener.Close()
	srv.Listener = again
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(h.Close)
	b.see(byID("connection")+".textContent", "live")
	b.see(byID("stale-banner")+".hidden", "true")
}

func TestU6AnOldValueLooksOldWhileTheRestIsFresh(t *testing.T) {
	c := newChain(4)
	c.app.Strip.PerSecond = web.Reading{Value: 0.25, AgeSeconds: 42, EverySeconds: 1, Error: "the query timed out"}
	b := newBrowser(t)
	b.open(site(t, c, emptyAPI()))
	b.see(byID("per-second")+".closest('.station').classList.contains('stale')", "true")
	b.see(byID("per-second")+".closest('.station').querySelector('.age').textContent", "42 s ago")
	b.see(byID("per-second")+".closest('.station').querySelector('.explain').textContent", "the query timed out")
	b.see(byID("merged")+".closest('.station').classList.contains('stale')", "false")
}

func TestTheNaiveLineIsSeenToJumpAlsoWithManyWorkers(t *testing.T) {
	var naive, merged [][]any
	now := time.Now().Unix()
	for i := range 60 {
		naive = append(naive, []any{now - 60 + int64(i), fmt.Sprint(i%2 + 1)})
		merged = append(merged, []any{now - 60 + int64(i), fmt.Sprint(1000 + i)})
	}
	c := newChain(40)
	lines := map[string]promAPI{c.app.Strip.NaiveQuery: emptyAPI(), c.app.Strip.MergedQuery: emptyAPI(), c.app.Panels[0].Query: emptyAPI()}
	lines[c.app.Strip.NaiveQuery]["query_range"] = matrix(object{"metric": object{}, "values": naive})
	lines[c.app.Strip.MergedQuery]["query_range"] = matrix(object{"metric": object{}, "values": merged})
	b := newBrowser(t)
	b.open(site(t, c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { lines[r.FormValue("query")].ServeHTTP(w, r) })))
	b.see(byID("falls")+".textContent.startsWith('In these three minutes the naive line fell 29 times')", "true")
	b.see(byID("scale")+".textContent", "show linear scale")
	b.click("scale")
	b.see(byID("scale")+".textContent", "show log scale")
	b.see("location.search", "?scale=linear")
	b.wantQuiet()
}
