package dogwalk_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/truecount/truecount/demo/database"
)

func TestEveryRouteOverEveryDatabase(t *testing.T) {
	// Walk 1 is in progress, walk 2 is complete, both with dog 1 and walker 1.
	routes := []struct {
		name, method, path string
		form               []string
		status             int
		location           string
		body               string // a part of it
		counts             counts // more than before
	}{
		{name: "start page", method: "GET", path: "/", status: 200, body: "Who is out"},
		{name: "start page with a new walk", method: "GET", path: "/?walk=1", status: 200, body: "Bolt is out with Ada"},
		{name: "start page with a complete walk", method: "GET", path: "/?walk=2", status: 200, body: "Bolt and Ada walked 1.2 km"},
		{name: "start page with an unknown walk", method: "GET", path: "/?walk=77", status: 200, body: "Who is out"},
		{name: "start page with nonsense", method: "GET", path: "/?walk=<b>", status: 200, body: "Who is out"},
		{name: "start page by post", method: "POST", path: "/", status: 405},

		{name: "start form", method: "GET", path: "/walks/start", status: 200, body: "Who wants out?"},
		{name: "start form for a dog", method: "GET", path: "/walks/start?dog=2", status: 200, body: `value="2" checked`},
		{name: "start", method: "POST", path: "/walks/start", form: []string{"dog", "2", "walker", "3"}, status: 303, location: "/?walk=3", counts: counts{started: 1}},
		{name: "start without anything", method: "POST", path: "/walks/start", status: 400, body: "Please choose a dog", counts: counts{invalid: 1}},
		{name: "start without a walker", method: "POST", path: "/walks/start", form: []string{"dog", "1"}, status: 400, body: "Please choose a walker", counts: counts{invalid: 1}},
		{name: "start keeps the choice", method: "POST", path: "/walks/start", form: []string{"dog", "4"}, status: 400, body: `value="4" checked`, counts: counts{invalid: 1}},
		{name: "start with nonsense", method: "POST", path: "/walks/start", form: []string{"dog", "<b>", "walker", "1"}, status: 400, body: "Please choose a dog", counts: counts{invalid: 1}},
		{name: "start with an unknown dog", method: "POST", path: "/walks/start", form: []string{"dog", "99", "walker", "1"}, status: 400, body: "not with us any more", counts: counts{invalid: 1}},
		{name: "start with an unknown walker", method: "POST", path: "/walks/start", form: []string{"dog", "1", "walker", "99"}, status: 400, body: "not with us any more", counts: counts{invalid: 1}},
		{name: "start by query", method: "POST", path: "/walks/start?dog=1&walker=1", status: 400, body: "Please choose a dog", counts: counts{invalid: 1}},
		{name: "start with too much", method: "POST", path: "/walks/start", form: []string{"dog", strings.Repeat("1", 20<<10)}, status: 413, body: "Too much"},
		{name: "start by put", method: "PUT", path: "/walks/start", status: 405},

		{name: "complete form", method: "GET", path: "/walks/1/complete", status: 200, body: "Distance in metres"},
		{name: "complete form of a complete walk", method: "GET", path: "/walks/2/complete", status: 400, body: "Already complete"},
		{name: "complete form of no walk", method: "GET", path: "/walks/99/complete", status: 404, body: "Not found"},
		{name: "complete", method: "POST", path: "/walks/1/complete", form: []string{"distance", "850"}, status: 303, location: "/?walk=1", counts: counts{completed: 1, distances: 1, metres: 850}},
		{name: "complete at zero", method: "POST", path: "/walks/1/complete", form: []string{"distance", "0"}, status: 303, location: "/?walk=1", counts: counts{completed: 1, distances: 1}},
		{name: "complete a complete walk", method: "POST", path: "/walks/2/complete", form: []string{"distance", "850"}, status: 400, body: "Already complete"},
		{name: "complete no walk", method: "POST", path: "/walks/99/complete", form: []string{"distance", "850"}, status: 404, body: "Not found"},
		{name: "complete nonsense", method: "POST", path: "/walks/abc/complete", form: []string{"distance", "850"}, status: 404},
		{name: "complete without a distance", method: "POST", path: "/walks/1/complete", status: 400, body: "Please enter the distance in metres"},
		{name: "complete backwards", method: "POST", path: "/walks/1/complete", form: []string{"distance", "-5"}, status: 400, body: "from 0 to 100000"},
		{name: "complete too far", method: "POST", path: "/walks/1/complete", form: []string{"distance", "100001"}, status: 400, body: "from 0 to 100000"},
		{name: "complete in words", method: "POST", path: "/walks/1/complete", form: []string{"distance", "<b>far</b>"}, status: 400, body: "&lt;b&gt;far&lt;/b&gt;"},
		{name: "complete a walk that is unknown, wrongly", method: "POST", path: "/walks/99/complete", status: 404},

		{name: "status of a walk in progress", method: "GET", path: "/walks/1/status", status: 200, body: `{"complete":false}`},
		{name: "status of a complete walk", method: "GET", path: "/walks/2/status", status: 200, body: `{"complete":true}`},
		{name: "status of no walk", method: "GET", path: "/walks/99/status", status: 404},
		{name: "status by post", method: "POST", path: "/walks/1/status", status: 405},

		{name: "kennel", method: "GET", path: "/kennel", status: 200, body: "A new walker"},
		{name: "kennel for programs", method: "GET", path: "/kennel.json", status: 200, body: `{"id":1,"name":"Bolt","size":"md","age":4}`},
		{name: "add a dog", method: "POST", path: "/dogs", form: []string{"name", "Rex", "size", "xl", "age", "3"}, status: 303, location: "/kennel"},
		{name: "add a dog of any size", method: "POST", path: "/dogs", form: []string{"name", "Rex", "age", "3"}, status: 303, location: "/kennel"},
		{name: "add a dog of no size", method: "POST", path: "/dogs", form: []string{"name", "Rex", "size", "xxl", "age", "3"}, status: 400, body: "Please choose one of the sizes"},
		{name: "add a dog without a name", method: "POST", path: "/dogs", form: []string{"age", "3"}, status: 400, body: "Please enter the dog&#39;s name"},
		{name: "add a dog with a long name", method: "POST", path: "/dogs", form: []string{"name", strings.Repeat("x", 61), "age", "3"}, status: 400, body: "at most 60 letters"},
		{name: "add a dog with a name that is no text", method: "POST", path: "/dogs", form: []string{"name", "a\x00b\xff", "age", "3"}, status: 400, body: "at most 60 letters"},
		{name: "add an ancient dog", method: "POST", path: "/dogs", form: []string{"name", "Rex", "age", "31"}, status: 400, body: "from 0 to 30"},
		{name: "add a walker", method: "POST", path: "/walkers", form: []string{"name", "Edith", "email", "edith@dogwalk.example"}, status: 303, location: "/kennel"},
		{name: "add a walker without an address", method: "POST", path: "/walkers", form: []string{"name", "Edith", "email", "edith"}, status: 400, body: "Please enter an email address"},
		{name: "delete a dog", method: "POST", path: "/dogs/1/delete", status: 303, location: "/kennel"},
		{name: "delete no dog", method: "POST", path: "/dogs/99/delete", status: 404},
		{name: "delete a walker", method: "POST", path: "/walkers/1/delete", status: 303, location: "/kennel"},
		{name: "delete no walker", method: "POST", path: "/walkers/99/delete", status: 404},
		{name: "delete by link", method: "GET", path: "/dogs/1/delete", status: 405},

		{name: "alerts", method: "GET", path: "/alerts", status: 200, body: "Walk 9 km, 20 times"},
		{name: "walk far", method: "POST", path: "/alerts/long-walks", status: 303, location: "/alerts", counts: counts{20, 20, 0, 20, 180000}},
		{name: "close the kennel", method: "POST", path: "/alerts/close", status: 303, location: "/alerts"},
		{name: "open the kennel", method: "POST", path: "/alerts/open", status: 303, location: "/alerts"},

		{name: "health", method: "GET", path: "/health/", status: 200, body: "ok"},
		{name: "metrics", method: "GET", path: "/metrics", status: 200, body: "walks_started_total 2"},
		{name: "style", method: "GET", path: "/static/dogwalk.css", status: 200, body: ".hero"},
		{name: "nothing", method: "GET", path: "/nothing", status: 404},
	}
	each(t, func(t *testing.T, newDatabase func(t *testing.T) database.Address) {
		for _, c := range routes {
			t.Run(c.name, func(t *testing.T) {
				s := newSite(t, newDatabase(t))
				s.start()
				s.start()
				s.complete("/walks/2/complete", "1234")
				before := s.counts()
				values := url.Values{}
				for i := 0; i < len(c.form); i += 2 {
					values.Set(c.form[i], c.form[i+1])
				}
				answer := s.send(c.method, c.path, values.Encode())
				if answer.Code != c.status {
					t.Fatalf("status %d, want %d: %s", answer.Code, c.status, answer.Body)
				}
				if got := answer.Header().Get("Location"); got != c.location {
					t.Errorf("location %q, want %q", got, c.location)
				}
				if !strings.Contains(answer.Body.String(), c.body) {
					t.Errorf("%q is not in: %s", c.body, answer.Body)
				}
				after := s.counts()
				grown := counts{after.started - before.started, after.completed - before.completed, after.invalid - before.invalid,
					after.distances - before.distances, after.metres - before.metres}
				if grown != c.counts {
					t.Errorf("counted %+v more, want %+v", grown, c.counts)
				}
			})
		}
	})
}
