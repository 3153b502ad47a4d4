package servicewindow_test

import (
	"maps"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/test/chromium"
)

func TestRoutes(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	for _, c := range []struct {
		method, path string
		status       int
		contentType  string
		body         string // a part of it
		allow        string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "2 of 4 in service", ""},
		{"POST", "/", 405, "", "", "GET, HEAD"},
		{"GET", "/components.json", 200, "application/json", `{"id":4,"name":"newsletter","labels":{"team":"marketing","tier":"3"},"inWindow":false}`, ""},
		{"GET", "/components", 405, "", "", "POST"},
		{"POST", "/components/99/delete", 404, "text/html; charset=utf-8", "There is no such component", ""},
		{"POST", "/components/x/delete", 404, "text/html; charset=utf-8", "There is no such component", ""},
		{"GET", "/health/", 200, "text/plain; charset=utf-8", "ok", ""},
		{"GET", "/metrics", 200, "", "checkout_service_window_in_window", ""},
		{"GET", "/static/base.css", 200, "text/css; charset=utf-8", "--ground", ""},
		{"GET", "/static/servicewindow.css", 200, "text/css; charset=utf-8", ".week", ""},
		{"GET", "/static/icon.svg", 200, "image/svg+xml", "<svg", ""},
		{"GET", "/nothing", 404, "", "", ""},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			answer := s.send(c.method, c.path, "")
			if answer.Code != c.status {
				t.Fatalf("status %d, want %d", answer.Code, c.status)
			}
			if got := answer.Header().Get("Content-Type"); c.contentType != "" && got != c.contentType {
				t.Errorf("content type %q, want %q", got, c.contentType)
			}
			if got := answer.Header().Get("Allow"); got != c.allow {
				t.Errorf("allow %q, want %q", got, c.allow)
			}
			if !strings.Contains(answer.Body.String(), c.body) {
				t.Errorf("body %q, want %q in it", answer.Body, c.body)
			}
		})
	}
}

// shop is the form as it is filled in for a component in service on Thursdays.
func shop() url.Values {
	return url.Values{"name": {"web-shop"}, "labels": {"team=web, tier=1"}, "day": {"thu", "fri"}, "start": {"10:00"}, "hours": {"1.5"}, "zone": {"UTC"}}
}

