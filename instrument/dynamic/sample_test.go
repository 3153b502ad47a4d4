package dynamic_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument/dynamic"
)

func ExampleMetricName() {
	for _, text := range []string{"web-shop", "9lives", "größe", "up"} {
		fmt.Println(dynamic.MetricName(text))
	}
	// Output:
	// web_shop
	// _9lives
	// gr__e
	// up
}

func TestNamesFromOutsideAreMadeValid(t *testing.T) {
	long := strings.Repeat("a", 500)
	for _, tt := range []struct{ text, metric, label string }{
		{"web-shop", "web_shop", "web_shop"},
		{"a:b", "a_b", "a_b"}, // colons are for recording rules
		{"__name__", "__name__", "_name__"},
		{"--", "__", "_"},
		{"1", "_1", "_1"},
		{"", "_", "_"},
		{"\xff\xfe", "__", "_"},
		{long, long[:200], long[:200]},
		{"1" + long, "_1" + long[:198], "_1" + long[:198]},
	} {
		if metric, label := dynamic.MetricName(tt.text), dynamic.LabelName(tt.text); metric != tt.metric || label != tt.label {
			t.Errorf("%q is %q and %q, want %q and %q", tt.text, metric, label, tt.metric, tt.label)
		}
	}
}

func FuzzNamesFromOutsideAreAlwaysValid(f *testing.F) {
	for _, seed := range []string{"web-shop", "9lives", "__name__", "größe", "\xff", "a\x00b", strings.Repeat("1", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		metric, label := dynamic.MetricName(text), dynamic.LabelName(text)
		if dynamic.MetricName(metric) != metric || dynamic.LabelName(label) != label {
			t.Errorf("%q: a valid name is changed: %q, %q", text, metric, label)
		}
		if len(metric) > 200 || len(label) > 200 || strings.Trim(metric+label, "_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			t.Errorf("%q: %q, %q", text, metric, label)
		}
		if err := prometheus.NewDesc(metric, "Help.", []string{label}, nil).Err(); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	})
}
