package service

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
)

//go:embed static
var static embed.FS

// policy allows a page its own files and nothing from elsewhere: the demos work without a network.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// MaxForm is how large a posted form may be, in bytes.
const MaxForm = 16 << 10

// Secure sets headers that keep a browser from doing more with a page than it should, and refuses what other sites'
// pages send in a visitor's name.
func Secure(next http.Handler) http.Handler {
	guarded := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		guarded.ServeHTTP(w, r)
	})
}

// Static serves the style that all demos share, and a demo's own files, below /static/.
func Static(own fs.FS) http.Handler {
	shared, err := fs.Sub(static, "static")
	if err != nil {
		return http.NotFoundHandler() // only an invalid path would do that
	}
	files := http.FileServerFS(layered{own, shared})
	return http.StripPrefix("/static/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "" || r.URL.Path[len(r.URL.Path)-1] == '/' {
			http.NotFound(w, r) // no listings
			return
		}
		w.Header().Set("Cache-Control", "max-age=300")
		files.ServeHTTP(w, r)
	}))
}

// layered looks for a file in the first file system that has it.
type layered []fs.FS

func (l layered) Open(name string) (fs.File, error) {
	var err error
	for _, files := range l {
		var f fs.File
		if f, err = files.Open(name); err == nil {
			return f, nil
		}
	}
	return nil, err
}

// Render answers with a page. It is complete before the first byte leaves, so that a fault is a clean 500.
func Render(w http.ResponseWriter, status int, page *template.Template, name string, data any) error {
	var body bytes.Buffer
	if err := page.ExecuteTemplate(&body, name, data); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err := body.WriteTo(w)
	return err
}
