package dogwalk_test

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/truecount/truecount/demo/dogwalk"
)

// gauge is the value of a gauge without labels.
func (s *site) gauge(name string) float64 {
	s.t.Helper()
	family := s.families()[name]
	if family == nil {
		s.t.Fatalf("no metric %s", name)
	}
	return family.Metric[0].GetGauge().GetValue()
}

func TestTheBoundsThatOnlyTheBusinessKnowsAreMetrics(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	got := map[string]float64{}
	for _, m := range s.families()["walk_distance_band_meters"].Metric {
		got[m.Label[0].GetValue()] = m.Gauge.GetValue()
	}
	if len(got) != 2 || got["lower"] != 200 || got["upper"] != 2000 {
		t.Errorf("band %v, want 200 to 2000", got)
	}
	if got := s.gauge("last_walk_max_age_seconds"); got != 300 {
		t.Errorf("age %v, want 300", got)
	}
}

func TestFarWalksMoveTheAverageOutOfItsBand(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	s.start()
	s.complete("/walks/1/complete", "500")
	if page := s.get("/alerts").Body.String(); strings.Contains(page, "outside of the band") {
		t.Error("500 m are outside")
	}
	s.post("/alerts/long-walks")
	c := s.counts()
	if average := c.metres / c.distances; average <= 2000 {
		t.Errorf("average %v, want more than 2000", average)
	}
	if page := s.get("/alerts").Body.String(); !strings.Contains(page, "outside of the band") {
		t.Error("the page does not show it")
	}
}

func TestAClosedKennelStartsNoWalkSoThatTheNewestBecomesTooOld(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	s.start()
	before := s.counts()
	started := s.now
	s.post("/alerts/close")

	s.now = s.now.Add(10 * time.Minute)
	answer := s.post("/walks/start", "dog", "1", "walker", "1")
	if answer.Code != 409 || !strings.Contains(answer.Body.String(), "The kennel is closed for another 5 min") {
		t.Errorf("start: status %d, want 409 and why: %s", answer.Code, answer.Body)
	}
	if answer := s.post("/alerts/long-walks"); answer.Code != 409 {
		t.Errorf("far walks: status %d, want 409", answer.Code)
	}
	s.wantCounts(before) // a closed kennel makes no invalid walk
	age := float64(s.now.Unix()) - s.gauge("last_walk_started_timestamp_seconds")
	if age != 600 || age <= s.gauge("last_walk_max_age_seconds") {
		t.Errorf("the newest walk of %v is %v s old, want 600, more than the bound", started, age)
	}
	if page := s.get("/alerts").Body.String(); !strings.Contains(page, `class="big outside"`) {
		t.Error("the page does not show that the newest walk is too old")
	}
	if answer := s.post("/walks/start", "dog", "1"); answer.Code != 400 {
		t.Errorf("an invalid form at a closed kennel: status %d, want 400", answer.Code)
	}

	s.now = s.now.Add(6 * time.Minute) // it opens by itself
	s.start()
	if got := s.gauge("last_walk_started_timestamp_seconds"); got != float64(s.now.Unix()) {
		t.Errorf("newest walk at %v, want now, %d", got, s.now.Unix())
	}
}

func TestAKennelOpensAgainAtOnce(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	s.post("/alerts/close")
	s.post("/alerts/open")
	s.start()
}

func TestAWorkerThatStartsKnowsTheNewestWalk(t *testing.T) {
	database := sqliteFile(t)
	first := newSite(t, database)
	first.start()
	second := newSite(t, database) // as another worker, or after a restart
	if got, want := second.gauge("last_walk_started_timestamp_seconds"), float64(first.now.Unix()); got != want {
		t.Errorf("newest walk at %v, want %v", got, want)
	}
	second.now = first.now.Add(-time.Hour) // a machine whose clock is behind
	second.start()
	if got, want := second.gauge("last_walk_started_timestamp_seconds"), float64(first.now.Unix()); got != want {
		t.Errorf("newest walk at %v after an older one, want still %v", got, want)
	}
	if c := second.counts(); c != (counts{started: 1}) {
		t.Errorf("it counted %+v, want only its own", c)
	}
}

func TestMetricsAreLintClean(t *testing.T) {
	s := newSite(t, sqliteFile(t))
	s.post("/alerts/long-walks")
	answer := httptest.NewRecorder()
	s.app.Metrics().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	problems, err := promlint.New(answer.Body).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("problems %v, %v", problems, err)
	}
}

