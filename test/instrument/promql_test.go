package instrument_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/promql/promqltest"
)

// samples are those of an exposition, by name and labels in PromQL's notation.
func samples(families []*dto.MetricFamily) map[string]map[string]float64 {
	all := map[string]map[string]float64{}
	add := func(name string, labels map[string]string, value float64) {
		if all[name] == nil {
			all[name] = map[string]float64{}
		}
		all[name][notation(labels)] = value
	}
	for _, family := range families {
		name := family.GetName()
		for _, series := range family.GetMetric() {
			labels := map[string]string{}
			for _, pair := range series.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			h := series.GetHistogram()
			if h == nil {
				add(name, labels, series.GetCounter().GetValue()+series.GetGauge().GetValue())
				continue
			}
			add(name+"_sum", labels, h.GetSampleSum())
			add(name+"_count", labels, float64(h.GetSampleCount()))
			for _, bucket := range h.GetBucket() {
				labels["le"] = fmt.Sprint(bucket.GetUpperBound())
				add(name+"_bucket", labels, float64(bucket.GetCumulativeCount()))
			}
			labels["le"] = "+Inf" // left to the exposition
			add(name+"_bucket", labels, float64(h.GetSampleCount()))
		}
	}
	return all
}

func notation(labels map[string]string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, name+"="+strconv.Quote(labels[name]))
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

var sortOfName = regexp.MustCompile(`^[a-z]+$`)

// evaluator asks Prometheus' own engine. words has Django's words for labels and values, and ours.
func evaluator(t *testing.T, loaded map[string]map[string]float64) func(expr string, words [][]string) map[string]float64 {
	t.Helper()
	var load strings.Builder
	load.WriteString("load 1m\n")
	for name, series := range loaded {
		for labels, value := range series {
			fmt.Fprintf(&load, "  %s%s %v\n", name, labels, value)
		}
	}
	storage := promqltest.LoadedStorage(t, load.String())
	t.Cleanup(func() { _ = storage.Close() })
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	return func(expr string, words [][]string) map[string]float64 {
		query, err := engine.NewInstantQuery(context.Background(), storage, nil, expr, time.Unix(0, 0))
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		defer query.Close()
		vector, err := query.Exec(context.Background()).Vector()
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		found := map[string]float64{}
		for _, sample := range vector {
			labels := sample.Metric.Map()
			delete(labels, "__name__")
			found[notation(translated(labels, words))] = sample.F
		}
		return found
	}
}

func translated(labels map[string]string, words [][]string) map[string]string {
	result := map[string]string{}
	for name, value := range labels {
		for _, word := range words {
			if sortOfName.MatchString(word[0]) && name == word[1] {
				name = word[0]
			} else if value == word[1] {
				value = word[0]
			}
		}
		result[name] = value
	}
	return result
}
