package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/truecount/truecount/internal/web"
)

// browser is one tab of a real Chromium.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	messages []string // what the page wrote to the console: violations of its policy are among it
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("REQUIRE_TOOLS") == "1" {
			t.Fatal("chromium is missing: scripts/tools.sh installs it")
		}
		t.Skip("chromium is missing: scripts/tools.sh installs it")
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx}
	b.do(chromedp.EmulateViewport(1280, 900)) // starts it: not under a deadline, which would be the browser's
	console := chromedp.Console(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m, err := range console {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.messages = append(b.messages, fmt.Sprintf("%s: %s (%s)", m.Type, m.Text, m.URL))
			b.mu.Unlock()
		}
	}()
	t.Cleanup(func() { _ = chromedp.Cancel(ctx); <-done })
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) open(url string) { b.t.Helper(); b.do(chromedp.Navigate(url)) }

// eval runs a script in the page and returns its value as text.
func (b *browser) eval(script string) string {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+script+")"))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return v
}

// see waits until a script's value is the wanted one. What the script looks at may not be there yet.
func (b *browser) see(script, want string) {
	b.t.Helper()
	var got string
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if got = b.eval(`(() => { try { return ` + script + ` } catch (err) { return err } })()`); got == want {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			b.t.Fatalf("%s is %q, want %q; console: %v", script, got, want, b.console())
		}
	}
}

func (b *browser) console() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.messages...)
}

// wantQuiet fails if the page wrote anything to the console: exceptions, files not found, violations of its policy.
func (b *browser) wantQuiet() {
	b.t.Helper()
	for _, m := range b.console() {
		b.t.Errorf("console: %s", m)
	}
}

func (b *browser) click(testid string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(`[data-testid="` + testid + `"]`)))
}

func byID(testid string) string { return `document.querySelector('[data-testid="` + testid + `"]')` }

// promAPI is /api/v1 with answers by path: what the pages do with hostile or huge ones is the question here. That they
// work with the real API is shown where everything runs together.
type promAPI map[string]any

func (p promAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	data, ok := p[strings.TrimPrefix(r.URL.Path, "/api/v1/")]
	if err, failed := data.(error); failed || !ok {
		w.WriteHeader(http.StatusBadRequest)
		if !ok {
			err = fmt.Errorf("no answer for %s in this test", r.URL.Path)
		}
		json.NewEncoder(w).Encode(map[string]any{"status": "error", "errorType": "bad_data", "error": err.Error()})
		return
	}
	answer := map[string]any{"status": "success", "data": data}
	if r.FormValue("query") == "warn" {
		answer["warnings"] = []string{"a warning of the engine"}
	}
	json.NewEncoder(w).Encode(answer)
}

type object = map[string]any

func vector(series ...object) object {
	return object{"resultType": "vector", "result": append([]object{}, series...)}
}

func matrix(series ...object) object {
	return object{"resultType": "matrix", "result": append([]object{}, series...)}
}

func emptyAPI() promAPI {
	return promAPI{
		"query_range": matrix(), "query": vector(), "targets": object{"activeTargets": []object{}}, "rules": object{"groups": []object{}},
		"metadata": object{}, "labels": []string{}, "label/__name__/values": []string{}, "series": []object{}, "status/flags": object{},
	}
}

func site(t *testing.T, live web.Live, api http.Handler) string {
	t.Helper()
	h := newHandler(t, web.Options{Live: live, Interval: 50 * time.Millisecond})
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.Handle("/api/v1/", api)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	t.Cleanup(h.Close)
	return srv.URL
}
