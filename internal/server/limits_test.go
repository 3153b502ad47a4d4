package server

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/config"

	"github.com/truecount/truecount/test/await"
)

func line(n int) string { return fmt.Sprintf("flood_total{n=\"%d\",path=\"/a/b/c\"} 1\n", n) }

// P4: targets that mean harm, or do it.
var hostile = map[string]struct {
	serve http.HandlerFunc
	want  string // lastError in /api/v1/targets
}{
	"a flood of a million series": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		for i := range 1_000_000 {
			if _, err := io.WriteString(w, line(i)); err != nil {
				return
			}
		}
	}, "sample limit exceeded"},
	"a gzip bomb": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Encoding", "gzip")
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		defer z.Close()
		zeros := []byte(strings.Repeat("# padding\n", 100_000))
		for range 1000 { // a gigabyte
			if _, err := z.Write(zeros); err != nil {
				return
			}
		}
	}, "body size limit exceeded"},
	"an endless answer": {func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		for i := 0; r.Context().Err() == nil; i++ {
			if _, err := io.WriteString(w, "# HELP x "+strings.Repeat("y", 1<<16)+"\n"); err != nil {
				return
			}
		}
	}, "" /* whichever comes first: the size or the time */},
	"a dripping answer": {func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "clicks_total 1\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}, "context deadline exceeded"},
	"a label of a megabyte": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "clicks_total{x=%q} 1\n", strings.Repeat("v", 1<<20))
	}, "label_value_length_limit exceeded"},
	"a thousand labels": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "clicks_total{")
		for i := range 1000 {
			fmt.Fprintf(w, "l%d=\"v\",", i)
		}
		io.WriteString(w, "} 1\n")
	}, "label_limit"},
	"a web page": {func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<html>")
	}, "unsupported Content-Type"},
}

func TestP4AHostileTargetIsDownAndOthersAreNotAffected(t *testing.T) {
	for name, h := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // the first scrape of a target is anywhere in its interval
			good, bad := newTarget(t, "clicks_total 7\n"), httptest.NewServer(h.serve)
			t.Cleanup(bad.Close)
			t.Cleanup(bad.CloseClientConnections)
			in := run(t, configuration(t, "hostile.yml", "good.invalid:1", good.addr(), "hostile.invalid:1", hostPort(bad.URL)))
			var peak uint64
			// A machine that is too busy to read up to the limit times out first, and meets the limit at a later scrape.
			await.True(t, "the hostile target is down for its reason and the other one up: "+h.want, func() bool {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapAlloc)
				why := lastError(t, in)
				return in.value(t, `up{job="hostile"}`) == "0" && in.value(t, `up{job="good"}`) == "1" && why != "" && strings.Contains(why, h.want)
			})
			if got := in.value(t, `min_over_time(up{job="good"}[1m])`); got != "1" {
				t.Errorf("the other target was down: %q", got)
			}
			if peak > 2<<30 { // seven pairs of servers and targets are in it, and what the collector has not taken yet
				t.Errorf("%d MB on the heap of all these servers together", peak>>20)
			}
			series, _ := strconv.ParseFloat(metric(t, in, "prometheus_tsdb_head_series "), 64)
			if series > float64(DefaultLimits().Samples)+100 {
				t.Errorf("%g series in memory", series)
			}
			t.Logf("heap at most %d MB, series in memory %g", peak>>20, series)
		})
	}
}

func lastError(t *testing.T, in *instance) string {
	t.Helper()
	for _, target := range api[struct {
		ActiveTargets []struct{ ScrapePool, LastError string }
	}](t, in, "targets").ActiveTargets {
		if target.ScrapePool == "hostile" {
			return target.LastError
		}
	}
	return ""
}

func TestLimitsOfTheFileWinOverTheDefaults(t *testing.T) {
	file := write(t, t.TempDir()+"/prometheus.yml", `
scrape_config_files: ["more.yml"]
scrape_configs:
  - job_name: own
    sample_limit: 7
    body_size_limit: 1GB
  - job_name: none
`)
	write(t, strings.Replace(file, "prometheus.yml", "more.yml", 1), "scrape_configs:\n  - job_name: another file\n")
	load := func(limits Limits) map[string]*config.ScrapeConfig {
		t.Helper()
		opts := Options{ConfigFile: file, DataDir: "x", Limits: limits}
		if err := opts.complete(); err != nil {
			t.Fatal(err)
		}
		cfg, err := loadConfig(file, opts.Logger)
		if err != nil {
			t.Fatal(err)
		}
		opts.fillConfig(cfg)
		jobs, err := cfg.GetScrapeConfigs()
		if err != nil {
			t.Fatal(err)
		}
		byName := map[string]*config.ScrapeConfig{}
		for _, j := range jobs {
			byName[j.JobName] = j
		}
		return byName
	}
	check := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	jobs, def := load(Limits{}), DefaultLimits()
	check("own samples", jobs["own"].SampleLimit, uint(7))
	check("own body", int64(jobs["own"].BodySizeLimit), int64(1<<30))
	check("own labels", jobs["own"].LabelLimit, uint(def.Labels))
	for _, name := range []string{"none", "another file"} {
		check(name+" samples", jobs[name].SampleLimit, uint(def.Samples))
		check(name+" body", int64(jobs[name].BodySizeLimit), def.BodySize)
		check(name+" targets", jobs[name].TargetLimit, uint(def.Targets))
		check(name+" label values", jobs[name].LabelValueLengthLimit, uint(def.LabelValueLength))
	}
	jobs = load(Limits{Samples: -1, BodySize: 5})
	check("option: no sample limit", jobs["none"].SampleLimit, uint(0))
	check("option: body", int64(jobs["another file"].BodySizeLimit), int64(5))
	check("file wins over option", jobs["own"].SampleLimit, uint(7))
}
