// Package browsertest opens a demo's pages in a real, headless Chromium.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Open starts a browser that ends with the test and returns the context to use it with, which ends after two minutes.
// Without Chromium on this machine the test is skipped.
func Open(t testing.TB) context.Context {
	t.Helper()
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	options = append(options, chromedp.ExecPath(program(t)))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // as root Chromium has no other way
	}
	allocated, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	browser, closeTab := chromedp.NewContext(allocated)
	t.Cleanup(closeTab)
	if err := chromedp.Do(browser); err != nil { // the first use starts it, and must have no deadline
		t.Fatal(err)
	}
	limited, cancel := context.WithTimeout(browser, 2*time.Minute)
	t.Cleanup(cancel)
	return limited
}

func program(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "needs Chromium; scripts/tools.sh installs it"
	if os.Getenv("REQUIRE_TOOLS") == "1" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// WantText waits until what the selector finds contains the text; any white space counts as one space.
func WantText(ctx context.Context, t testing.TB, selector, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string](
			`document.querySelector(`+strconv.Quote(selector)+`)?.innerText ?? ""`))
		if err == nil && strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s is %q (%v), want %q", selector, text, err, want)
		}
	}
}

// Do does the steps, or ends the test.
func Do(ctx context.Context, t testing.TB, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// WantFit fails if the page is wider than the window.
func WantFit(ctx context.Context, t testing.TB) {
	t.Helper()
	over, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`))
	if err != nil || over > 0 {
		t.Errorf("the page is %d pixels wider than the window (%v)", over, err)
	}
}
