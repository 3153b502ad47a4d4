package accesslog_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/accesslog"
	"github.com/truecount/truecount/instrument/jsonlog"
)

// combinedLine is the regular expression that readers of the combined format use.
var combinedLine = regexp.MustCompile(`^(\S+) - (\S+) \[([^\]]+)\] "([^"]*)" (\d{3}|-) (\d+) "([^"]*)" "([^"]*)"\n$`)

// Whatever a client sends, each of the two makes one line that its readers can split, and a password stays out of it.
func FuzzNoRequestBreaksALineOrShowsAPassword(f *testing.F) {
	f.Add("GET", "/walks/7", "page=2&token=x", "rex", "https://shop.example/?token=x", "curl/8.5")
	f.Add("GET\n", "/\x1b", "%zz&&=;", "a b\"]", "//u:p@h", "\\\"\xff")
	f.Add("OPTIONS", "*", "", "-", "mailto:x", "\u2028")
	const password = "hunter2-s3cret"
	f.Fuzz(func(t *testing.T, method, path, query, user, referer, agent string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Method, r.URL = method, &url.URL{Path: path, RawQuery: query + "&password=" + password}
		r.Header = http.Header{"Referer": {referer}, "User-Agent": {agent}, "Cookie": {password}}
		r.SetBasicAuth(user, password)
		var out, combined bytes.Buffer
		opts := accesslog.Options{
			Logger: slog.New(jsonlog.New(&out, jsonlog.Options{})), Fields: accesslog.Combined | accesslog.Path,
			Query: []string{"page", "password"}, Headers: []string{"Cookie", "Authorization"},
		}
		s := instrument.Served{Route: path, Method: method, Status: 200}
		accesslog.New(opts)(r, s)
		accesslog.NewCombined(&combined, opts)(r, s)
		if !combinedLine.MatchString(combined.String()) {
			t.Errorf("not a combined line: %q", combined.String())
		}
		if !json.Valid(out.Bytes()) || strings.Count(out.String(), "\n") != 1 || !utf8.ValidString(out.String()) {
			t.Errorf("not a JSON line: %q", out.String())
		}
		if strings.Contains(query+referer+agent+path+user+method, "hunter2") {
			return // the fuzzer learnt it
		}
		if strings.Contains(out.String()+combined.String(), "hunter2") {
			t.Errorf("a password appears:\n%s%s", out.String(), combined.String())
		}
	})
}
