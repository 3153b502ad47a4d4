package web

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"embed"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

// dist is what `npm run build` in ui/ makes. It is committed, so that a clone builds without node.
//
//go:embed dist/index.html dist/assets
var dist embed.FS

// noncePlaceholder stands in the built index.html (ui/vite.config.ts) where every answer has a nonce of its own: the
// editor of /query makes style elements, which nothing else may.
const noncePlaceholder = "TRUECOUNT-NONCE"

// themeCookie remembers the reader's choice of light or dark. It is put into the page here, because a page that finds it
// out by itself shows the other one for a moment.
const themeCookie = "truecount-theme"

// pageNames are the paths of the pages. All are the same document, whose script looks at the path.
var pageNames = []string{"query", "targets", "rules", "alerts"}

type pages struct {
	index  string
	assets map[string]*asset
	home   bool // / is a page of its own
}

type asset struct {
	contentType string
	raw         []byte
	compressed  func() []byte
}

func newPages(home bool) (*pages, error) {
	index, err := dist.ReadFile("dist/index.html")
	if err != nil {
		return nil, fmt.Errorf("web: the built pages are missing: %w", err)
	}
	p := &pages{index: string(index), assets: map[string]*asset{}, home: home}
	err = fs.WalkDir(dist, "dist/assets", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := dist.ReadFile(name)
		if err != nil {
			return err
		}
		p.assets[path.Base(name)] = &asset{
			contentType: contentType(name),
			raw:         raw,
			compressed:  sync.OnceValue(func() []byte { return gzipped(raw) }),
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("web: the built pages are incomplete: %w", err)
	}
	return p, nil
}

// contentType does not ask the machine's own tables, which differ and are sometimes wrong.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

func gzipped(raw []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(raw)
	z.Close()
	return b.Bytes()
}

func (p *pages) register(mux *http.ServeMux) {
	if p.home {
		mux.HandleFunc("GET /{$}", p.serveIndex)
	} else {
		mux.HandleFunc("GET /{$}", redirect("query"))
	}
	for _, name := range pageNames {
		mux.HandleFunc("GET /"+name, p.serveIndex)
	}
	mux.HandleFunc("GET /graph", redirect("query")) // Prometheus' older name of the page; links to it are everywhere
	mux.HandleFunc("GET /assets/{name}", p.serveAsset)
}

// redirect leads to a page beside the requested one. The target is relative, so that no path can turn it into another host.
func redirect(page string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		target := page
		if r.URL.RawQuery != "" {
			target += "?" + r.URL.RawQuery
		}
		w.Header().Set("Location", target)
		w.WriteHeader(http.StatusFound)
	}
}

func (p *pages) serveIndex(w http.ResponseWriter, r *http.Request) {
	nonce := rand.Text()
	page := strings.ReplaceAll(p.index, noncePlaceholder, nonce)
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == "light" || c.Value == "dark") {
		page = strings.Replace(page, `data-theme="auto"`, `data-theme="`+c.Value+`"`, 1)
	}
	header := w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"+nonce+"'; "+
		"img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "+
		"require-trusted-types-for 'script'; trusted-types 'none'")
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	header.Set("Vary", "Cookie")
	w.Write([]byte(page))
}

// serveAsset serves a file whose name carries the hash of its content: a browser never needs to ask for it again.
func (p *pages) serveAsset(w http.ResponseWriter, r *http.Request) {
	a, ok := p.assets[r.PathValue("name")]
	if !ok {
		w.Header().Set("Cache-Control", "no-cache")
		http.NotFound(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Vary", "Accept-Encoding")
	body := a.raw
	if acceptsGzip(r) {
		if z := a.compressed(); len(z) < len(body) {
			header.Set("Content-Encoding", "gzip")
			body = z
		}
	}
	w.Write(body)
}

func acceptsGzip(r *http.Request) bool {
	for _, part := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		coding, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(coding) == "gzip" {
			return !strings.Contains(strings.ReplaceAll(q, " ", "")+";", "q=0;")
		}
	}
	return false
}
