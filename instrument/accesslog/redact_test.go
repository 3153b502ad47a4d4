package accesslog_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/accesslog"
)

func TestByDefaultNothingAppearsThatTheClientChose(t *testing.T) {
	members, text := line(t, accesslog.Options{}, request(t), ok)
	want := map[string]any{"event": "request", "level": "info", "logger": "root", "method": "GET", "route": "/walks/{id}", "status": 200.0, "size": 512.0, "duration": 0.0015}
	delete(members, "timestamp")
	for name, value := range want {
		if members[name] != value {
			t.Errorf("%s is %v, want %v", name, members[name], value)
		}
		delete(members, name)
	}
	if len(members) != 0 {
		t.Errorf("there is more: %v", members)
	}
	for _, part := range []string{secret, "192.0.2", "curl", "page", "/walks/7", "rex"} {
		if strings.Contains(text, part) {
			t.Errorf("%q is in %s", part, text)
		}
	}
}

func TestWhatIsAllowedAppearsRedacted(t *testing.T) {
	everything := accesslog.Options{
		Fields: accesslog.Combined | accesslog.Path, Query: []string{"page", "token", "q", "absent"},
		Headers: []string{"X-Request-Id", "Authorization", "Cookie", "x-api-key", "X-Absent"},
		Now:     still,
	}
	members, text := line(t, everything, request(t), ok)
	if strings.Contains(text, secret) {
		t.Errorf("a secret is in %s", text)
	}
	want := map[string]string{
		"host": `"192.0.2.7"`, "user": `"rex"`, "time": `"2026-11-20T09:07:14.998500Z"`,
		"request": `"GET /walks/7?page=2\u0026token=[redacted]\u0026q=a+b HTTP/1.1"`, "status": `200`, "size": `512`,
		"referer": `"https://shop.example/start?page=1\u0026token=[redacted]"`, "agent": `"curl/8.5 (+https://[redacted]@x.example)"`,
		"path": `"/walks/7"`, "query": `{"page":"2","q":"a b","token":"[redacted]"}`,
		"headers": `{"Authorization":"[redacted]","Cookie":"[redacted]","X-Request-Id":"17","x-api-key":"[redacted]"}`,
	}
	for name, value := range want {
		got, err := json.Marshal(members[name])
		if err != nil || string(got) != value {
			t.Errorf("%s is %s, want %s", name, got, value)
		}
	}
}

func TestPathValuesThatAreSecretAreRedactedInPathAndRequest(t *testing.T) {
	for _, tt := range []struct{ pattern, target, want string }{
		{"/reset/{token}", "/reset/" + secret, "/reset/[redacted]"},
		{"/reset/{token}", "/reset/%68unter2-s3cret", "/reset/[redacted]"},
		{"GET /reset/{token}/of/{name}", "/reset/" + secret + "/of/a%2Fb", "/reset/[redacted]/of/a/b"},
		{"/files/{token...}", "/files/" + secret + "/" + secret, "/files/[redacted]"},
		{"/users/{name}", "/users/rex%20", "/users/rex%20"},
		{"/{$}", "/", "/"},
		{"/files/", "/files/a/b", "/files/a/b"},
	} {
		t.Run(tt.pattern, func(t *testing.T) {
			var got map[string]any
			var text string
			mux := http.NewServeMux()
			mux.HandleFunc(tt.pattern, func(_ http.ResponseWriter, r *http.Request) {
				got, text = line(t, accesslog.Options{Fields: accesslog.Path | accesslog.Request}, r, ok)
			})
			mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", tt.target, nil))
			if got["path"] != tt.want || got["request"] != "GET "+tt.want+" HTTP/1.1" || strings.Contains(text, "s3cret") {
				t.Errorf("got %s", text)
			}
		})
	}
}

func TestPathValuesThatAreSecretAreRedactedByTheRoutesOfOtherRouters(t *testing.T) {
	for _, tt := range []struct{ route, target, want string }{
		{"/reset/:token", "/reset/" + secret, "/reset/[redacted]"},
		{"/reset/:token", "/reset/%68unter2-s3cret", "/reset/[redacted]"},
		{"/reset/:token/of/:name", "/reset/" + secret + "/of/a%2Fb", "/reset/[redacted]/of/a%2Fb"},
		{"/reset/:token/of/:name", "//reset/" + secret + "/of/rex", "/reset/[redacted]/of/:name"}, // cleaned up by the router
		{"/reset/:token", "/mounted/reset/" + secret, "/reset/[redacted]"},                        // cut off before the router
		{"/files/*token", "/files/" + secret + "/" + secret, "/files/[redacted]"},
		{"/reset/{token:[a-z0-9-]+}", "/reset/" + secret, "/reset/[redacted]"},
		{"/users/:name", "/users/rex%20", "/users/rex%20"},
		{"/static/*", "/static/a.css", "/static/a.css"},
		{"unmatched", "/users/rex", "/users/rex"},
	} {
		t.Run(tt.route+" "+tt.target, func(t *testing.T) {
			for _, pattern := range []string{"", "/"} { // alone, and below a mux
				r := httptest.NewRequest("GET", "/", nil)
				r.URL, r.Pattern = &url.URL{}, pattern
				var err error
				if r.URL.Path, err = url.PathUnescape(tt.target); err != nil {
					t.Fatal(err)
				}
				r.URL.RawPath = tt.target
				got, text := line(t, accesslog.Options{Fields: accesslog.Path | accesslog.Request}, r, instrument.Served{Route: tt.route, Method: "GET", Status: 200})
				if got["path"] != tt.want || got["request"] != "GET "+tt.want+" HTTP/1.1" || strings.Contains(text, "s3cret") {
					t.Errorf("got %s", text)
				}
			}
		})
	}
}

