package pydir_test

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/endpoints"
	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// TestReplicasWithDirectoriesAreOneService has two replicas count the same: what is counted doubles, and gauges are of the
// mode that their files are of, over replicas as over workers.
func TestReplicasWithDirectoriesAreOneService(t *testing.T) {
	const client = "client_python-0.25.0"
	g, err := merge.NewGroup(merge.GroupOptions{Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	var replicas []*pydir.Merger
	for _, name := range []string{"shop-0", "shop-1"} {
		m := newMerger(t, pydir.Options{Name: name, Dir: unpack(t, client)})
		g.Add(m)
		replicas = append(replicas, m)
	}
	read := func() {
		for _, m := range replicas {
			if err := m.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	read()
	one := samplesOf(t, scrape(t, replicas[0], "text/plain"), "text/plain")
	want := map[string]float64{}
	for name, value := range one {
		want[name] = 2 * value
		if sameOverReplicas.MatchString(name) {
			want[name] = value
		}
	}
	compareSamples(t, samplesOf(t, scrape(t, g, "text/plain"), "text/plain"), want)
	if got := len(g.Workers()); got != len(replicas[0].Workers())+len(replicas[1].Workers()) || got == 0 {
		t.Errorf("%d workers", got)
	}

	// One is scaled away: what it counted stays.
	g.Retire(replicas[1])
	after := samplesOf(t, scrape(t, g, "text/plain"), "text/plain")
	for name, value := range after {
		if strings.Contains(name, "_total") && value != want[name] {
			t.Errorf("%s is %v after a replica was scaled away, and was %v", name, value, want[name])
		}
	}
}

// sameOverReplicas are gauges of the sample of which two that are the same are one.
var sameOverReplicas = regexp.MustCompile(`"gauge_(live)?(min|max|mostrecent)"`)

func TestANaiveScrapeSeesOneWorkerOfADirectory(t *testing.T) {
	m := newMerger(t, pydir.Options{Name: "shop-0", Dir: unpack(t, "client_python-0.25.0")})
	g, err := merge.NewGroup(merge.GroupOptions{Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	g.Add(m)
	if err := m.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	total := g.Counter("http_requests_total")
	if !total.Found || len(total.Workers) < 2 {
		t.Fatalf("the sample has %+v", total)
	}
	for _, w := range total.Workers {
		alone := m.Alone(w.Worker)
		if alone == nil {
			t.Fatalf("%s is not up", w.Worker)
		}
		sum := 0.0
		for _, f := range alone.Families {
			for _, s := range f.Series {
				if f.Name == "http_requests_total" {
					sum += s.Value
				}
			}
		}
		if math.Abs(sum-w.Value) > 1e-12*w.Value || sum >= total.Total {
			t.Errorf("%s alone says %v, its part is %v of %v", w.Worker, sum, w.Value, total.Total)
		}
	}
	if m.Alone("pid=1") != nil {
		t.Error("a worker that is not there says something")
	}
	if page := scrape(t, g.NaiveHandler(), "text/plain"); !strings.Contains(page, "http_requests_total") {
		t.Errorf("one worker of the service says\n%s", page)
	}
}

func TestMergesOfBothKindsShareARegistererUnderOneHelp(t *testing.T) {
	reg := prometheus.NewRegistry()
	sockets, err := merge.New(merge.Options{Name: "clicks-0", Source: endpoints.Dir(t.TempDir()), Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	defer sockets.Close()
	newMerger(t, pydir.Options{Name: "shop-0", Dir: t.TempDir(), Registerer: reg})
	if _, err := reg.Gather(); err != nil {
		t.Error(err)
	}
}

func TestCleaningRemovesWhatTheClientWroteAndNothingElse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "for", "it")
	if err := pydir.Clean(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"counter_1.db", "gauge_livesum_1.db", "histogram_web-1.db", "summary_1.retired-5.db", // the client's
		"dogs.db", "counter.db", "gauge_odd_1.db", "db.sqlite3", "counter_1.db-journal", "worker_1.pid",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "counter_2.db")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "counter_3.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := pydir.Clean(dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := []string{"counter.db", "counter_1.db-journal", "counter_3.db", "db.sqlite3", "dogs.db", "gauge_odd_1.db", "worker_1.pid"}
	if !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v", left, want)
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
}

func TestADirectoryIsClaimedOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "counts")
	release, err := pydir.Claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pydir.Claim(dir); err == nil || !strings.Contains(err.Error(), "used by another application") || hint.Of(err) == "" {
		t.Errorf("a second application gets %v, hint %q", err, hint.Of(err))
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	again, err := pydir.Claim(dir)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	_ = again()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pydir.Claim(file); err == nil || hint.Of(err) == "" {
		t.Errorf("a file is claimed: %v, hint %q", err, hint.Of(err))
	}
}

// TestAWorkerWhoseFileCannotBeOpenedIsDown: it may be alive, and what it counts is not in the answer.
func TestAWorkerWhoseFileCannotBeOpenedIsDown(t *testing.T) {
	dir := t.TempDir()
	for _, id := range []string{"101", "102"} {
		w := pydirtest.NewWorker(dir, id, pydirtest.Since018)
		w.Counter("clicks", "Clicks.").Add(1)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	m := newMerger(t, pydir.Options{Dir: dir, Limits: pydir.Limits{Files: 1}})
	if page := scrape(t, m, "text/plain"); !strings.Contains(page, "\ntruecount_merge_completeness_ratio 0.5\n") || !strings.Contains(page, "\nclicks_total 1\n") {
		t.Errorf("the page is\n%s", page)
	}
	workers := m.Workers()
	if len(workers) != 2 || !workers[0].Up || workers[1].ID != "pid=102" || workers[1].Up || workers[1].Error != "counter_102.db: limit" {
		t.Errorf("the workers are %+v", workers)
	}
}