func TestAComponentThatIsAddedByThePageIsAtTheNextScrapeAndGoneWhenDeleted(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	if answer := s.post("/components", shop()); answer.Code != 303 || answer.Header().Get("Location") != "/" {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	s.want([]string{`web_shop_service_window_in_window{team="web",tier="1"} 0`})
	page := s.get("/").Body.String()
	for _, want := range []string{"web-shop", "team=web", "Thursday and Friday from 10:00 for 1 h 30 min, UTC", "from Fri 10:00, in 22 h", "2 of 5 in service"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if answer := s.post("/components/5/delete", nil); answer.Code != 303 {
		t.Fatalf("delete: status %d", answer.Code)
	}
	s.want(nil, "web_shop")
}

func TestAFormIsRefusedWithWhatIsWrongAndKeepsWhatWasTyped(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	for name, c := range map[string]struct {
		field string
		value []string
		code  int
		want  string
	}{
		"no name":                   {"name", nil, 400, "Please enter a name"},
		"a name with a space":       {"name", []string{"web shop"}, 400, "Please enter a name"},
		"a name that begins with 9": {"name", []string{"9lives"}, 400, "Please enter a name"},
		"a name that is taken":      {"name", []string{"back_office"}, 409, "There is a component whose metrics have these names"},
		"no day":                    {"day", nil, 400, "Please choose at least one day"},
		"an unknown day":            {"day", []string{"someday"}, 400, "Please choose at least one day"},
		"no time":                   {"start", []string{"25:00"}, 400, "Please enter a time"},
		"no length":                 {"hours", []string{"0"}, 400, "Please enter up to 24 hours"},
		"a length that is too long": {"hours", []string{"24.1"}, 400, "Please enter up to 24 hours"},
		"a length that is none":     {"hours", []string{"NaN"}, 400, "Please enter up to 24 hours"},
		"an unknown zone":           {"zone", []string{"Mars/Base"}, 400, "Please enter a time zone"},
		"labels without values":     {"labels", []string{"team"}, 400, "Please enter labels as"},
		"a label of Prometheus":     {"labels", []string{"__name__=up"}, 400, "Please enter labels as"},
		"too many labels":           {"labels", []string{strings.Join(strings.Split("abcdefghijklmnopq", ""), "=x,") + "=x"}, 400, "at most 16 labels"},
	} {
		t.Run(name, func(t *testing.T) {
			form := maps.Clone(shop())
			form[c.field] = c.value
			answer := s.post("/components", form)
			if answer.Code != c.code || !strings.Contains(answer.Body.String(), c.want) {
				t.Errorf("status %d, want %d and %q:\n%s", answer.Code, c.code, c.want, grep(answer.Body.String(), "wrong"))
			}
			if c.field != "start" && !strings.Contains(answer.Body.String(), `value="10:00"`) {
				t.Error("what was typed is gone")
			}
		})
	}
	if answer := s.send("POST", "/components", "name="+strings.Repeat("x", 20<<10)); answer.Code != 413 {
		t.Errorf("too large a form: status %d", answer.Code)
	}
	if answer := s.send("POST", "/components", "name=%zz"); answer.Code != 400 {
		t.Errorf("a broken form: status %d", answer.Code)
	}
	if got := strings.Count(s.get("/components.json").Body.String(), `"id"`); got != 4 {
		t.Errorf("%d components, want the 4 from before", got)
	}
}

func TestAFormFromAnotherSiteIsRefused(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	request := httptest.NewRequest("POST", "/components/1/delete", nil)
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	answer := httptest.NewRecorder()
	s.handler.ServeHTTP(answer, request)
	if answer.Code != 403 {
		t.Errorf("status %d", answer.Code)
	}
	s.want([]string{`checkout_service_window_in_window{team="payments",tier="1"} 1`})
}

// TestAPersonAddsAComponentAndDeletesIt does in a browser what the page is for, at phone width. With SCREENSHOT=file it keeps a
// picture.
func TestAPersonAddsAComponentAndDeletesIt(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	server := httptest.NewServer(s.handler)
	defer server.Close()
	page := chromium.Open(t)
	page.Patience = 30 * time.Second
	page.Phone()
	page.Open(server.URL)
	page.SeeText("h1", "2 of 4 in service")
	page.SeeText(".components li:nth-child(2) .state", "in service until Fri 00:00, for another 12 h every day from 00:00 for 24 h, UTC")
	page.WantFit()
	page.WantQuiet()
	if file := os.Getenv("SCREENSHOT"); file != "" {
		page.Screenshot(file)
	}

	page.Type(`[name="name"]`, "back-office")
	page.ClickOn(".new .button")
	page.SeeText(".new .wrong", "There is a component whose metrics have these names")
	page.WantFit()
	page.Eval(`document.querySelector('[name="name"]').value = ""`)
	page.Type(`[name="name"]`, "back-office-two")
	page.Type(`[name="labels"]`, "team=web")
	page.ClickOn(".days label:nth-child(4)") // Thursday leaves
	page.ClickOn(".new .button")
	page.SeeText(".components li:nth-child(2)", "back-office-two team=web")
	page.SeeText(".components li:nth-child(2) small", "Mon, Tue, Wed, Fri from 09:00 for 8 h, UTC")
	s.want([]string{`back_office_two_service_window_in_window{team="web"} 0`})

	page.ClickOn(".components li:nth-child(2) summary")
	page.WantFit()
	page.ClickOn(".components li:nth-child(2) .danger")
	page.SeeText("h1", "2 of 4 in service")
	s.want(nil, "back_office_two")
}
