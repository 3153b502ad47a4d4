package signal_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/signal"
)

var (
	noon  = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	rules = signal.Rules{Namespace: "shops", MaxAge: signal.DefaultMaxAge}
)

// of is a sample of now.
func of(pod string, value float64) signal.Sample {
	return signal.Sample{Pod: pod, Value: value, Time: noon}
}

// aged is a sample of some time ago.
func aged(pod string, value float64, age time.Duration) signal.Sample {
	return signal.Sample{Pod: pod, Value: value, Time: noon.Add(-age)}
}

// in is a sample of a pod in a namespace.
func in(namespace, pod string, value float64) signal.Sample {
	return signal.Sample{Pod: pod, Namespace: namespace, Value: value, Time: noon}
}

// wrong are values that make a reading an error, and how they are told.
var wrong = map[string]struct {
	sample signal.Sample
	says   string
}{
	"NaN":                 {of("shop-0", math.NaN()), "the value is NaN"},
	"infinite":            {of("shop-0", math.Inf(1)), "the value is infinite"},
	"minus infinity":      {of("shop-0", math.Inf(-1)), "the value is infinite"},
	"negative":            {of("shop-0", -0.5), "the value -0.5 is negative"},
	"too large":           {of("shop-0", 9.3e15), "the value 9.3e+15 is too large to count in thousandths"},
	"the largest float":   {of("shop-0", math.MaxFloat64), "the value 1.7976931348623157e+308 is too large to count in thousandths"},
	"too old":             {aged("shop-0", 1, 5*time.Minute+time.Second), "the value is 5m1s old, more than 5m0s"},
	"too old by little":   {aged("shop-0", 1, 5*time.Minute+time.Millisecond), "the value is 5m1s old, more than 5m0s"},
	"NaN and too old":     {aged("shop-0", math.NaN(), time.Hour), "the value is 1h0m0s old, more than 5m0s"},
	"known to be unknown": {signal.Sample{Pod: "shop-0", Value: 1, Time: noon, Err: errors.New("the value is late")}, "the value is late"},
}

func TestAValueThatCannotBeUsedMakesTheWholeReadingAnError(t *testing.T) {
	for name, c := range wrong {
		t.Run(name, func(t *testing.T) {
			good := of("shop-1", 3)
			for _, samples := range [][]signal.Sample{{c.sample}, {good, c.sample}, {c.sample, good}} {
				r := rules.PerPod(samples, pods("shop-0", "shop-1"), noon)
				if r.Err == nil || r.Err.Error() != "pod shop-0: "+c.says || r.Pods != nil {
					t.Errorf("per pod: %v, %v", r.Pods, r.Err)
				}
				if r := rules.Whole(samples, noon); r.Err == nil || r.Err.Error() != c.says || r.Values != nil {
					t.Errorf("whole: %v, %v", r.Values, r.Err)
				}
			}
		})
	}
}

func TestValuesAreCountedInThousandths(t *testing.T) {
	for name, c := range map[string]struct {
		sample signal.Sample
		want   int64
	}{
		"zero":                              {of("shop-0", 0), 0},
		"zero with a sign":                  {of("shop-0", math.Copysign(0, -1)), 0},
		"a fraction":                        {of("shop-0", 0.0129), 12},
		"less than one is not nothing":      {of("shop-0", 1e-9), 1},
		"the smallest float is not nothing": {of("shop-0", math.SmallestNonzeroFloat64), 1},
		"large":                             {of("shop-0", 9e15), 9e18},
		"as old as may be":                  {aged("shop-0", 2, 5*time.Minute), 2000},
		"measured after the question":       {aged("shop-0", 2, -time.Second), 2000},
	} {
		t.Run(name, func(t *testing.T) {
			r := rules.PerPod([]signal.Sample{c.sample}, pods("shop-0"), noon)
			want := map[string]hpa.Sample{"shop-0": {Milli: c.want, Time: c.sample.Time}}
			if r.Err != nil || !maps.Equal(r.Pods, want) {
				t.Errorf("per pod: %v, %v, want %v", r.Pods, r.Err, want)
			}
			if r := rules.Whole([]signal.Sample{c.sample}, noon); r.Err != nil || len(r.Values) != 1 || r.Values[0] != c.want {
				t.Errorf("whole: %v, %v, want %d", r.Values, r.Err, c.want)
			}
		})
	}
}

// few and many pods are looked up in different ways.
var crowds = map[string][]hpa.Pod{"few": pods("shop-0", "shop-1", "shop-2"), "many": pods(names(100)...)}

