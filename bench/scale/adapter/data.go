package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// Prometheus finds samples from before the run until after it, in the head of its database as if it had just scraped them,
// and scrapes nothing: every query sees samples that are at most one step old, and none is disturbed by a scrape.
const (
	before = 10 * time.Minute
	after  = 60 * time.Minute // a head that is longer than three hours would be compacted
	step   = 15 * time.Second
	seldom = 5 * time.Minute
	// families is how many metrics the series of the relist belong to.
	families = 20
)

// series is one whose samples are written.
type series struct {
	labels labels.Labels
	ref    storage.SeriesRef
	speed  float64
}

// writeData writes a counter for each pod, and other series of the large namespace's pods for the relist.
func writeData(ctx context.Context, dir string, namespaces []population, others int) (err error) {
	options := tsdb.DefaultOptions()
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, options, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.DisableCompactions()
	var counters, rest []*series
	for _, n := range namespaces {
		for i := range n.pods {
			counters = append(counters, &series{labels: podLabels(counter, n.namespace, i), speed: speed(i)})
		}
	}
	for i := range others {
		name := fmt.Sprintf("shop_operation_%02d_total", i%families)
		rest = append(rest, &series{labels: podLabels(name, namespaces[0].namespace, i/families)})
	}
	began := time.Now().Add(-before)
	for since := time.Duration(0); since < before+after; since += step {
		// Of the others only that they exist is asked, for some minutes back.
		all := counters
		if since%seldom == 0 {
			all = slices.Concat(counters, rest)
		}
		if err := writeStep(db.Appender(ctx), all, began.Add(since), since); err != nil {
			return err
		}
	}
	return nil
}

func writeStep(app storage.Appender, all []*series, at time.Time, since time.Duration) (err error) {
	for _, s := range all {
		value := 1000 + s.speed*since.Seconds() // it is not young: no rate is bounded by a count that began at 0
		if s.ref, err = app.Append(s.ref, s.labels, at.UnixMilli(), value); err != nil {
			return errors.Join(err, app.Rollback())
		}
	}
	return app.Commit()
}

// podLabels are those that a ServiceMonitor of the Prometheus operator gives.
func podLabels(name, namespace string, i int) labels.Labels {
	return labels.FromStrings(model.MetricNameLabel, name,
		"namespace", namespace, "pod", podName(i), "service", workload, "job", workload, "endpoint", "metrics-1")
}
