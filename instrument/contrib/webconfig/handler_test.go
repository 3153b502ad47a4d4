package webconfig_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/truecount/truecount/instrument/contrib/webconfig"
)

func TestOnlyTheRightPasswordOfAKnownUserIsServed(t *testing.T) {
	h := guarded(t, webconfig.Options{File: written(t, users(t))}, newMetrics(t).Handler())
	for range 2 { // the second time from exporter-toolkit's cache
		for _, tt := range []struct {
			name, user, password string
			status               int
		}{
			{"right", user, password, 200},
			{"none", "", "", 401},
			{"wrong", user, "hunter2", 401},
			{"empty", user, "", 401},
			{"no user", "", password, 401},
			{"unknown user", "grafana", password, 401},
			{"unknown user with the password that exporter-toolkit compares then", "grafana", "fakepassword", 401},
			{"another case", "Prometheus", password, 401},
			{"longer", user, password + "\x00", 401},
			{"the hash", user, strings.TrimSpace(strings.SplitN(users(t), ": ", 2)[1]), 401},
		} {
			w := ask(h, tt.user, tt.password)
			if w.Code != tt.status || (w.Code == 200) != strings.Contains(w.Body.String(), "clicks_total 0") {
				t.Errorf("%s: %d, want %d", tt.name, w.Code, tt.status)
			}
			if w.Code == 401 && w.Header().Get("WWW-Authenticate") != "Basic" {
				t.Errorf("%s: WWW-Authenticate is %q", tt.name, w.Header().Get("WWW-Authenticate"))
			}
		}
	}
}

// A cache of comparisons whose key joins its parts by ':' takes one for another (CVE-2022-46146).
func TestE6AColonInUserOrPasswordCannotPoisonTheCache(t *testing.T) {
	hashA, hashB := hash(t, "b:c", 4), hash(t, "x", 4)
	file := written(t, "basic_auth_users:\n  a: "+hashA+"\n  \"a:b\": "+hashB+"\n  b: "+hashB+"\n")
	h := guarded(t, webconfig.Options{File: file}, newMetrics(t).Handler())
	right := map[[2]string]bool{{"a", "b:c"}: true, {"b", "x"}: true}
	parts := []string{"", "a", "b", "c", "x", "b:c", "a:b", ":", "b:", ":c", hashA, hashA + ":b:c", "b:c:" + hashA, hashB + ":x", "fakepassword"}
	for range 2 { // the second time from the cache
		for _, u := range []string{"a", "b", "c"} { // HTTP has no user with a colon
			for i, p := range parts {
				if u == "c" && i%4 != 0 {
					continue // each takes long, for a user who is not known
				}
				if got := ask(h, u, p).Code == 200; got != right[[2]string{u, p}] {
					t.Errorf("user %q, password %q: served is %v", u, p, got)
				}
			}
		}
	}
}

func TestThePasswordGoesNoFurther(t *testing.T) {
	var seen *http.Request
	h := guarded(t, webconfig.Options{File: written(t, users(t))}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r }))
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.SetBasicAuth(user, password)
	h.ServeHTTP(httptest.NewRecorder(), r)
	if seen == nil || seen.Header.Get("Authorization") != "" || r.Header.Get("Authorization") == "" {
		t.Error("the handler sees the password, or the caller's request was changed")
	}
}

func TestTheRateLimitAndTheHeadersOfTheFileApply(t *testing.T) {
	file := written(t, users(t)+"rate_limit: {burst: 2, interval: 1h}\nhttp_server_config: {headers: {X-Frame-Options: deny}}\n")
	m := newMetrics(t)
	h := guarded(t, webconfig.Options{File: file, Metrics: m}, m.Handler())
	var statuses []int
	for range 4 {
		w := ask(h, user, password)
		statuses = append(statuses, w.Code)
		if w.Code == 200 && w.Header().Get("X-Frame-Options") != "deny" {
			t.Error("the header is not set")
		}
	}
	if statuses[0] != 200 || statuses[1] != 200 || statuses[2] != 429 || statuses[3] != 429 {
		t.Errorf("got %v", statuses)
	}
	expect(t, m, `instrument_web_config_requests_total{outcome="served"} 2`, `instrument_web_config_requests_total{outcome="rate_limited"} 2`)
}

