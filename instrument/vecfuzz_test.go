package instrument_test

import (
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

func FuzzALabelValueIsAlwaysExposable(f *testing.F) {
	f.Add("GET")
	f.Add("\xff\x00\n\"\\")
	f.Add(strings.Repeat("\xff", 2000))
	f.Add(strings.Repeat("€", 1000) + "\xe2\x82")
	f.Fuzz(func(t *testing.T, value string) {
		reg := prometheus.NewRegistry()
		m, err := instrument.New(instrument.Options{Registry: reg, WithoutRuntime: true, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		vec := m.CounterVec(prometheus.CounterOpts{Name: "c_total", Help: "C."}, []string{"v"})
		vec.WithLabelValues(value).Inc()
		vec.WithLabelValues(value).Inc()
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			if family.GetName() != "c_total" {
				continue
			}
			got := family.Metric[0].Label[0].GetValue()
			if len(family.Metric) != 1 || family.Metric[0].Counter.GetValue() != 2 {
				t.Errorf("%q is no single series of 2", value)
			}
			if !utf8.ValidString(got) || len(got) > 1024 {
				t.Errorf("%q became %q", value, got)
			}
			if utf8.ValidString(value) && !strings.HasPrefix(value, got) {
				t.Errorf("%q became %q", value, got)
			}
		}
	})
}
