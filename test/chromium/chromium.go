// Package chromium drives pages in a real, headless Chromium, for tests. It asks the page by scripts and waits for what
// must come; there is no expectation of speed in it.
package chromium

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/truecount/truecount/test/tool"
)

// Patience is how long a Page waits for what must come, unless told otherwise.
const Patience = 90 * time.Second

// Width of the window in CSS pixels, at first and after Phone.
const (
	deskWidth  = 1280
	phoneWidth = 390
)

// Page is one tab of a browser that ends with the test. It is for one goroutine.
type Page struct {
	// Patience bounds each wait and each step, from Open on.
	Patience time.Duration

	t     testing.TB
	ctx   context.Context
	width int // of the window: a phone's innerWidth grows with a page that is too wide

	mu       sync.Mutex
	messages []string // what the page wrote to the console: violations of its policy are among it
}

// Open starts a browser with a window of 1280 by 900 pixels. Without Chromium on this machine the test is skipped, or
// fails where REQUIRE_TOOLS=1 says that all tools must be there.
func Open(t testing.TB) *Page {
	t.Helper()
	ctx, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(tool.Need(t, "chromium", "chromium-browser", "google-chrome")), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.NoSandbox, // the tests may run as root, where Chromium has no other way; the pages are ours
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	p := &Page{Patience: Patience, t: t, ctx: ctx, width: deskWidth}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(deskWidth, 900)); err != nil { // starts it: not under a deadline, which would be the browser's
		t.Fatal(err)
	}
	console := chromedp.Console(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for message, err := range console {
			if err != nil {
				return
			}
			p.mu.Lock()
			p.messages = append(p.messages, fmt.Sprintf("%s: %s (%s)", message.Type, message.Text, message.URL))
			p.mu.Unlock()
		}
	}()
	t.Cleanup(func() { _ = chromedp.Cancel(ctx); <-done })
	return p
}

// Do does the steps, or ends the test.
func (p *Page) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, p.Patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%v; console: %q", err, p.Console())
	}
}

// Open goes to a URL.
func (p *Page) Open(url string) {
	p.t.Helper()
	p.Do(chromedp.Navigate(url))
}

// Phone makes the window a phone's: 390 pixels wide.
func (p *Page) Phone() {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, emulation.SetDeviceMetricsOverride,
		emulation.SetDeviceMetricsOverrideParams{Width: phoneWidth, Height: 800, DeviceScaleFactor: 1, Mobile: true}); err != nil {
		p.t.Fatal(err)
	}
	p.width = phoneWidth
}

// Eval runs a script in the page and returns its value as text.
func (p *Page) Eval(script string) string {
	p.t.Helper()
	value, err := p.evaluate(script)
	if err != nil {
		p.t.Fatalf("%s: %v", script, err)
	}
	return value
}

func (p *Page) evaluate(script string) (string, error) {
	ctx, cancel := context.WithTimeout(p.ctx, p.Patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[string]("String("+script+")"))
}

// Number is Eval for what is a number; NaN for what is none.
func (p *Page) Number(script string) float64 {
	p.t.Helper()
	value, err := strconv.ParseFloat(p.Eval("Number("+script+")"), 64)
	if err != nil {
		p.t.Fatalf("%s: %v", script, err)
	}
	return value
}

// See waits until a script's value is the wanted one. What the script looks at may not be there yet.
func (p *Page) See(script, want string) {
	p.t.Helper()
	p.see(script, `(() => { try { return `+script+` } catch (err) { return err } })()`, want, func(got string) bool { return got == want })
}

// SeeText waits until what the selector finds contains the text; any white space counts as one space.
func (p *Page) SeeText(selector, want string) {
	p.t.Helper()
	p.see(selector, `document.querySelector(`+strconv.Quote(selector)+`)?.innerText ?? ""`, want,
		func(got string) bool { return strings.Contains(strings.Join(strings.Fields(got), " "), want) })
}

// see waits for a script's value. A script that is asked while one page gives way to the next fails: it is asked again.
func (p *Page) see(what, script, want string, is func(string) bool) {
	p.t.Helper()
	var got string
	var err error
	p.Await(func() bool {
		got, err = p.evaluate(script)
		return err == nil && is(got)
	}, func() string {
		if err != nil {
			return fmt.Sprintf("%s: %v, want %q", what, err, want)
		}
		return fmt.Sprintf("%s is %q, want %q", what, got, want)
	})
}

// Await polls until the condition holds; otherwise tells what was missing instead, and what the console has.
func (p *Page) Await(holds func() bool, otherwise func() string) {
	p.t.Helper()
	deadline := time.NewTimer(p.Patience)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			p.t.Fatalf("%s; console: %q", otherwise(), p.Console())
		}
	}
}

// Click clicks the element of that data-testid.
func (p *Page) Click(testid string) {
	p.t.Helper()
	p.ClickOn(Selector(testid))
}

// ClickOn clicks what the selector finds, as soon as it is there.
func (p *Page) ClickOn(selector string) {
	p.t.Helper()
	p.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Type types into what the selector finds.
func (p *Page) Type(selector, text string) {
	p.t.Helper()
	p.Do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Selector finds the elements of a data-testid.
func Selector(testid string) string { return `[data-testid="` + testid + `"]` }

// Console is what the page wrote to the console so far.
func (p *Page) Console() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.messages...)
}

// WantQuiet fails if the page wrote anything to the console: exceptions, files not found, violations of its policy.
func (p *Page) WantQuiet() {
	p.t.Helper()
	for _, message := range p.Console() {
		p.t.Errorf("console: %s", message)
	}
}

// WantFit fails if the page is wider than the window.
func (p *Page) WantFit() {
	p.t.Helper()
	if over := p.Number(`document.documentElement.scrollWidth`) - float64(p.width); over > 0 {
		p.t.Errorf("the page is %v pixels wider than the window", over)
	}
}

// Screenshot writes a picture of the whole page.
func (p *Page) Screenshot(file string) {
	p.t.Helper()
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
