package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

const (
	day    = 24 * time.Hour
	scrape = 15 * time.Second
)

// writeHistory fills a database, block by block, with a counter per pod that has a busy noon, and what kube-state-metrics
// would say of a deployment and its pods.
func writeHistory(ctx context.Context, dir string, start time.Time, days, pods int) (samples int, err error) {
	all := seriesOf(pods)
	for d := range days {
		n, err := writeDay(ctx, dir, start.Add(time.Duration(d)*day), all)
		if err != nil {
			return 0, err
		}
		samples += n
	}
	return samples, nil
}

// series is one with its value over time.
type series struct {
	labels labels.Labels
	value  func(at time.Time) float64
	ref    storage.SeriesRef
}

func seriesOf(pods int) (all []*series) {
	add := func(value func(time.Time) float64, pairs ...string) {
		all = append(all, &series{labels: labels.FromStrings(pairs...), value: value})
	}
	always := func(time.Time) float64 { return 1 }
	add(func(time.Time) float64 { return float64(pods) }, "__name__", "kube_deployment_spec_replicas", "namespace", "shops", "deployment", "shop")
	add(func(time.Time) float64 { return float64(pods) }, "__name__", "kube_deployment_status_replicas", "namespace", "shops", "deployment", "shop")
	add(always, "__name__", "kube_replicaset_owner", "namespace", "shops", "replicaset", "shop-7d9c", "owner_kind", "Deployment", "owner_name", "shop")
	for i := range pods {
		pod := fmt.Sprintf("shop-7d9c-%05d", i)
		add(requests, "__name__", "http_requests_total", "namespace", "shops", "service", "shop", "job", "shop", "endpoint", "http", "pod", pod)
		add(always, "__name__", "kube_pod_owner", "namespace", "shops", "pod", pod, "owner_kind", "ReplicaSet", "owner_name", "shop-7d9c")
		add(always, "__name__", "kube_pod_status_phase", "namespace", "shops", "pod", pod, "phase", "Running")
		add(always, "__name__", "kube_pod_status_ready", "namespace", "shops", "pod", pod, "condition", "true")
	}
	return all
}

// requests is what a pod has served: 2 a second at night and 18 at noon.
func requests(at time.Time) float64 {
	s := float64(at.UnixMilli()) / 1000
	return math.Floor(10*s - 8*day.Seconds()/(2*math.Pi)*math.Sin(2*math.Pi*s/day.Seconds()))
}

func writeDay(ctx context.Context, dir string, start time.Time, all []*series) (n int, err error) {
	writer, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), dir, day.Milliseconds())
	if err != nil {
		return 0, err
	}
	defer writer.Close()
	app := writer.Appender(ctx)
	for _, s := range all {
		s.ref = 0
	}
	for at := start; at.Before(start.Add(day)); at = at.Add(scrape) {
		for _, s := range all {
			if s.ref, err = app.Append(s.ref, s.labels, at.UnixMilli(), s.value(at)); err != nil {
				return 0, err
			}
			n++
		}
	}
	if err := app.Commit(); err != nil {
		return 0, err
	}
	_, err = writer.Flush(ctx)
	return n, err
}

// size is that of the files below a directory.
func size(dir string) (bytes int64) {
	filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}