func TestPodsThatExistAndHaveASampleCount(t *testing.T) {
	for name, c := range map[string]struct {
		samples []signal.Sample
		want    map[string]int64
	}{
		"a pod without sample is missing":          {[]signal.Sample{of("shop-0", 1), of("shop-2", 3)}, map[string]int64{"shop-0": 1000, "shop-2": 3000}},
		"a pod that is gone does not count":        {[]signal.Sample{of("shop-0", 1), of("gone", 9)}, map[string]int64{"shop-0": 1000}},
		"nor does what is wrong with it":           {[]signal.Sample{of("shop-0", 1), of("gone", math.NaN())}, map[string]int64{"shop-0": 1000}},
		"a series without pod does not count":      {[]signal.Sample{of("", 9), of("shop-0", 1)}, map[string]int64{"shop-0": 1000}},
		"another namespace's does not count":       {[]signal.Sample{in("other", "shop-0", 9), in("shops", "shop-1", 2)}, map[string]int64{"shop-1": 2000}},
		"the same name in two namespaces":          {[]signal.Sample{in("other", "shop-0", 9), in("shops", "shop-0", 1)}, map[string]int64{"shop-0": 1000}},
		"another namespace's NaN does not matter":  {[]signal.Sample{in("other", "shop-0", math.NaN()), of("shop-0", 1)}, map[string]int64{"shop-0": 1000}},
		"without the label it is of the namespace": {[]signal.Sample{of("shop-0", 1), in("shops", "shop-1", 2)}, map[string]int64{"shop-0": 1000, "shop-1": 2000}},
	} {
		for size, crowd := range crowds {
			t.Run(name+", of "+size, func(t *testing.T) {
				r := rules.PerPod(c.samples, crowd, noon)
				got := map[string]int64{}
				for pod, s := range r.Pods {
					got[pod] = s.Milli
				}
				if diff := cmp.Diff(c.want, got); diff != "" || r.Err != nil {
					t.Error(diff, r.Err)
				}
			})
		}
	}
}

func TestAnAnswerOfNoUseSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		samples    []signal.Sample
		says, hint string
	}{
		"empty":                              {nil, "the query found nothing", ""},
		"a pod twice":                        {[]signal.Sample{of("shop-0", 1), of("shop-0", 2)}, "the query found several series for pod shop-0", "add the series up: sum by (pod) (…)"},
		"a pod twice, one without namespace": {[]signal.Sample{in("shops", "shop-0", 1), of("shop-0", 2)}, "the query found several series for pod shop-0", "add the series up: sum by (pod) (…)"},
		"no label":                           {[]signal.Sample{of("", 1)}, "the query found no series with the label pod", "keep the label: sum by (pod) (…)"},
		"no label, and pods that are gone":   {[]signal.Sample{of("gone", 1), of("", 1)}, "the query found no series with the label pod", "keep the label: sum by (pod) (…)"},
		"only pods that are gone":            {[]signal.Sample{of("gone-1", 1), of("gone-0", 1)}, "the query found only pods that do not exist: gone-1, gone-0", ""},
		"another namespace":                  {[]signal.Sample{in("other", "shop-0", 1)}, "the query found nothing in namespace shops", ""},
	} {
		for size, crowd := range crowds {
			t.Run(name+", of "+size, func(t *testing.T) {
				r := rules.PerPod(c.samples, crowd, noon)
				if r.Err == nil || r.Err.Error() != c.says || hint.Of(r.Err) != c.hint || r.Pods != nil {
					t.Errorf("%v, %v, hint %q", r.Pods, r.Err, hint.Of(r.Err))
				}
			})
		}
	}
	if r := rules.PerPod([]signal.Sample{of("shop-0", 1)}, nil, noon); r.Err == nil || r.Err.Error() != "the query found only pods that do not exist: shop-0" {
		t.Errorf("no pods: %v", r.Err)
	}
	if r := rules.Whole(nil, noon); r.Err == nil || r.Err.Error() != "the query found nothing" {
		t.Errorf("whole: %v", r.Err)
	}
}

// The age of several values is that of the oldest, whose namespaces and pods do not matter.
func TestAWholeReadingHasAllValuesAndTheOldestTime(t *testing.T) {
	r := rules.Whole([]signal.Sample{aged("shop-0", 1, time.Minute), aged("", 2, 3*time.Minute), in("other", "shop-0", 3)}, noon)
	if diff := cmp.Diff([]int64{1000, 2000, 3000}, r.Values); diff != "" || r.Err != nil || !r.Time.Equal(noon.Add(-3*time.Minute)) {
		t.Error(diff, r.Err, r.Time)
	}
}

func TestAQueryThatFailedSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		says string
	}{
		"late":               {context.DeadlineExceeded, "the query was not answered within 2s"},
		"late at the server": {&url.Error{Op: "Post", URL: "http://127.0.0.1:9090", Err: context.DeadlineExceeded}, "the query was not answered within 2s"},
		"refused":            {hint.Errorf("is it running?", "connection refused"), "the query failed: connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			r := signal.Failed(c.err, 2*time.Second)
			if r.Err == nil || r.Err.Error() != c.says || strings.HasPrefix(c.says, "the query failed") != errors.Is(r.Err, c.err) {
				t.Errorf("got %v, want %s", r.Err, c.says)
			}
			if hint.Of(c.err) != hint.Of(r.Err) {
				t.Errorf("the hint %q has become %q", hint.Of(c.err), hint.Of(r.Err))
			}
		})
	}
}

func pods(names ...string) (all []hpa.Pod) {
	for _, name := range names {
		all = append(all, hpa.Pod{Name: name})
	}
	return all
}

func names(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint("shop-", i))
	}
	return all
}
