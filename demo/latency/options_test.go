package latency_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/demo/latency"
)

func TestOptionsFromTheEnvironment(t *testing.T) {
	shape := func(median, p99, longest time.Duration) latency.Shape {
		return latency.Shape{Median: median, P99: p99, Longest: longest}
	}
	for name, c := range map[string]struct {
		env   map[string]string
		shape latency.Shape
		first bool
		err   string
	}{
		"nothing":                {nil, shape(60*time.Millisecond, 400*time.Millisecond, 10*time.Second), true, ""},
		"a shape":                {map[string]string{"RESPONSE_TIME_MEDIAN": "20ms", "RESPONSE_TIME_P99": "2s", "RESPONSE_TIME_MAX": "5s"}, shape(20*time.Millisecond, 2*time.Second, 5*time.Second), true, ""},
		"a median above the p99": {map[string]string{"RESPONSE_TIME_MEDIAN": "3s"}, shape(3*time.Second, 3*time.Second, 10*time.Second), true, ""},
		"the first worker":       {map[string]string{"TRUECOUNT_WORKER": "0"}, shape(60*time.Millisecond, 400*time.Millisecond, 10*time.Second), true, ""},
		"another worker":         {map[string]string{"TRUECOUNT_WORKER": "1"}, shape(60*time.Millisecond, 400*time.Millisecond, 10*time.Second), false, ""},
		"a shape upside down":    {map[string]string{"RESPONSE_TIME_MEDIAN": "2s", "RESPONSE_TIME_P99": "1s"}, latency.Shape{}, false, "are 2s, 1s and 10s: none may be smaller"},
		"no time":                {map[string]string{"RESPONSE_TIME_MEDIAN": "fast"}, latency.Shape{}, false, "RESPONSE_TIME_MEDIAN"},
		"no factor":              {map[string]string{"BROKEN_SLOWDOWN": "0"}, latency.Shape{}, false, "BROKEN_SLOWDOWN"},
		"no percentage":          {map[string]string{"BROKEN_ERROR_PERCENT": "101"}, latency.Shape{}, false, "BROKEN_ERROR_PERCENT"},
		"no port":                {map[string]string{"PORT": "x"}, latency.Shape{}, false, "PORT"},
	} {
		t.Run(name, func(t *testing.T) {
			opts, err := latency.OptionsFromEnv(func(name string) string { return c.env[name] })
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("err = %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || opts.Shape != c.shape || opts.FirstWorker != c.first {
				t.Errorf("got %+v, %v; want %+v, first %v", opts, err, c.shape, c.first)
			}
		})
	}
}

func TestTheHelpListsEveryVariableThatIsRead(t *testing.T) {
	var help bytes.Buffer
	if err := latency.Command(t.Context(), []string{"-h"}, func(string) string { return "" }, &help); err != nil {
		t.Fatal(err)
	}
	var read []string
	if _, err := latency.OptionsFromEnv(func(name string) string { read = append(read, name); return "" }); err != nil {
		t.Fatal(err)
	}
	for _, name := range read {
		if !strings.HasPrefix(name, "TRUECOUNT_") && !strings.Contains(help.String(), name) { // those are the supervisor's
			t.Errorf("the help says nothing of %s", name)
		}
	}
}
