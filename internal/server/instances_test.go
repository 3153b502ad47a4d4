package server

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestTwoConcurrentInstances(t *testing.T) {
	one, two := newTarget(t, "clicks_total 1\n"), newTarget(t, "clicks_total 2\n")
	a := run(t, configuration(t, "scrape.yml", "target.invalid:1", one.addr()))
	b := run(t, configuration(t, "scrape.yml", "target.invalid:1", two.addr()), func(o *Options) { o.Retention.Time = 48 * 3600e9 })
	a.eventuallyValue(t, "clicks_total", "1")
	b.eventuallyValue(t, "clicks_total", "2")
	if got := api[struct{ StorageRetention string }](t, a, "status/runtimeinfo").StorageRetention; got != "15d" {
		t.Errorf("one's retention is %s", got)
	}
	if got := api[struct{ StorageRetention string }](t, b, "status/runtimeinfo").StorageRetention; got != "2d" {
		t.Errorf("the other's retention is %s", got)
	}
	if err := a.Reload(); err != nil {
		t.Error(err)
	}
	a.stop()
	two.set("clicks_total 3\n")
	b.eventuallyValue(t, "clicks_total", "3")
}

func TestARegistryServesOneServerAtATimeAndIsCleanAfterwards(t *testing.T) {
	registry := prometheus.NewRegistry()
	shared := func(o *Options) { o.Registerer, o.Gatherer = registry, registry }
	in := run(t, configuration(t, "scrape.yml", "target.invalid:1", "127.0.0.1:1"), shared)
	_, err := New(Options{ConfigFile: configuration(t, "scrape.yml"), DataDir: t.TempDir(), Registerer: registry, Gatherer: registry})
	if err == nil || !strings.Contains(err.Error(), "metrics registry: ") {
		t.Errorf("a second server on the registry: %v", err)
	}
	if got := metric(t, in, "prometheus_ready "); got != "1" {
		t.Errorf("the first server lost its metrics: %q", got)
	}
	in.stop()
	families, err := registry.Gather()
	if err != nil || len(families) != 0 {
		t.Errorf("left behind: %v %v", families, err)
	}
	again := run(t, configuration(t, "scrape.yml", "target.invalid:1", "127.0.0.1:1"), shared)
	if got := metric(t, again, "prometheus_ready "); got != "1" {
		t.Errorf("the next server has no metrics: %q", got)
	}
}

func TestAFailedStartLeavesNothingBehind(t *testing.T) {
	registry, dir := prometheus.NewRegistry(), t.TempDir()
	write(t, dir+"/wal", "a file where a directory must be")
	opts := Options{ConfigFile: configuration(t, "scrape.yml"), DataDir: dir, Registerer: registry, Gatherer: registry}
	if _, err := New(opts); err == nil {
		t.Fatal("opened")
	}
	if families, _ := registry.Gather(); len(families) != 0 {
		t.Errorf("left behind: %v", families)
	}
	opts.DataDir = t.TempDir()
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if s, err = New(opts); err != nil {
		t.Fatalf("after Close: %v", err)
	}
	s.Close()
}
