package hpa_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/truecount/truecount/internal/scale/hpa"
)

var errDown = errors.New("the server is down")

func TestAMetricWithoutUsableValueHolds(t *testing.T) {
	qps := podsMetric("qps", "15")
	for name, c := range map[string]struct {
		situation
		reason, message string // of the condition; the message's end
	}{
		"K1 pods: the query failed":       {situation{metric: qps, pods: serving(3), reading: hpa.Reading{Err: errDown}}, "FailedGetPodsMetric", "unable to get metric qps: the server is down"},
		"K1 object: the query failed":     {situation{metric: object(target("1", "")), pods: serving(3), reading: hpa.Reading{Err: errDown}}, "FailedGetObjectMetric", "unable to get metric qps: the server is down on Service default/clicks"},
		"K1 external: the query failed":   {situation{metric: external(target("1", "")), pods: serving(3), reading: hpa.Reading{Err: errDown}}, "FailedGetExternalMetric", "unable to get external metric default/queue/nil: the server is down"},
		"K1 resource: the query failed":   {situation{metric: cpu(50), pods: serving(3), reading: hpa.Reading{Err: errDown}}, "FailedGetResourceMetric", "failed to get cpu utilization: unable to get metrics for resource cpu: the server is down"},
		"K1 container: the query failed":  {situation{metric: containerCPU("web", 50), pods: serving(3), reading: hpa.Reading{Err: errDown}}, "FailedGetContainerResourceMetric", "unable to get metrics for resource cpu: the server is down"},
		"K3 no sample for any pod":        {situation{metric: qps, pods: serving(3), reading: samples()}, "FailedGetPodsMetric", "did not receive metrics for targeted pods (pods might be unready)"},
		"K3 samples of unready pods only": {situation{metric: qps, pods: serving(3, pending(0)), reading: samples(5)}, "FailedGetPodsMetric", "did not receive metrics for targeted pods (pods might be unready)"},
		"K3 no series":                    {situation{metric: external(target("1", "")), pods: serving(3), reading: values()}, "FailedGetExternalMetric", "no metrics returned"},
		"several values of one object":    {situation{metric: object(target("1", "")), pods: serving(3), reading: values(1, 2)}, "FailedGetObjectMetric", "2 values instead of one on Service default/clicks"},
		"no pods":                         {situation{metric: qps, replicas: 2, reading: samples(5)}, "FailedGetPodsMetric", "no pods returned by selector while calculating replica count"},
		"no pods for an object":           {situation{metric: object(target("1", "")), replicas: 2, reading: values(5000)}, "FailedGetObjectMetric", "no pods returned by selector while calculating replica count"},
		"K2 a negative sample":            {situation{metric: qps, pods: serving(2), reading: samples(5, -7)}, "FailedGetPodsMetric", "pod clicks-1: the value -7m is negative"},
		"K2 a negative value":             {situation{metric: external(target("1", "")), pods: serving(2), reading: values(-7)}, "FailedGetExternalMetric", "the value -7m is negative"},
		"K2 the samples overflow":         {situation{metric: qps, pods: serving(2), reading: samples(math.MaxInt64, 1)}, "FailedGetPodsMetric", "the sum of the values is too large to count in thousandths"},
		"K2 the values overflow":          {situation{metric: external(target("1", "")), pods: serving(2), reading: values(math.MaxInt64, 1)}, "FailedGetExternalMetric", "the sum of the values is too large to count in thousandths"},
		"K2 the utilization overflows":    {situation{metric: cpu(50), pods: serving(1), reading: samples(math.MaxInt64)}.withRequests(1000), "FailedGetResourceMetric", "the utilization is too large to count in percent"},
		"K2 the fallback overflows":       {situation{metric: podsMetric("x", "9223372036854775"), pods: serving(4), reading: samples(1)}, "FailedGetPodsMetric", "too large"},
		"a target of zero":                {situation{metric: podsMetric("x", "0"), pods: serving(1), reading: samples(1)}, "FailedGetPodsMetric", "the target is not above zero"},
		"a target of zero for an object":  {situation{metric: object(target("0", "")), pods: serving(1), reading: values(1)}, "FailedGetObjectMetric", "the target is not above zero"},
		"a pod without request":           {situation{metric: cpu(50), pods: serving(2), reading: samples(5, 5)}.withRequests(1000), "FailedGetResourceMetric", "missing request for cpu in pod clicks-1"},
		"neither request nor sample":      {situation{metric: cpu(50), pods: serving(2, pending(0)), reading: samples(5)}.withRequests(1000), "FailedGetResourceMetric", "did not receive metrics for targeted pods (pods might be unready)"},
		"pods that request nothing":       {situation{metric: cpu(50), pods: serving(1), reading: samples(5)}.withRequests(0), "FailedGetResourceMetric", "no metrics returned matched known pods"},
		"no target":                       {situation{metric: external(autoscalingv2.MetricTarget{}), pods: serving(1), reading: values(5)}, "FailedGetExternalMetric", "neither a value target nor an average value target was set"},
		"an unknown type":                 {situation{metric: autoscalingv2.MetricSpec{Type: "Moon"}, pods: serving(1), reading: values(5)}, "InvalidMetricSourceType", `unknown metric source type "Moon"`},
		"a type without its source":       {situation{metric: autoscalingv2.MetricSpec{Type: "Pods"}, pods: serving(1), reading: values(5)}, "InvalidMetricSourceType", `unknown metric source type "Pods"`},
	} {
		t.Run(name, func(t *testing.T) {
			in := c.input()
			before := hpa.State{Recommendations: []hpa.Recommendation{{Replicas: 9, Time: noon.Add(-1)}}}
			d, after := hpa.Decide(in, before)
			if d.Outcome != hpa.Held || d.Desired != in.Replicas || d.Err == nil {
				t.Errorf("%s %d → %d, error %v", d.Outcome, d.Current, d.Desired, d.Err)
			}
			active := after.Condition(autoscalingv2.ScalingActive)
			if active == nil || active.Status != corev1.ConditionFalse || active.Reason != c.reason || !strings.HasSuffix(active.Message, c.message) {
				t.Errorf("condition %+v, want reason %s, message … %s", active, c.reason, c.message)
			}
			if !strings.HasPrefix(active.Message, "the HPA was unable to compute the replica count: ") {
				t.Errorf("message %q is not Kubernetes'", active.Message)
			}
			said := c.message
			if c.reading.Err != nil {
				said = "known: " + c.reading.Err.Error() // and none of what Kubernetes puts around it
			}
			if !strings.HasPrefix(d.Reason(), "held at ") || !strings.Contains(d.Reason(), said) {
				t.Errorf("the reason does not say why: %s", d.Reason())
			}
			if len(after.Recommendations) != 1 {
				t.Error("what is not known was recorded as a recommendation")
			}
		})
	}
}

