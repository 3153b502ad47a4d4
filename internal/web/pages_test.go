package web_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/truecount/truecount/internal/web"
)

var pagePaths = []string{"/", "/query", "/targets", "/rules", "/alerts"}

func TestEveryPageCarriesAStrictPolicyWithAFreshNonce(t *testing.T) {
	h := newHandler(t, web.Options{Live: newChain(4)})
	nonces := map[string]bool{}
	for _, path := range pagePaths {
		w := ask(h, "GET", path, "")
		if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Fatalf("%s: status %d, type %q", path, w.Code, w.Header().Get("Content-Type"))
		}
		policy := w.Header().Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'; trusted-types 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: policy lacks %s: %s", path, want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", path, policy)
		}
		nonce := regexp.MustCompile(`'nonce-([A-Z2-7]{26})'`).FindStringSubmatch(policy)
		if nonce == nil || nonces[nonce[1]] || !strings.Contains(w.Body.String(), `name="csp-nonce" content="`+nonce[1]+`"`) {
			t.Errorf("%s: no fresh nonce in policy and page: %s", path, policy)
			continue
		}
		nonces[nonce[1]] = true
		for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-cache"} {
			if got := w.Header().Get(header); got != want {
				t.Errorf("%s: %s: %q, want %q", path, header, got, want)
			}
		}
	}
}

func TestPagesHaveNoInlineCode(t *testing.T) {
	page := ask(newHandler(t, web.Options{Live: newChain(4)}), "GET", "/", "").Body.String()
	for _, re := range []string{`<script[^>]*>[^<]`, `<style`, `\son\w+=`, `\sstyle=`, `javascript:`, `(src|href)="(https?:)?//`} {
		if found := regexp.MustCompile(re).FindString(page); found != "" {
			t.Errorf("%q in %s", found, page)
		}
	}
}

// References in what Vite writes: "./assets/x.js" in the page, and "./x.js" or "assets/x.css" in the scripts.
var reference = regexp.MustCompile("[\"'`](?:\\./)?(?:assets/)?([\\w-]+-[\\w-]{8}\\.(?:js|css|svg))[\"'`]")

func TestEveryFileThatAPageNeedsIsThereAndImmutable(t *testing.T) {
	h := newHandler(t, web.Options{Live: newChain(4)})
	queue := []string{ask(h, "GET", "/query", "").Body.String()}
	seen := map[string]bool{}
	for len(queue) > 0 {
		text := queue[0]
		queue = queue[1:]
		for _, m := range reference.FindAllStringSubmatch(text, -1) {
			if seen[m[1]] {
				continue
			}
			seen[m[1]] = true
			w := ask(h, "GET", "/assets/"+m[1], "")
			if w.Code != 200 {
				t.Errorf("%s: status %d", m[1], w.Code)
				continue
			}
			if got := w.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
				t.Errorf("%s: Cache-Control %q", m[1], got)
			}
			want := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}[filepath.Ext(m[1])]
			if got := w.Header().Get("Content-Type"); got != want {
				t.Errorf("%s: type %q, want %q", m[1], got, want)
			}
			queue = append(queue, w.Body.String())
		}
	}
	built, err := filepath.Glob("dist/assets/*")
	if err != nil || len(seen) != len(built) || len(seen) < 10 {
		t.Errorf("pages reach %d files, %d were built (%v)", len(seen), len(built), err)
	}
}

func TestAssetsAreCompressedForThoseWhoAcceptIt(t *testing.T) {
	h := newHandler(t, web.Options{})
	script := reference.FindStringSubmatch(ask(h, "GET", "/query", "").Body.String())[1]
	for accept, compressed := range map[string]bool{"": false, "br": false, "gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "gzip; q=0": false} {
		w := ask(h, "GET", "/assets/"+script, "", "Accept-Encoding", accept)
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != compressed {
			t.Errorf("Accept-Encoding %q: compressed %v", accept, got)
			continue
		}
		if w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("Vary %q", w.Header().Get("Vary"))
		}
		if compressed {
			z, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := io.ReadAll(z); err != nil || string(plain) != ask(h, "GET", "/assets/"+script, "").Body.String() {
				t.Errorf("unpacked, it is another text (%v)", err)
			}
		}
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	h := newHandler(t, web.Options{Live: newChain(4)})
	for _, path := range []string{"/assets/none.js", "/assets/", "/assets/../index.html", "/assets/%2e%2e/index.html", "/index.html", "/sources.sha256", "/query/", "/favicon.ico"} {
		w := ask(h, "GET", path, "")
		if w.Code != 404 && w.Code != 301 && w.Code != 307 { // the mux cleans paths first
			t.Errorf("%s: status %d", path, w.Code)
		}
		if strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: what is missing may come: %q", path, w.Header().Get("Cache-Control"))
		}
	}
	if w := ask(h, "POST", "/", ""); w.Code != 405 {
		t.Errorf("POST /: status %d", w.Code)
	}
}

