// Package chromium drives pages in a real, headless Chromium, for tests. It asks the page by scripts and waits for what
// must come; there is no expectation of speed in it.
package chromium

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// patience bounds the wait for what must come.
const patience = 90 * time.Second

// Page is one tab of a browser that ends with the test. It is for one goroutine.
type Page struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	messages []string // what the page wrote to the console: violations of its policy are among it
}

// Open starts a browser with a window of 1280 by 900 pixels. Without Chromium on this machine the test is skipped, or
// fails where REQUIRE_TOOLS=1 says that all tools must be there.
func Open(t testing.TB) *Page {
	t.Helper()
	ctx, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(program(t)), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.NoSandbox, // the tests may run as root, where Chromium has no other way; the pages are ours
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	p := &Page{t: t, ctx: ctx}
	p.Do(chromedp.EmulateViewport(1280, 900)) // starts it: not under a deadline, which would be the browser's
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

func program(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err == nil {
		return path
	}
	const missing = "chromium is not installed: run scripts/tools.sh"
	if os.Getenv("REQUIRE_TOOLS") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// Do does the steps, or ends the test.
func (p *Page) Do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// Open goes to a URL.
func (p *Page) Open(url string) {
	p.t.Helper()
	p.Do(chromedp.Navigate(url))
}

// Phone makes the window 390 pixels wide, and touched.
func (p *Page) Phone() {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, emulation.SetDeviceMetricsOverride,
		emulation.SetDeviceMetricsOverrideParams{Width: 390, Height: 800, DeviceScaleFactor: 1, Mobile: true}); err != nil {
		p.t.Fatal(err)
	}
}

// Eval runs a script in the page and returns its value as text.
func (p *Page) Eval(script string) string {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[string]("String("+script+")"))
	if err != nil {
		p.t.Fatalf("%s: %v", script, err)
	}
	return value
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
	script = `(() => { try { return ` + script + ` } catch (err) { return err } })()`
	var got string
	p.Await(func() bool { got = p.Eval(script); return got == want },
		func() string { return fmt.Sprintf("%s is %q, want %q", script, got, want) })
}

// SeeText waits until what the selector finds contains the text; any white space counts as one space.
func (p *Page) SeeText(selector, want string) {
	p.t.Helper()
	var got string
	p.Await(func() bool {
		got = p.Eval(`document.querySelector(` + strconv.Quote(selector) + `)?.innerText ?? ""`)
		return strings.Contains(strings.Join(strings.Fields(got), " "), want)
	}, func() string { return fmt.Sprintf("%s is %q, want %q", selector, got, want) })
}

// Await polls until the condition holds; otherwise tells what was missing instead, and what the console has.
func (p *Page) Await(holds func() bool, otherwise func() string) {
	p.t.Helper()
	deadline := time.NewTimer(patience)
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
	p.Do(chromedp.Click(chromedp.CSS(Selector(testid))))
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
	if over := p.Number(`document.documentElement.scrollWidth - innerWidth`); over > 0 {
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
