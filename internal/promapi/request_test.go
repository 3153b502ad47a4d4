package promapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/promapi"
)

var one = success(`{"resultType":"scalar","result":[1,"1"]}`)

func TestAnAddressThatIsNoneIsRefusedWithoutRepeatingIt(t *testing.T) {
	for _, address := range []string{"", "prometheus:9090", "ftp://x", "http://", "http://user:secret@%zz", "/api"} {
		_, err := promapi.New(promapi.Options{URL: address})
		if err == nil || hint.Of(err) == "" || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := promapi.New(promapi.Options{URL: "http://x", Method: "PUT"}); err == nil {
		t.Error("PUT was accepted")
	}
}

func TestTheQuestionArrivesWhole(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		t.Run(method, func(t *testing.T) {
			var got url.Values
			var tenant, path, how string
			client := ask(t, func(w http.ResponseWriter, r *http.Request) {
				r.ParseForm()
				got, tenant, path, how = r.Form, r.Header.Get("X-Scope-OrgID"), r.URL.Path, r.Method
				fmt.Fprint(w, one)
			}, promapi.Options{Method: method, Header: http.Header{"X-Scope-Orgid": {"team"}}})
			if _, err := client.Query(t.Context(), `up{a="&="}`, time.UnixMilli(1500)); err != nil {
				t.Fatal(err)
			}
			if got.Get("query") != `up{a="&="}` || got.Get("time") != "1.500" || got.Get("timeout") == "" || tenant != "team" || path != "/api/v1/query" || how != method {
				t.Errorf("%s %s of %q: %v", how, path, tenant, got)
			}
		})
	}
}

func TestPathsAndParametersOfTheAddressAreKept(t *testing.T) {
	var got *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm()
		got = r
		fmt.Fprint(w, one)
	}))
	defer server.Close()
	user := strings.Replace(server.URL, "http://", "http://me:secret@", 1)
	client, err := promapi.New(promapi.Options{URL: user + "/select/0/prometheus/?extra_label=a%3Db"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Query(t.Context(), "up", time.Time{}); err != nil {
		t.Fatal(err)
	}
	name, password, _ := got.BasicAuth()
	if got.URL.Path != "/select/0/prometheus/api/v1/query" || got.Form.Get("extra_label") != "a=b" || name != "me" || password != "secret" {
		t.Error(got.URL, got.Form, name, password)
	}
	if client.Server() != server.URL+"/select/0/prometheus" {
		t.Error(client.Server())
	}
}

func TestAServerThatTakesNoPostIsAskedByGetFromThenOn(t *testing.T) {
	for _, status := range []int{http.StatusMethodNotAllowed, http.StatusNotImplemented} {
		var methods []string
		handler := func(w http.ResponseWriter, r *http.Request) {
			methods = append(methods, r.Method)
			if r.Method == http.MethodPost {
				w.WriteHeader(status)
				return
			}
			if r.FormValue("query") != "up" {
				t.Error("the question is lost")
			}
			fmt.Fprint(w, one)
		}
		client := ask(t, handler, promapi.Options{})
		for range 2 {
			if _, err := client.Query(t.Context(), "up", time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(methods, []string{"POST", "GET", "GET"}) {
			t.Error(methods)
		}
		if _, err := ask(t, handler, promapi.Options{Method: "POST"}).Query(t.Context(), "up", time.Time{}); err == nil {
			t.Error("POST was asked for, and GET done")
		}
	}
}

func TestRedirectsDoNotCarryCredentialsElsewhere(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	for name, test := range map[string]struct {
		status int
		to     string
		method string
		says   string // "" if it is followed
	}{
		"another host":              {307, other.URL + "/login?state=secret", "POST", "redirects to " + other.URL + ", which is not followed"},
		"another host, by GET":      {302, other.URL + "/login?state=secret", "GET", "redirects to " + other.URL + ", which is not followed"},
		"within the server":         {307, "/right/api/v1/query", "POST", ""},
		"within the server, by GET": {301, "/right/api/v1/query?query=up", "GET", ""},
		"one that drops the form":   {302, "/right/api/v1/query", "POST", "loses the question"},
		"a circle":                  {307, "/api/v1/query", "POST", "circle"},
		"to nowhere":                {307, "", "POST", "answered 307"},
	} {
		t.Run(name, func(t *testing.T) {
			client := ask(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/right/") && r.FormValue("query") == "up" {
					fmt.Fprint(w, one)
					return
				}
				if test.to != "" {
					w.Header().Set("Location", test.to)
				}
				w.WriteHeader(test.status)
			}, promapi.Options{Method: test.method, Header: http.Header{"Authorization": {"Bearer secret"}}})
			_, err := client.Query(t.Context(), "up", time.Time{})
			switch {
			case test.says == "" && err != nil:
				t.Error(err)
			case test.says != "" && (promapi.KindOf(err) != promapi.NotUnderstood || !strings.Contains(err.Error(), test.says)):
				t.Errorf("got %v, want …%s…", err, test.says)
			case err != nil && strings.Contains(err.Error()+hint.Of(err), "secret"):
				t.Error("it shows a secret:", err)
			}
		})
	}
	if elsewhere.Load() != 0 {
		t.Error("the other host was asked")
	}
}

func TestErrorsShowNoCredentials(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close() // nobody listens there
	client, err := promapi.New(promapi.Options{URL: strings.Replace(server.URL, "http://", "http://me:secret@", 1) + "?token=secret", Method: "GET"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = client.Query(t.Context(), "up", time.Time{})
	if promapi.KindOf(err) != promapi.Unavailable || !strings.Contains(err.Error(), "cannot be reached") || !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), "secret") || strings.Contains(e.Error(), "me:") {
			t.Error("it shows a secret:", e)
		}
	}
}

