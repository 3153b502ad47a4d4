package web_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/web"
)

func TestThePageShowsTheChainMove(t *testing.T) {
	c := newChain(4)
	p := open(t, site(t, c, emptyAPI()))
	p.See(byID("merged")+".dataset.value", "0")
	p.See(`document.querySelectorAll('[data-testid="worker-bar"]').length`, "4")
	p.See(byID("replicas-wanted")+".dataset.value", "1")
	for range 3 {
		p.Click("try")
	}
	p.See(byID("merged")+".dataset.value", "3")
	p.See(`[...document.querySelectorAll('[data-testid="worker-bar"]')].map(e => e.dataset.value)`, "1,1,1,0")
	p.See(byID("replicas-wanted")+".dataset.value", "4")
	p.See(byID("replicas-running")+".dataset.value", "1")
	p.See(byID("per-second")+".textContent", "0.25/s")
	p.See(byID("reason")+".textContent", "16.7m of 10m → 2 replicas")
	p.See(byID("try-state")+".textContent", "3 answered")
	p.See(byID("settings")+".textContent", "scrapeevery 1s usually 15s")
	p.See(byID("naive-chart")+".querySelectorAll('canvas').length", "1")

	killed := p.Eval(byID("worker-bar") + ".dataset.pid")
	p.Click("kill")
	p.See(byID("worker-bar")+".dataset.pid === '"+killed+"'", "false")
	p.See(byID("worker-bar")+".dataset.value", "0")
	p.See(byID("merged")+".dataset.value", "3") // the merged count stands
	p.See(byID("merged")+".nextElementSibling.textContent", "2 by living workers + 1 kept from ended ones")
	p.WantQuiet()
}

func TestAFailedTryIsSaidOnThePage(t *testing.T) {
	c := newChain(4)
	c.tryError = errRefused
	p := open(t, site(t, c, emptyAPI()))
	p.See(byID("merged")+".dataset.value", "0")
	p.Click("try")
	p.See(byID("try-state")+".textContent", "clicks does not answer: connection refused")
}

func TestTenReplicasOfFourWorkersFitOnAPhone(t *testing.T) {
	c := newChain(40)
	for i := range c.counts {
		c.counts[i] = float64(i * 997)
	}
	p, url := openBrowser(t), site(t, c, emptyAPI())
	for _, path := range pagePaths {
		p.Phone()
		p.Open(url + path)
		if path == "/" {
			p.See(`document.querySelectorAll('[data-testid="worker-bar"]').length`, "40")
		} else {
			p.See("!!document.querySelector('h1')", "true")
		}
		p.See(`document.documentElement.scrollWidth <= 390 && innerWidth === 390`, "true")
	}
	p.WantQuiet()
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
	p := open(t, srv.URL)
	p.See(byID("connection")+".textContent", "live")
	p.See(byID("merged")+".dataset.value", "0")

	h.Close()
	srv.CloseClientConnections()
	srv.Close()
	p.See(byID("stale-banner")+".hidden", "false")
	p.See(`/^Truecount does not answer\. What you see is from .*, \d.* ago\./.test(`+byID("stale-banner")+`.textContent)`, "true")
	p.See(byID("connection")+".textContent", "away")
	p.See(byID("merged")+".closest('.station').classList.contains('stale')", "true") // and it is still there, marked
	p.See(byID("merged")+".dataset.value", "0")

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
	p.See(byID("connection")+".textContent", "live")
	p.See(byID("stale-banner")+".hidden", "true")
}

func TestU6AnOldValueLooksOldWhileTheRestIsFresh(t *testing.T) {
	c := newChain(4)
	c.app.Strip.PerSecond = web.Reading{Value: 0.25, AgeSeconds: 42, EverySeconds: 1, Error: "the query timed out"}
	p := open(t, site(t, c, emptyAPI()))
	p.See(byID("per-second")+".closest('.station').classList.contains('stale')", "true")
	p.See(byID("per-second")+".closest('.station').querySelector('.age').textContent", "42 s ago")
	p.See(byID("per-second")+".closest('.station').querySelector('.explain').textContent", "the query timed out")
	p.See(byID("merged")+".closest('.station').classList.contains('stale')", "false")
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
	p := open(t, site(t, c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { lines[r.FormValue("query")].ServeHTTP(w, r) })))
	p.See(byID("falls")+".textContent.startsWith('In these three minutes the naive line fell 29 times')", "true")
	p.See(byID("scale")+".textContent", "show linear scale")
	p.Click("scale")
	p.See(byID("scale")+".textContent", "show log scale")
	p.See("location.search", "?scale=linear")
	p.WantQuiet()
}
