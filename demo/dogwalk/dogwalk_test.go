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

	"github.com/truecount/truecount/demo/database"
	"github.com/truecount/truecount/demo/database/databasetest"
	"github.com/truecount/truecount/demo/dogwalk"
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

func newSite(t *testing.T, database database.Address, more ...func(*dogwalk.Options)) *site {
	t.Helper()
	s := &site{t: t, now: time.Date(2025, 11, 20, 6, 0, 0, 0, time.UTC)}
	s.opts = dogwalk.Options{Database: database, Now: func() time.Time { return s.now }}
	for _, option := range more {
		option(&s.opts)
	}
	app, err := dogwalk.New(t.Context(), s.opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { app.Close() })
	s.app, s.handler = app, app.Handler()
	return s
}

func sqliteFile(t *testing.T) database.Address {
	return database.SQLite(filepath.Join(t.TempDir(), "dogwalk.db"))
}

// each runs a test over a new database of each kind.
func each(t *testing.T, test func(t *testing.T, newDatabase func(t *testing.T) database.Address)) {
	t.Run("sqlite", func(t *testing.T) { test(t, sqliteFile) })
	t.Run("postgres", func(t *testing.T) {
		cluster := databasetest.Start(t)
		parts := cluster.NewDatabase(t)
		test(t, func(t *testing.T) database.Address {
			cluster.Reset(t, parts)
			return parts.Address()
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
	file := sqliteFile(t)
	s := newSite(t, file)
	s.start()
	before := s.counts()
	execute(t, file, "CREATE TRIGGER no_start BEFORE INSERT ON walks BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
	execute(t, file, "CREATE TRIGGER no_end BEFORE UPDATE ON walks BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
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

// execute does something to a database behind the application's back.
func execute(t *testing.T, address database.Address, statement string) {
	t.Helper()
	connector, err := address.Connector()
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
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
	each(t, func(t *testing.T, newDatabase func(t *testing.T) database.Address) {
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
