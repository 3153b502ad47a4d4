package web_test

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/truecount/truecount/internal/web"
)

func newHandler(t *testing.T, opts web.Options) *web.Handler {
	t.Helper()
	h, err := web.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask sends a request as a browser at http://127.0.0.1:9090 would; header are pairs.
func ask(h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://127.0.0.1:9090"+target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var asJSON = []string{"Content-Type", "application/json", "Sec-Fetch-Site", "same-origin"}

const (
	tryURL  = "/api/truecount/v1/applications/default/clicks/try"
	killURL = "/api/truecount/v1/applications/default/clicks/kill"
)

type problem struct{ Error, Hint string }

func problemOf(t *testing.T, w *httptest.ResponseRecorder) (p problem) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Error == "" {
		t.Fatalf("not an error as JSON: %q (%v)", w.Body, err)
	}
	return p
}

func TestApplicationsAreServedAsJSONWithoutValuesThatJSONLacks(t *testing.T) {
	c := newChain(4)
	c.app.Strip.PerSecond.Value = web.Value(math.Inf(1))
	w := ask(newHandler(t, web.Options{Live: c, Version: "1.2.3"}), "GET", "/api/truecount/v1/applications", "")
	if got := w.Header().Get("Content-Type"); w.Code != 200 || got != "application/json" {
		t.Fatalf("status %d, type %q", w.Code, got)
	}
	var s struct {
		Time         float64
		Version      string
		Applications []struct {
			Name  string
			Strip struct {
				Metric           string
				Merged           struct{ Value *float64 }
				Naive, PerSecond struct{ Value *float64 }
			}
			Replicas []struct {
				Name    string
				Workers []struct{ PID int }
			}
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	app := s.Applications[0]
	if s.Time == 0 || s.Version != "1.2.3" || app.Name != "clicks" || app.Strip.Metric == "" || len(app.Replicas[0].Workers) != 4 {
		t.Errorf("incomplete: %s", w.Body)
	}
	if v := app.Strip.Merged.Value; v == nil || *v != 0 {
		t.Errorf("merged = %v, want 0", v)
	}
	if app.Strip.Naive.Value != nil || app.Strip.PerSecond.Value != nil {
		t.Errorf("NaN and +Inf must be null: %s", w.Body)
	}
}

func TestATryMovesTheMetric(t *testing.T) {
	c := newChain(4)
	h := newHandler(t, web.Options{Live: c})
	for range 5 {
		if w := ask(h, "POST", tryURL, "{}", asJSON...); w.Code != 200 {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	}
	if got := c.sum(); got != 5 {
		t.Errorf("counted %v, want 5", got)
	}
}

func TestAKillAnswersWithThePidAndOnlyOfKnownWorkers(t *testing.T) {
	c := newChain(4)
	h := newHandler(t, web.Options{Live: c})
	w := ask(h, "POST", killURL, `{"pid": 4713}`, asJSON...)
	if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || got != `{"pid":4713}` {
		t.Errorf("status %d: %s", w.Code, got)
	}
	w = ask(h, "POST", killURL, `{"pid": 1}`, asJSON...)
	if p := problemOf(t, w); w.Code != 404 || !strings.Contains(p.Error, "worker 1") {
		t.Errorf("status %d: %+v", w.Code, p)
	}
}

func TestWhatFailsSaysWhyAndWhatToDo(t *testing.T) {
	c := newChain(4)
	c.tryError = errRefused
	w := ask(newHandler(t, web.Options{Live: c}), "POST", tryURL, "{}", asJSON...)
	if p := problemOf(t, w); w.Code != 502 || p.Error != "clicks does not answer: connection refused" || p.Hint != "is the application running?" {
		t.Errorf("status %d: %+v", w.Code, p)
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	big := `{"pid": 1, "x": "` + strings.Repeat("x", 8<<10) + `"}`
	for _, tt := range []struct {
		name, method, target, body string
		header                     []string
		want                       int
	}{
		{"unknown application", "POST", strings.Replace(tryURL, "clicks", "clacks", 1), "{}", asJSON, 404},
		{"unknown namespace", "POST", strings.Replace(tryURL, "default", "other", 1), "{}", asJSON, 404},
		{"unknown action", "POST", strings.Replace(tryURL, "/try", "/explode", 1), "{}", asJSON, 404},
		{"unknown resource", "GET", "/api/truecount/v2/applications", "", nil, 404},
		{"a form's type", "POST", tryURL, "{}", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		{"text that a form may send", "POST", tryURL, "{}", []string{"Content-Type", "text/plain"}, 415},
		{"no type", "POST", tryURL, "{}", nil, 415},
		{"too large", "POST", killURL, big, asJSON, 413},
		{"not JSON", "POST", killURL, "pid=1", asJSON, 400},
		{"empty", "POST", killURL, "", asJSON, 400},
		{"wrong type", "POST", killURL, `{"pid": "1"}`, asJSON, 400},
		{"negative pid, which kill(2) takes for a group", "POST", killURL, `{"pid": -1}`, asJSON, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newChain(4)
			w := ask(newHandler(t, web.Options{Live: c}), tt.method, tt.target, tt.body, tt.header...)
			if w.Code != tt.want {
				t.Errorf("status %d, want %d: %s", w.Code, tt.want, w.Body)
			}
			problemOf(t, w)
			if c.sum() != 0 || c.pids[0] != 4712 {
				t.Error("it was done all the same")
			}
		})
	}
}

func TestU2RequestsOfOtherSitesDoNothing(t *testing.T) {
	for _, tt := range []struct {
		name, method string
		header       []string
		want         int
	}{
		{"cross-site by fetch metadata", "POST", []string{"Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"}, 403},
		{"same site, other origin", "POST", []string{"Content-Type", "application/json", "Sec-Fetch-Site", "same-site"}, 403},
		{"an older browser's Origin", "POST", []string{"Content-Type", "application/json", "Origin", "http://evil.example"}, 403},
		{"another port's Origin", "POST", []string{"Content-Type", "application/json", "Origin", "http://127.0.0.1:8000"}, 403},
		{"an opaque Origin", "POST", []string{"Content-Type", "application/json", "Origin", "null"}, 403},
		{"a link", "GET", nil, 404},
		{"the page itself", "POST", asJSON, 200},
		{"the page itself, older browser", "POST", []string{"Content-Type", "application/json", "Origin", "http://127.0.0.1:9090"}, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newChain(4)
			h := newHandler(t, web.Options{Live: c})
			for _, target := range []string{tryURL, killURL} {
				if w := ask(h, tt.method, target, "{}", tt.header...); w.Code != tt.want {
					t.Errorf("%s: status %d, want %d: %s", target, w.Code, tt.want, w.Body)
				}
			}
			if done := c.sum()+c.kept > 0; done != (tt.want == 200) {
				t.Errorf("done: %v", done)
			}
			if got := ask(h, "GET", "/api/truecount/v1/applications", "").Header().Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("other origins may read: %q", got)
			}
		})
	}
}

func TestForeignHostNamesReadNothing(t *testing.T) {
	h := newHandler(t, web.Options{Live: newChain(4), Hosts: []string{"truecount.example"}})
	for host, want := range map[string]int{
		"127.0.0.1:9090":         200,
		"127.0.0.1":              200,
		"[::1]:9090":             200,
		"192.168.1.5:9090":       200,
		"localhost:9090":         200,
		"LOCALHOST":              200,
		"clicks.localhost:9090":  200,
		"truecount.example":      200,
		"truecount.example:443":  200,
		"Truecount.Example.":     200,
		"evil.example":           421,
		"evil.example:9090":      421,
		"localhost.evil.example": 421,
		"127.0.0.1.evil.example": 421,
		"xtruecount.example":     421,
		"":                       421,
		"localhost:evil:x":       421,
	} {
		for _, path := range []string{"/", "/api/truecount/v1/applications"} {
			if w := ask(h, "GET", path, "", "Host", host); w.Code != want {
				t.Errorf("Host %q: %s: status %d, want %d", host, path, w.Code, want)
			}
		}
	}
	if w := ask(newHandler(t, web.Options{Live: newChain(1), Hosts: []string{"*"}}), "GET", "/", "", "Host", "any.example"); w.Code != 200 {
		t.Errorf("with * every host is allowed; status %d", w.Code)
	}
}

func TestActionsUnderWayAreBounded(t *testing.T) {
	c := newChain(4)
	c.block = make(chan struct{})
	reg := prometheus.NewRegistry()
	h := newHandler(t, web.Options{Live: c, MaxActions: 2, Registerer: reg})
	codes := make(chan int)
	for range 5 {
		go func() { codes <- ask(h, "POST", tryURL, "{}", asJSON...).Code }()
	}
	for range 3 { // two wait for the application; the others are refused at once
		if code := <-codes; code != 429 {
			t.Errorf("status %d, want 429", code)
		}
	}
	close(c.block)
	for range 2 {
		if code := <-codes; code != 200 {
			t.Errorf("status %d, want 200", code)
		}
	}
	want := `
# HELP truecount_web_actions_total Requests of the page that do something, by action (try, kill) and result (ok, error, refused).
# TYPE truecount_web_actions_total counter
truecount_web_actions_total{action="kill",result="error"} 0
truecount_web_actions_total{action="kill",result="ok"} 0
truecount_web_actions_total{action="kill",result="refused"} 0
truecount_web_actions_total{action="try",result="error"} 0
truecount_web_actions_total{action="try",result="ok"} 2
truecount_web_actions_total{action="try",result="refused"} 3
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "truecount_web_actions_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestOptionsThatMakeNoSenseAreErrors(t *testing.T) {
	if _, err := web.New(web.Options{MaxStreams: -1}); err == nil {
		t.Error("no error")
	}
	reg := prometheus.NewRegistry()
	newHandler(t, web.Options{Registerer: reg})
	if _, err := web.New(web.Options{Registerer: reg}); err == nil {
		t.Error("metrics registered twice: no error")
	}
}

func FuzzActionBodies(f *testing.F) {
	for _, s := range []string{`{}`, `{"pid":4712}`, `{"pid":-1}`, `[]`, `null`, `{"pid":1e99}`, "", "{\"pid\":\x00}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c := newChain(2)
		w := ask(newHandler(t, web.Options{Live: c}), "POST", killURL, body, asJSON...)
		answer, _ := io.ReadAll(w.Body)
		if !json.Valid(answer) {
			t.Errorf("%q: the answer is not JSON: %q", body, answer)
		}
		var req struct{ PID int }
		if err := json.Unmarshal([]byte(body), &req); (err != nil || req.PID < 0) && w.Code < 400 {
			t.Errorf("%q was taken: %d", body, w.Code)
		}
	})
}
