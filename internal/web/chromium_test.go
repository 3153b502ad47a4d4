package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/web"
	"github.com/truecount/truecount/test/chromium"
)

func openBrowser(t *testing.T) *chromium.Page {
	t.Helper()
	p := chromium.Open(t)
	p.Patience = 30 * time.Second
	return p
}

// open goes to a URL in a browser of its own.
func open(t *testing.T, url string) *chromium.Page {
	t.Helper()
	p := openBrowser(t)
	p.Open(url)
	return p
}

func byID(testid string) string {
	return `document.querySelector(` + strconv.Quote(chromium.Selector(testid)) + `)`
}

// promAPI is /api/v1 with answers by path: what the pages do with hostile or huge ones is the question here. That they
// work with the real API is shown where everything runs together.
type promAPI map[string]any

func (p promAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	data, ok := p[strings.TrimPrefix(r.URL.Path, "/api/v1/")]
	if err, failed := data.(error); failed || !ok {
		w.WriteHeader(http.StatusBadRequest)
		if !ok {
			err = fmt.Errorf("no answer for %s in this test", r.URL.Path)
		}
		json.NewEncoder(w).Encode(map[string]any{"status": "error", "errorType": "bad_data", "error": err.Error()})
		return
	}
	answer := map[string]any{"status": "success", "data": data}
	if r.FormValue("query") == "warn" {
		answer["warnings"] = []string{"a warning of the engine"}
	}
	json.NewEncoder(w).Encode(answer)
}

type object = map[string]any

func vector(series ...object) object {
	return object{"resultType": "vector", "result": append([]object{}, series...)}
}

func matrix(series ...object) object {
	return object{"resultType": "matrix", "result": append([]object{}, series...)}
}

func emptyAPI() promAPI {
	return promAPI{
		"query_range": matrix(), "query": vector(), "targets": object{"activeTargets": []object{}}, "rules": object{"groups": []object{}},
		"metadata": object{}, "labels": []string{}, "label/__name__/values": []string{}, "series": []object{}, "status/flags": object{},
	}
}

func site(t *testing.T, live web.Live, api http.Handler) string {
	t.Helper()
	h := newHandler(t, web.Options{Live: live, Interval: 50 * time.Millisecond})
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.Handle("/api/v1/", api)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	t.Cleanup(h.Close)
	return srv.URL
}
