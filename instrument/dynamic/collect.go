package dynamic

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
)

// source is what Options.Collect reads from.
type source struct{ opts Options }

func (s source) collect(ctx context.Context, ch chan<- prometheus.Metric) error {
	scrape := &scrape{ctx: ctx, ch: ch, left: s.opts.MaxSeries, origins: map[string]string{}}
	defer scrape.end()
	return s.opts.Collect(ctx, scrape.yield)
}

// scrape makes metrics of the samples of one scrape.
type scrape struct {
	ctx context.Context
	ch  chan<- prometheus.Metric

	mu      sync.Mutex
	ended   bool
	left    int
	origins map[string]string // which text a valid name was made of
}

// end makes yield do nothing: nobody reads the channel any more.
func (s *scrape) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

func (s *scrape) yield(sample Sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if s.left <= 0 {
		instrument.Drop(s.ctx, "budget", "it yielded more samples than Options.MaxSeries")
		return
	}
	name := MetricName(sample.Name)
	switch origin, known := s.origins[name]; {
	case !known:
		s.origins[name] = strings.Clone(sample.Name)
	case origin != sample.Name:
		instrument.Drop(s.ctx, "collision", fmt.Sprintf("%q and %q both become the metric %q: rename one", origin, sample.Name, name))
		return
	}
	labels, values, twice := validLabels(sample.Labels)
	if twice != "" {
		instrument.Drop(s.ctx, "collision", fmt.Sprintf("two labels of metric %q become %q: rename one", name, twice))
		return
	}
	if sample.Help == "" {
		sample.Help = "Read at run time."
	}
	if sample.Type == 0 {
		sample.Type = prometheus.GaugeValue
	}
	help := strings.Clone(strings.ToValidUTF8(sample.Help, "\uFFFD"))
	metric, err := prometheus.NewConstMetric(prometheus.NewDesc(name, help, labels, nil), sample.Type, sample.Value, values...)
	if err != nil {
		instrument.Drop(s.ctx, "invalid", fmt.Sprintf("metric %q: %v", name, err))
		return
	}
	s.left--
	s.ch <- metric
}

// validLabels returns names and values in the order of the names as they were, or the name that two of them become.
func validLabels(labels map[string]string) (names, values []string, twice string) {
	for _, raw := range slices.Sorted(maps.Keys(labels)) {
		name := LabelName(raw)
		if slices.Contains(names, name) {
			return nil, nil, name
		}
		names = append(names, name)
		values = append(values, labelValue(labels[raw]))
	}
	return names, values, ""
}

// labelValue is UTF-8 of a bounded length, in memory of its own.
func labelValue(s string) string {
	if len(s) > maxValueBytes {
		cut := maxValueBytes
		for cut > maxValueBytes-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut]
	}
	return strings.Clone(strings.ToValidUTF8(s, "\uFFFD"))
}