func TestOptionsFromTheEnvironment(t *testing.T) {
	const secret = "s3cr3t"
	for name, c := range map[string]struct {
		env      map[string]string
		database string
		bounds   dogwalk.Bounds
		err      string
	}{
		"nothing":               {nil, "sqlite file dogwalk.db", dogwalk.Bounds{Shortest: 200, Longest: 2000, MaxAge: 5 * time.Minute}, ""},
		"a file":                {map[string]string{"DATABASE_URL": "/data/d.db"}, "sqlite file /data/d.db", dogwalk.Bounds{}, ""},
		"a url":                 {map[string]string{"DATABASE_URL": "postgres://u:" + secret + "@db:5432/kennel"}, "postgres database kennel at db:5432", dogwalk.Bounds{}, ""},
		"parts":                 {map[string]string{"DB_NAME": "kennel", "DB_USER": "u", "DB_PASSWORD": secret, "DB_HOST": "db"}, "postgres database kennel at db port 5432", dogwalk.Bounds{}, ""},
		"parts with a port":     {map[string]string{"DB_NAME": "kennel", "DB_USER": "u", "DB_HOST": "db", "DB_PORT": "5433"}, "postgres database kennel at db port 5433", dogwalk.Bounds{}, ""},
		"bounds":                {map[string]string{"WALK_DISTANCE_MIN": "1", "WALK_DISTANCE_MAX": "9", "LAST_WALK_MAX_AGE": "90s"}, "sqlite file dogwalk.db", dogwalk.Bounds{Shortest: 1, Longest: 9, MaxAge: 90 * time.Second}, ""},
		"twice":                 {map[string]string{"DATABASE_URL": "d.db", "DB_NAME": "kennel"}, "", dogwalk.Bounds{}, "given twice"},
		"a password only":       {map[string]string{"DB_PASSWORD": secret}, "", dogwalk.Bounds{}, "DB_NAME is not set"},
		"no user":               {map[string]string{"DB_NAME": "kennel", "DB_PASSWORD": secret, "DB_HOST": "db"}, "", dogwalk.Bounds{}, "DB_USER is not set"},
		"no host":               {map[string]string{"DB_NAME": "kennel", "DB_PASSWORD": secret, "DB_USER": "u"}, "", dogwalk.Bounds{}, "DB_HOST is not set"},
		"a port that is none":   {map[string]string{"DB_NAME": "kennel", "DB_PASSWORD": secret, "DB_USER": "u", "DB_HOST": "db", "DB_PORT": "x"}, "", dogwalk.Bounds{}, `DB_PORT: "x"`},
		"an unknown database":   {map[string]string{"DATABASE_URL": "mysql://u:" + secret + "@db/kennel"}, "", dogwalk.Bounds{}, `DATABASE_URL: unknown database "mysql"`},
		"bounds that cross":     {map[string]string{"WALK_DISTANCE_MIN": "3000"}, "", dogwalk.Bounds{}, "the first must be smaller"},
		"a distance in words":   {map[string]string{"WALK_DISTANCE_MIN": "far"}, "", dogwalk.Bounds{}, `WALK_DISTANCE_MIN: "far"`},
		"an age without a unit": {map[string]string{"LAST_WALK_MAX_AGE": "300"}, "", dogwalk.Bounds{}, `LAST_WALK_MAX_AGE: "300"`},
		"a port in words":       {map[string]string{"PORT": "http"}, "", dogwalk.Bounds{}, `PORT: "http"`},
	} {
		t.Run(name, func(t *testing.T) {
			opts, err := dogwalk.OptionsFromEnv(func(name string) string { return c.env[name] })
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), secret) {
					t.Fatalf("err = %v, want %q and no password", err, c.err)
				}
				return
			}
			if err != nil || opts.Database.String() != c.database || c.bounds != (dogwalk.Bounds{}) && opts.Bounds != c.bounds {
				t.Errorf("got %s, %+v, %v; want %s, %+v", opts.Database, opts.Bounds, err, c.database, c.bounds)
			}
		})
	}
}

func TestTheHelpListsEveryVariableThatIsRead(t *testing.T) {
	var help bytes.Buffer
	if err := dogwalk.Command(t.Context(), []string{"-h"}, func(string) string { return "" }, &help); err != nil {
		t.Fatal(err)
	}
	var read []string
	if _, err := dogwalk.OptionsFromEnv(func(name string) string { read = append(read, name); return "" }); err != nil {
		t.Fatal(err)
	}
	for _, name := range read {
		if !strings.HasPrefix(name, "TRUECOUNT_") && !strings.Contains(help.String(), name) { // those are the supervisor's
			t.Errorf("the help says nothing of %s", name)
		}
	}
}