// expect checks samples of the metrics themselves, apart from the file.
func expect(t *testing.T, m interface{ Handler() http.Handler }, samples ...string) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, sample := range samples {
		if !strings.Contains(w.Body.String(), "\n"+sample+"\n") {
			t.Errorf("no %s in\n%s", sample, w.Body)
		}
	}
}

func TestAFileThatProtectsNothingIsRefused(t *testing.T) {
	dir := t.TempDir()
	pki := newAuthority(t, dir)
	tls := "tls_server_config: {cert_file: " + pki.issue("server") + ".crt, key_file: server.key"
	for _, tt := range []struct {
		name, content string
		anonymous     bool
		want          string // of New or Handler, "" for none
	}{
		{"empty", "", false, "asks nobody for a password"},
		{"empty, and meant", "", true, ""},
		{"headers only", "http_server_config: {headers: {X-Frame-Options: deny}}\n", false, "asks nobody for a password"},
		{"TLS in front of a handler", users(t) + tls + "}\n", false, "tls_server_config, which a handler on a port of the application can't give"},
		{"unknown setting", "basic_auth_user: {}\n", false, `line 1: unknown setting "basic_auth_user"`},
		{"a password in place of a hash", "basic_auth_users: {prometheus: \"hunter2:s3cret\"}\n", false, "not a bcrypt hash"},
		{"users as text", "basic_auth_users: hunter2\n", false, "line 1 is not as it should be"},
		{"users as a list", "basic_auth_users:\n- hunter2\n", false, "line 2 is not as it should be"},
		{"no YAML", "\thunter2: [", false, "it is not valid"},
		{"unknown header", "http_server_config: {headers: {X-Secret: hunter2}}\n", false, `HTTP header "X-Secret" can not be configured`},
		{"wrong header", "http_server_config: {headers: {X-Frame-Options: hunter2}}\n", false, "invalid value for X-Frame-Options"},
		{"missing key", "tls_server_config: {cert_file: a}\n", false, "missing one of key or key_file"},
		{"missing certificate", "tls_server_config: {cert_file: nowhere.crt, key_file: nowhere.key}\n", false, "failed to read cert_file"},
		{"inline key that is none", "tls_server_config: {cert: hunter2, key: hunter2}\n", false, "certificate and key can't be used"},
		{"unknown policy", tls + ", client_auth_type: hunter2}\n", false, "client_auth_type has an unknown value"},
		{"missing authority", tls + ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: nowhere.crt}\n", false, "no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := dir + "/web.yml"
			write(t, file, tt.content)
			web, err := webconfig.New(webconfig.Options{File: file, AllowAnonymous: tt.anonymous})
			if err == nil {
				_, err = web.Handler(newMetrics(t).Handler())
			}
			if tt.want == "" && err == nil {
				return
			}
			if err == nil || tt.want == "" || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), file) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			noSecret(t, "the error", err.Error())
		})
	}
	for name, file := range map[string]string{"no file": "", "a missing one": dir + "/nowhere", "a folder": dir} {
		if _, err := webconfig.New(webconfig.Options{File: file}); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
}

func TestAChangedFileIsUsedForTheNextRequest(t *testing.T) {
	file := written(t, users(t))
	h := guarded(t, webconfig.Options{File: file}, newMetrics(t).Handler())
	if w := ask(h, user, password); w.Code != 200 {
		t.Fatal(w.Code)
	}
	write(t, file, "basic_auth_users: {"+user+": "+hash(t, "another", 4)+"}\n")
	if w := ask(h, user, password); w.Code != 401 {
		t.Errorf("the old password: %d", w.Code)
	}
	if w := ask(h, user, "another"); w.Code != 200 {
		t.Errorf("the new password: %d", w.Code)
	}
}