// hangs answers the beginning of an answer, and then nothing.
func hangs(beginning string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if beginning != "" {
			fmt.Fprint(w, beginning)
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}
}

func TestAServerThatHangsTimesOut(t *testing.T) {
	for name, beginning := range map[string]string{"at once": "", "in the middle": vector("[")[:50]} {
		t.Run(name, func(t *testing.T) {
			client := ask(t, hangs(beginning), promapi.Options{Method: "GET", Timeout: 50 * time.Millisecond})
			_, err := client.Query(t.Context(), "up", time.Time{})
			if promapi.KindOf(err) != promapi.TimedOut || !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
}

func TestACallerThatGivesUpHearsItsOwnReason(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client := ask(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}, promapi.Options{Method: "GET"})
	if _, err := client.Query(ctx, "up", time.Time{}); !errors.Is(err, context.Canceled) || promapi.KindOf(err) != "" {
		t.Error(err)
	}
}

// TestTheTimeIsForTheWholeAnswer has a server that never stops answering: each byte comes soon.
func TestTheTimeIsForTheWholeAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		client, err := promapi.New(promapi.Options{URL: "http://slow", Transport: drip{}, Timeout: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Query(t.Context(), "up", time.Time{})
		if took := time.Since(began); promapi.KindOf(err) != promapi.TimedOut || took != 5*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// drip is a connection on which a space comes every second, 30 of them before the answer.
type drip struct{}

func (drip) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &dripping{ctx: r.Context(), left: 30}}, nil
}

type dripping struct {
	ctx  context.Context
	left int
}

func (d *dripping) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
	if d.left--; d.left > 0 {
		return copy(p, " "), nil
	}
	return copy(p, one), nil
}

func (d *dripping) Close() error { return nil }

func TestAConnectionThatBreaksIsNoAnswer(t *testing.T) {
	client := ask(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, vector("[")[:50])
	}, promapi.Options{})
	_, err := client.Query(t.Context(), "up", time.Time{})
	if promapi.KindOf(err) == "" || !strings.Contains(err.Error(), "middle") && !strings.Contains(err.Error(), "broke off") {
		t.Error(err)
	}
}