func TestU4RedirectsStayOnThisHost(t *testing.T) {
	for _, h := range []*web.Handler{newHandler(t, web.Options{}), newHandler(t, web.Options{Live: newChain(1)})} {
		for _, path := range []string{"/", "/graph", "/graph?g0.expr=up", "//evil.example", "//evil.example/graph", "/graph//evil.example", "/%2f%2fevil.example/graph", "/\\evil.example/graph", "/graph?//evil.example"} {
			w := ask(h, "GET", path, "")
			if to := w.Header().Get("Location"); strings.HasPrefix(to, "//") || strings.Contains(to, ":") || strings.HasPrefix(to, "/\\") {
				t.Errorf("%s leads to %q", path, to)
			}
		}
	}
	if got := ask(newHandler(t, web.Options{}), "GET", "/graph?g0.expr=up", "").Header().Get("Location"); got != "query?g0.expr=up" {
		t.Errorf("/graph leads to %q", got)
	}
}

func TestWithoutApplicationsTheFirstPageIsTheQueryPage(t *testing.T) {
	h := newHandler(t, web.Options{})
	if w := ask(h, "GET", "/", ""); w.Code != 302 || w.Header().Get("Location") != "query" {
		t.Errorf("status %d, to %q", w.Code, w.Header().Get("Location"))
	}
	if w := ask(h, "GET", "/api/truecount/v1/applications", ""); !strings.Contains(w.Body.String(), `"applications":[]`) {
		t.Errorf("applications: %s", w.Body)
	}
	if w := ask(h, "POST", tryURL, "{}", asJSON...); w.Code != 404 {
		t.Errorf("try: status %d", w.Code)
	}
}

func TestTheChosenThemeIsInThePageAndNothingElseIs(t *testing.T) {
	h := newHandler(t, web.Options{Live: newChain(4)})
	for cookie, want := range map[string]string{"dark": "dark", "light": "light", "auto": "auto", "": "auto", `"><script>`: "auto"} {
		w := ask(h, "GET", "/", "", "Cookie", "truecount-theme="+cookie)
		if !strings.Contains(w.Body.String(), `data-theme="`+want+`"`) || strings.Contains(w.Body.String(), "<script>") {
			t.Errorf("cookie %q: %s", cookie, w.Body)
		}
	}
}

// TestTheBuiltPagesAreOfTheseSources fails when ui/ was changed and not built. ui/vite.config.ts writes the same hash.
func TestTheBuiltPagesAreOfTheseSources(t *testing.T) {
	names := []string{"index.html", "package-lock.json", "package.json", "tsconfig.json", "vite.config.ts"}
	err := fs.WalkDir(os.DirFS("ui"), "src", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && !strings.HasSuffix(name, ".test.ts") {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	all := sha256.New()
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join("ui", name))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(all, "%x  %s\n", sha256.Sum256(content), name)
	}
	recorded, err := os.ReadFile("dist/sources.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(all.Sum(nil)), strings.TrimSpace(string(recorded)); got != want {
		t.Errorf("ui/ was changed after dist/ was built: run `npm ci && npm run build` in internal/web/ui")
	}
}

func TestTheLockFileNamesNoRegistry(t *testing.T) {
	lock, err := os.ReadFile("ui/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(lock), `"resolved"`) || !strings.Contains(string(lock), `"integrity"`) {
		t.Error("package-lock.json must have integrity and no resolved fields (.npmrc: omit-lockfile-registry-resolved)")
	}
}