func TestAMissingReadingHolds(t *testing.T) {
	in := situation{metric: podsMetric("qps", "1"), pods: serving(3)}.input()
	in.Readings = nil
	if d, _ := hpa.Decide(in, hpa.State{}); d.Outcome != hpa.Held || d.Desired != 3 {
		t.Errorf("%s at %d", d.Outcome, d.Desired)
	}
}

func TestASpecWithoutMetricsHolds(t *testing.T) {
	in := situation{metric: podsMetric("qps", "1"), pods: serving(3)}.input()
	in.Spec.Metrics = nil
	d, _ := hpa.Decide(in, hpa.State{})
	if d.Outcome != hpa.Held || d.Desired != 3 || d.Reason() != "held at 3: the spec has no metrics" {
		t.Errorf("%s at %d: %s", d.Outcome, d.Desired, d.Reason())
	}
}

// Two metrics on three replicas: the first as given, the second known and asking for the number in the case's name.
func TestK10OneOfSeveralMetricsFails(t *testing.T) {
	for name, c := range map[string]struct {
		first  hpa.Reading
		second int64
		want   int32
		held   bool
	}{
		"down is skipped":         {hpa.Reading{Err: errDown}, 5000, 3, true},
		"up is allowed":           {hpa.Reading{Err: errDown}, 20000, 6, false},
		"no change is no change":  {hpa.Reading{Err: errDown}, 10000, 3, false},
		"both known, the highest": {samples(15000, 15000, 15000), 20000, 6, false},
		"both known, the other":   {samples(15000, 15000, 15000), 5000, 5, false},
		"both ask for less":       {samples(1000, 1000, 1000), 5000, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			in := situation{pods: serving(3)}.input()
			in.Spec = spec(1, 1000, podsMetric("first", "10"), podsMetric("second", "10"))
			in.Readings = []hpa.Reading{c.first, samples(c.second, c.second, c.second)}
			in.Settings.DownscaleStabilization = 0
			// The default limit for growth is the double, which is what the highest case asks for.
			d, after := hpa.Decide(in, hpa.State{Recommendations: []hpa.Recommendation{{Replicas: 1, Time: noon.Add(-1)}}})
			if d.Desired != c.want || (d.Outcome == hpa.Held) != c.held {
				t.Errorf("%s %d → %d: %s", d.Outcome, d.Current, d.Desired, d.Reason())
			}
			if known := c.first.Err == nil; known != (d.Err == nil) {
				t.Errorf("error %v", d.Err)
			} else if !known && !strings.Contains(d.Reason(), errDown.Error()) {
				t.Errorf("the reason keeps quiet about the error: %s", d.Reason())
			} else if !known && d.Err.Error() != "invalid metrics (1 invalid out of 2), first error is: failed to get pods metric value: unable to get metric first: the server is down" {
				t.Errorf("error %v", d.Err)
			}
			if active := after.Condition(autoscalingv2.ScalingActive); (active.Status == corev1.ConditionFalse) != c.held {
				t.Errorf("condition %+v", active)
			}
		})
	}
}

