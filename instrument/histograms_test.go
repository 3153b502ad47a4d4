package instrument_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/truecount/truecount/instrument"
)

func TestHistogramsAreClassicNativeOrBoth(t *testing.T) {
	for _, tt := range []struct {
		name            string
		kind            instrument.Histograms
		classic, native bool
	}{
		{"by default", 0, true, false},
		{"classic", instrument.ClassicHistograms, true, false},
		{"native", instrument.NativeHistograms, false, true},
		{"both", instrument.ClassicAndNativeHistograms, true, true},
	} {
		for _, names := range []instrument.Names{instrument.PrometheusNames, instrument.DjangoNames} {
			t.Run(tt.name, func(t *testing.T) {
				m, reg := newMetrics(t, extended, func(o *instrument.Options) {
					o.Histograms, o.Names, o.Trace = tt.kind, names, instrument.Traceparent
				})
				traceHeader(m.Outermost(m.Middleware(http.HandlerFunc(page))), "/", parent)
				found := histogramsOf(t, reg)
				if len(found) != 4 {
					t.Errorf("%d histograms", len(found))
				}
				for name, h := range found {
					if classic := len(h.GetBucket()) > 1; classic != tt.classic {
						t.Errorf("%s: classic buckets: %t", name, classic)
					}
					if native := h.Schema != nil && len(h.GetPositiveSpan())+int(h.GetZeroCount()) > 0; native != tt.native {
						t.Errorf("%s: native buckets: %t", name, native)
					}
					if tt.native && h.GetSchema() != 3 { // buckets grow by 2^(1/8), which is the next below 10 %
						t.Errorf("%s: schema %d", name, h.GetSchema())
					}
					if latency := strings.Contains(name, "_by_view_method") || name == "http_request_duration_seconds"; latency && tt.native && len(h.GetExemplars()) != 1 {
						t.Errorf("%s: native exemplars: %v", name, h.GetExemplars())
					}
					if h.GetSampleCount() != 1 {
						t.Errorf("%s: %d observations", name, h.GetSampleCount())
					}
				}
			})
		}
	}
}

func histogramsOf(t *testing.T, reg prometheus.Gatherer) map[string]*dto.Histogram {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*dto.Histogram{}
	for _, family := range families {
		if family.GetType() == dto.MetricType_HISTOGRAM {
			found[family.GetName()] = family.GetMetric()[0].GetHistogram()
		}
	}
	return found
}

func TestAKindOfHistogramThatDoesNotExistIsAnError(t *testing.T) {
	if _, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry(), Histograms: 3}); err == nil || !strings.Contains(err.Error(), "Options.Histograms") {
		t.Errorf("got %v", err)
	}
}
