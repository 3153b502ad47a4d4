package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestARedirectNeverLeavesTheAdapter is about CVE-2022-3172: an aggregated server must not send the API server elsewhere.
func TestARedirectNeverLeavesTheAdapter(t *testing.T) {
	server := httptest.NewServer(withoutRedirects(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/moved":
			http.Redirect(w, req, "https://elsewhere.example/", http.StatusFound)
		case "/same":
			w.WriteHeader(http.StatusNotModified)
		default:
			io.WriteString(w, "fine")
		}
	})))
	defer server.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for path, want := range map[string]int{"/moved": http.StatusInternalServerError, "/same": http.StatusNotModified, "/": http.StatusOK} {
		resp, err := client.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != want || resp.Header.Get("Location") != "" || strings.Contains(string(body), "elsewhere") {
			t.Errorf("%s: %d %v %q, %v", path, resp.StatusCode, resp.Header, body, err)
		}
	}
}