func TestK2MilliIsExactOrAnError(t *testing.T) {
	for name, c := range map[string]struct {
		value float64
		want  int64
		fails string
	}{
		"zero":                  {0, 0, ""},
		"one click in 2m":       {1.0 / 120, 8, ""},
		"cut off":               {0.0109, 10, ""},
		"never cut to 0":        {0.0004, 1, ""},
		"the least above 0":     {math.SmallestNonzeroFloat64, 1, ""},
		"a whole number":        {42, 42000, ""},
		"the largest":           {9223372036854774, 9223372036854773760, ""}, // a float64 this large is a multiple of 1024
		"NaN":                   {math.NaN(), 0, "the value is NaN"},
		"infinity":              {math.Inf(1), 0, "infinite"},
		"minus infinity":        {math.Inf(-1), 0, "infinite"},
		"negative":              {-0.001, 0, "negative"},
		"just too large":        {9223372036854775.807, 0, "too large"},
		"so large it overflows": {1e308, 0, "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := hpa.Milli(c.value)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("got %d, %v", got, err)
				}
			} else if got != c.want || err != nil {
				t.Fatalf("got %d, %v", got, err)
			}
		})
	}
}

func FuzzMilli(f *testing.F) {
	for _, v := range []float64{0, 0.01, 9.2e15, 9.3e15, math.NaN(), math.Inf(1), -1, math.MaxFloat64, math.SmallestNonzeroFloat64} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v float64) {
		m, err := hpa.Milli(v)
		if err != nil {
			return
		}
		if m < 0 || (m == 0) != (v == 0) || math.IsNaN(v) || math.Abs(float64(m)-v*1000) > math.Max(1, v*1000*1e-15) {
			t.Errorf("%g became %d thousandths", v, m)
		}
	})
}
