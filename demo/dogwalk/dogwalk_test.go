package dogwalk_test

import (
	"context"
	"database/sql"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"github.com/truecount/truecount/demo/dogwalk"
	"github.com/truecount/truecount/demo/dogwalk/store"
	"github.com/truecount/truecount/demo/dogwalk/store/storetest"
)

// asProgram makes the test program the dogwalk program, for tests with real processes.
const asProgram = "DOGWALK_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		if err := dogwalk.Command(context.Background(), os.Args[1:], os.Getenv, os.Stderr); err != nil {
			io.WriteString(os.Stderr, "dogwalk: "+err.Error()+"\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// A site is the application over a new database, with a clock that stands until it is moved.
type site struct {
	t       *testing.T
	app     *dogwalk.App
	handler http.Handler
	opts    dogwalk.Options
	now     time.Time
}

func newSite(t *testing.T, database store.Address) *site {
	t.Helper()
	s := &site{t: t, now: time.Date(2025, 11, 20, 6, 0, 0, 0, time.UTC)}
	s.opts = dogwalk.Options{Database: database, Now: func() time.Time { return s.now }}
	app, err := dogwalk.New(t.Context(), s.opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { app.Close() })
	s.app, s.handler = app, app.Handler()
	return s
}

func sqliteFile(t *testing.T) store.Address {
	return store.SQLite(filepath.Join(t.TempDir(), "dogwalk.db"))
}

// each runs a test over a new database of each kind.
func each(t *testing.T, test func(t *testing.T, newDatabase func(t *testing.T) store.Address)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteFile) })
	t.Run("postgres", func(t *testing.T) {
		cluster := storetest.Start(t)
		database := cluster.NewDatabase(t)
		test(t, func(t *testing.T) store.Address {
			cluster.Reset(t, database)
			return database.Address()
		})
	})
}

func (s *site) get(path string) *httptest.ResponseRecorder {
	return s.send("GET", path, "")
}

func (s *site) post(path string, form ...string) *httptest.ResponseRecorder {
	values := url.Values{}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	return s.send("POST", path, values.Encode())
}

func (s *site) send(method, path, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	if method == "POST" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer := httptest.NewRecorder()
	s.handler.ServeHTTP(answer, request)
	return answer
}

// start starts a walk of the first dog with the first walker, which is walk 1, 2, … of the database.
func (s *site) start() {
	s.t.Helper()
	if answer := s.post("/walks/start", "dog", "1", "walker", "1"); answer.Code != http.StatusSeeOther {
		s.t.Fatalf("start: status %d: %s", answer.Code, answer.Body)
	}
}

func (s *site) complete(path, metres string) {
	s.t.Helper()
	if answer := s.post(path, "distance", metres); answer.Code != http.StatusSeeOther {
		s.t.Fatalf("complete: status %d: %s", answer.Code, answer.Body)
	}
}

// families reads the metrics as a scrape would.
func (s *site) families() map[string]*dto.MetricFamily {
	s.t.Helper()
	answer := httptest.NewRecorder()
	s.app.Metrics().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return families
}

// counts are the application's own numbers.
type counts struct{ started, completed, invalid, distances, metres float64 }

func (s *site) counts() counts {
	s.t.Helper()
	families := s.families()
	value := func(name string) float64 {
		if families[name] == nil {
			return math.NaN()
		}
		return families[name].Metric[0].GetCounter().GetValue()
	}
	distance := families["walk_distance"].GetMetric()[0].GetHistogram()
	return counts{value("walks_started_total"), value("walks_completed_total"), value("invalid_walks_total"),
		float64(distance.GetSampleCount()), distance.GetSampleSum()}
}

func (s *site) wantCounts(want counts) {
	s.t.Helper()
	if got := s.counts(); got != want {
		s.t.Errorf("counted %+v, want %+v", got, want)
	}
}

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
	each(t, func(t *testing.T, newDatabase func(t *testing.T) store.Address) {
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

func TestAllOfDogwalksNumbersAreThereBeforeTheFirstWalk(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	s.wantCounts(counts{})
	if s.families()["last_walk_started_timestamp_seconds"] != nil {
		t.Error("without a walk there is a newest walk: it would be a very old one")
	}
}

func TestWalkDistanceHasTheTutorialsBuckets(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	for _, metres := range []string{"0", "50", "51", "1600", "9000"} {
		s.start()
		s.complete("/walks/"+lastWalk(s)+"/complete", metres)
	}
	var got []float64
	for _, bucket := range s.families()["walk_distance"].Metric[0].Histogram.Bucket {
		got = append(got, bucket.GetUpperBound(), float64(bucket.GetCumulativeCount()))
	}
	want := []float64{0, 1, 50, 2, 200, 3, 400, 3, 800, 3, 1600, 4, 3200, 4, math.Inf(1), 5}
	if len(got) != len(want) {
		t.Fatalf("buckets %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("buckets %v, want %v", got, want)
		}
	}
}

// lastWalk is the number of the walk that the last answer's start page would show as the newest.
func lastWalk(s *site) string {
	s.t.Helper()
	_, after, _ := strings.Cut(s.get("/").Body.String(), `href="/walks/`)
	_, after, found := strings.Cut(after, `href="/walks/`) // the first leads to the form
	number, _, _ := strings.Cut(after, "/")
	if !found {
		s.t.Fatal("no walk in progress")
	}
	return number
}

// TestWhatIsNotSavedIsNotCounted makes the database fail by taking its tables away.
func TestWhatIsNotSavedIsNotCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dogwalk.db")
	s := newSite(t, store.SQLite(path))
	s.start()
	before := s.counts()
	execute(t, path, "CREATE TRIGGER no_start BEFORE INSERT ON walks BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
	execute(t, path, "CREATE TRIGGER no_end BEFORE UPDATE ON walks BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
	for _, answer := range []*httptest.ResponseRecorder{
		s.post("/walks/start", "dog", "1", "walker", "1"),
		s.post("/walks/1/complete", "distance", "100"),
		s.post("/alerts/long-walks"),
	} {
		if answer.Code != 500 || strings.Contains(answer.Body.String(), "disk") {
			t.Errorf("status %d: %s; want 500 and nothing of the inside", answer.Code, answer.Body)
		}
	}
	s.wantCounts(before)
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestHealthIs503WhenTheDatabaseDoesNotAnswer(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	s.app.Close()
	if answer := s.get("/health/"); answer.Code != 503 {
		t.Errorf("status %d, want 503", answer.Code)
	}
	if answer := s.get("/"); answer.Code != 500 {
		t.Errorf("start page: status %d, want 500", answer.Code)
	}
}

func TestDeletingADogDeletesItsWalks(t *testing.T) {
	each(t, func(t *testing.T, newDatabase func(t *testing.T) store.Address) {
		s := newSite(t, newDatabase(t))
		s.start()
		s.post("/dogs/1/delete")
		if answer := s.get("/walks/1/status"); answer.Code != 404 {
			t.Errorf("the walk of the deleted dog: status %d, want 404", answer.Code)
		}
		if page := s.get("/kennel").Body.String(); strings.Contains(page, "Bolt") {
			t.Error("Bolt is still in the kennel")
		}
	})
}