func TestE5AFileThatBreaksLetsNobodyInUntilItIsGoodAgain(t *testing.T) {
	for _, tt := range []struct {
		name  string
		breaK func(t *testing.T, file string)
	}{
		{"removed", func(t *testing.T, file string) { remove(t, file) }},
		{"empty", func(t *testing.T, file string) { write(t, file, "") }},
		{"without users", func(t *testing.T, file string) { write(t, file, "basic_auth_users: {}\n") }},
		{"cut", func(t *testing.T, file string) { write(t, file, "basic_auth_users:\n  prometheus: \"$2a$") }},
		{"unknown setting", func(t *testing.T, file string) { write(t, file, users(t)+"hunter2: s3cret-value\n") }},
		{"a header that is not allowed", func(t *testing.T, file string) {
			write(t, file, users(t)+"http_server_config: {headers: {X-Powered-By: hunter2}}\n")
		}},
		{"huge", func(t *testing.T, file string) { write(t, file, users(t)+strings.Repeat("# \n", 1<<20)) }},
		{"a folder", func(t *testing.T, file string) {
			remove(t, file)
			if err := os.Mkdir(file, 0o700); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			good := users(t)
			file := written(t, good)
			m, logged := newMetrics(t), &logBuffer{}
			h := guarded(t, webconfig.Options{File: file, Metrics: m, Logger: logged.logger()}, m.Handler())
			if w := ask(h, user, password); w.Code != 200 {
				t.Fatal(w.Code)
			}
			tt.breaK(t, file)
			for _, p := range []string{password, "", "wrong"} {
				if w := ask(h, user, p); w.Code != 500 || strings.Contains(w.Body.String(), "clicks") {
					t.Errorf("password %q: %d %s", p, w.Code, w.Body)
				}
			}
			if n := strings.Count(logged.String(), "level=ERROR"); n != 1 {
				t.Errorf("%d lines of errors: %s", n, logged.String())
			}
			expect(t, m, `instrument_web_config_requests_total{outcome="misconfigured"} 3`, "instrument_web_config_good 0")

			if err := os.RemoveAll(file); err != nil {
				t.Fatal(err)
			}
			write(t, file, good)
			if w := ask(h, user, password); w.Code != 200 {
				t.Errorf("good again, and answered %d", w.Code)
			}
			expect(t, m, "instrument_web_config_good 1")
			if !strings.Contains(logged.String(), "good again") {
				t.Error("that it is good again is not logged")
			}
			if !strings.Contains(tt.name, "unknown setting") { // there the name of the setting is the word
				noSecret(t, "the log", logged.String())
			}
		})
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

func FuzzNoHeaderButTheRightOneIsServed(f *testing.F) {
	h := guarded(f, webconfig.Options{File: written(f, users(f))}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }))
	right := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	f.Add("Basic " + base64.StdEncoding.EncodeToString([]byte("x:y")))
	f.Add("Bearer " + right)
	f.Add("Basic")
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if served := w.Code == 200; served != (strings.HasSuffix(header, right) && strings.EqualFold(strings.TrimSuffix(header, right), "Basic ")) {
			t.Errorf("Authorization: %q is answered %d", header, w.Code)
		}
	})
}

func FuzzNoFileMakesAPanicOrTellsAPassword(f *testing.F) {
	f.Add("basic_auth_users: hunter2s3cret")
	f.Add("basic_auth_users:\n  prometheus: hunter2s3cret\n")
	f.Add("tls_server_config: {cert: hunter2s3cret, key: hunter2s3cret}\n")
	f.Add("rate_limit: {burst: hunter2s3cret}")
	f.Add("http_server_config: {http2: hunter2s3cret, headers: {X-Frame-Options: hunter2s3cret}}")
	f.Add("- hunter2s3cret\n\t%")
	file := written(f, "")
	f.Fuzz(func(t *testing.T, content string) {
		write(t, file, content)
		web, err := webconfig.New(webconfig.Options{File: file})
		if err == nil {
			_, err = web.Handler(http.NotFoundHandler())
		}
		if err == nil || !strings.Contains(content, ": hunter2s3cret") || strings.Contains(content, "_file") {
			return // the names of files are told
		}
		if strings.Contains(err.Error(), "hunter2s") {
			t.Errorf("%q: %v", content, err)
		}
	})
}
