package python

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// click hits the button.
func click(l *load, _ int) {
	if a := l.ask(http.MethodPost, "/click-button", nil, nil, http.StatusOK, series{"demo_app_button_clicks_total": 1}); a != nil && a.body != "{}\n" {
		l.t.Errorf("a click is answered %q", a.body)
	}
}

// distances of the walks, and the bounds of the histogram that they are counted below.
var distances = []struct {
	metres int
	within []string
}{
	{0, []string{"0.0", "50.0", "200.0", "400.0", "800.0", "1600.0", "3200.0", "+Inf"}},
	{42, []string{"50.0", "200.0", "400.0", "800.0", "1600.0", "3200.0", "+Inf"}},
	{1234, []string{"1600.0", "3200.0", "+Inf"}},
	{9999, []string{"+Inf"}},
}

// walk starts a walk and completes it; now and then it starts one that cannot be.
func walk(csrf url.Values, header http.Header) visitor {
	form := func(pairs ...string) url.Values {
		f := url.Values{"csrfmiddlewaretoken": csrf["csrfmiddlewaretoken"]}
		for i := 0; i < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
		return f
	}
	posted := func(view string, status int, counts series) series {
		counts[fmt.Sprintf(`django_http_requests_total_by_view_transport_method_total{method="POST",transport="http",view="%s"}`, view)] = 1
		counts[fmt.Sprintf(`django_http_responses_total_by_status_view_method_total{method="POST",status="%d",view="%s"}`, status, view)] = 1
		return counts
	}
	return func(l *load, visit int) {
		if visit%7 == 0 {
			l.ask(http.MethodPost, "/walks/start", header, form("dog", "4711", "walker", "1"), http.StatusBadRequest,
				posted("start-walk", 400, series{"invalid_walks_total": 1}))
			return
		}
		started := l.ask(http.MethodPost, "/walks/start", header, form("dog", "1", "walker", "2"), http.StatusFound,
			posted("start-walk", 302, series{"walks_started_total": 1, `django_model_inserts_total{model="walk"}`: 1}))
		if started == nil {
			return
		}
		id, ok := strings.CutPrefix(started.location, "/?walk=")
		if !ok {
			l.t.Errorf("a started walk leads to %q", started.location)
			return
		}
		d := distances[visit%len(distances)]
		counts := series{"walks_completed_total": 1, "walk_distance_sum": float64(d.metres), "walk_distance_count": 1, `django_model_updates_total{model="walk"}`: 1}
		for _, le := range d.within {
			counts[fmt.Sprintf(`walk_distance_bucket{le="%s"}`, le)] = 1
		}
		l.ask(http.MethodPost, "/walks/"+id+"/complete", header, form("distance", fmt.Sprint(d.metres)), http.StatusFound, posted("complete-walk", 302, counts))
	}
}

var csrfField = regexp.MustCompile(`name="csrfmiddlewaretoken" value="(\w+)"`)

// csrf gets the form as a browser does: its token, and the cookie that belongs to it.
func csrf(t *testing.T, base string) (url.Values, http.Header) {
	t.Helper()
	response, err := client.Get(base + "/walks/start")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body := new(strings.Builder)
	if err := response.Write(body); err != nil {
		t.Fatal(err)
	}
	field, cookies := csrfField.FindStringSubmatch(body.String()), response.Cookies()
	if field == nil || len(cookies) != 1 {
		t.Fatalf("the form has no token, or no cookie: %v\n%s", cookies, body)
	}
	return url.Values{"csrfmiddlewaretoken": {field[1]}}, http.Header{"Cookie": {cookies[0].Name + "=" + cookies[0].Value}}
}
