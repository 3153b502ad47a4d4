package instrument_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestACharsetIsThatOfTheAnswerAndOfAList(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer func(http.ResponseWriter)
		want   string
	}{
		{"named", func(w http.ResponseWriter) { w.Header().Set("Content-Type", `text/html; charset="ISO-8859-15"`) }, "iso-8859-15"},
		{"none", func(w http.ResponseWriter) { w.Header().Set("Content-Type", "image/png") }, "none"},
		{"unheard of", func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html; charset=klingon") }, "other"},
		{"several", func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html; charset=\"utf-8 utf-16\"") }, "other"},
		{"no media type", func(w http.ResponseWriter) { w.Header().Set("Content-Type", ";;;=") }, "other"},
		{"nothing written", func(w http.ResponseWriter) {}, "none"},
		{"guessed by net/http", func(w http.ResponseWriter) { _, _ = w.Write([]byte("hello")) }, "utf-8"},
		{"guessed after the header", func(w http.ResponseWriter) { w.WriteHeader(201); _, _ = w.Write([]byte("<html>")) }, "utf-8"},
		{"guessed to have none", func(w http.ResponseWriter) { _, _ = w.Write([]byte("\x89PNG\x0D\x0A\x1A\x0A")) }, "none"},
		{"a guess refused", func(w http.ResponseWriter) { w.Header()["Content-Type"] = nil; _, _ = w.Write([]byte("hello")) }, "none"},
		{"compressed", func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte("\x1f\x8b"))
		}, "none"},
		{"changed too late", func(w http.ResponseWriter) {
			w.WriteHeader(200)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
		}, "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := newMetrics(t, extended)
			h := m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { tt.answer(w) }))
			for range 2 { // parsed, and remembered
				serve(h, "GET", "/")
			}
			expectLines(t, m, `http_responses_by_charset_total{charset="`+tt.want+`"} 2`)
		})
	}
}

func TestTheGuessedCharsetIsTheOneThatIsSent(t *testing.T) {
	for _, body := range []string{"hello", "<html>", "\x89PNG\x0D\x0A\x1A\x0A", "", "\xff\xfe\x00", "{}"} {
		m, _ := newMetrics(t, extended)
		s := served(t, m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, body) })), false)
		response, err := s.Client().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		s.Close()
		_, want, named := strings.Cut(response.Header.Get("Content-Type"), "charset=")
		if !named {
			want = "none"
		}
		expectLines(t, m, `http_responses_by_charset_total{charset="`+want+`"} 1`)
	}
}

func FuzzContentType(f *testing.F) {
	for _, seed := range []string{"", "text/html", "text/html; charset=utf-8", "a/b;charset*0=x;charset*1=y", "x; charset=\"", "\xff", "a/b; charset= "} {
		f.Add(seed)
	}
	m, _ := newMetrics(f, extended)
	f.Fuzz(func(t *testing.T, contentType string) {
		serve(m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = []string{contentType} })), "GET", "/")
		if n := strings.Count(exposition(t, m), "\nhttp_responses_by_charset_total{"); n > 60 {
			t.Errorf("%d charsets", n)
		}
	})
}