func TestNamesOfSecretsAreKnownHoweverTheyAreWritten(t *testing.T) {
	for _, name := range []string{
		"password", "user[password]", "PASSWD", "pass", "passphrase", "passcode", "pwd", "pin", "otp", "totp", "secret", "client_secret",
		"token", "access_token", "id-token", "X-Auth-Token", "X-Amz-Security-Token", "apikey", "api_key", "X-API-Key", "key", "access.key", "private_key",
		"Authorization", "Proxy-Authorization", "auth", "X-Auth", "auth_code", "code", "code_verifier", "bearer", "X-Amz-Credential", "X-Amz-Signature", "sig",
		"session", "JSESSIONID", "PHPSESSID", "sid", "Cookie", "Set-Cookie", "csrfmiddlewaretoken", "X-CSRF-Token", "XSRF", "X-Client-Cert",
		"client_assertion", "SAMLResponse", "jwt", "ticket",
	} {
		if !accesslog.Secret(name) {
			t.Errorf("%s is taken for harmless", name)
		}
	}
	for _, name := range []string{"page", "q", "id", "author", "postcode", "country_code", "keyword", "monkey", "design", "pinned", "compass", "side", "X-Request-Id", "X-Forwarded-For", ""} {
		if accesslog.Secret(name) {
			t.Errorf("%s is taken for a secret", name)
		}
	}
}

func TestARefererAmongTheHeadersIsRedactedAsTheFieldIs(t *testing.T) {
	members, text := line(t, accesslog.Options{Headers: []string{"referer"}, Query: []string{"page"}}, request(t), ok)
	if got := members["headers"].(map[string]any)["referer"]; got != "https://shop.example/start?page=1" || strings.Contains(text, secret) {
		t.Errorf("got %s", text)
	}
}

func TestAURLInAPathLosesItsPassword(t *testing.T) {
	r := httptest.NewRequest("GET", "/proxy/http://u:"+secret+"@shop.example/a", nil)
	for _, r.Pattern = range []string{"", "/proxy/", "/{url...}"} {
		r.SetPathValue("url", strings.TrimPrefix(r.URL.Path, "/"))
		members, text := line(t, accesslog.Options{Fields: accesslog.Path | accesslog.Request}, r, ok)
		if members["path"] != "/proxy/http://[redacted]@shop.example/a" || strings.Contains(text, secret) {
			t.Errorf("%q: %s", r.Pattern, text)
		}
	}
}

func TestARequestCannotForgeALineWhateverTheHandler(t *testing.T) {
	r := request(t)
	evil := "a\r\n127.0.0.1 - admin \x1b[2J\u2028\u202e\x00\xff" + strings.Repeat("x", 1<<20)
	for _, name := range []string{"User-Agent", "Referer", "X-Request-Id"} {
		r.Header.Set(name, evil)
	}
	r.Header.Set("Referer", "https://x.example/"+evil[:40])
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = evil, "", "page=a%0Ab%1B%FF"
	r.Method, r.Proto = "GET\n", "HTTP/1.1\n"
	r.SetBasicAuth(evil, "")
	opts := accesslog.Options{Fields: accesslog.Combined | accesslog.Path, Query: []string{"page"}, Headers: []string{"X-Request-Id"},
		Client: func(*http.Request) string { return evil }}
	s := instrument.Served{Route: evil, Method: evil, TraceID: evil, SpanID: evil, Status: 200}

	var out, combined bytes.Buffer
	opts.Logger = slog.New(raw{&out})
	accesslog.New(opts)(r, s)
	accesslog.NewCombined(&combined, opts)(r, s)
	for name, text := range map[string]string{"log": out.String(), "combined": combined.String()} {
		if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") || strings.ContainsAny(text, "\r\x1b\x00\u2028\u202e") || !utf8.ValidString(text) || len(text) > 20<<10 {
			t.Errorf("%s: %d bytes: %.300q", name, len(text), text)
		}
	}
}
