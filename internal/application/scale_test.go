package application_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"sigs.k8s.io/yaml"

	"github.com/truecount/truecount/internal/application"
)

func TestTheScaleBecomesTheSpecOfAnHPA(t *testing.T) {
	f, err := parseTestdata(t, "everything.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	spec := f.Applications[0].HPASpec()
	encoded, err := yaml.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/everything.hpa.yaml", string(encoded))
	var again autoscalingv2.HorizontalPodAutoscalerSpec
	if err := yaml.UnmarshalStrict(encoded, &again); err != nil {
		t.Errorf("Kubernetes' own types do not read it: %v", err)
	}
}

func TestWithoutScaleThereIsOneReplica(t *testing.T) {
	f, err := parseTestdata(t, "smallest.good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	a := f.Applications[0]
	low, high := a.Replicas()
	spec := a.HPASpec()
	if low != 1 || high != 1 || a.Scales() || *spec.MinReplicas != 1 || spec.MaxReplicas != 1 || len(spec.Metrics) != 0 {
		t.Errorf("got %d to %d replicas, scales %v, spec %+v", low, high, a.Scales(), spec)
	}
}

// scaling returns an application that scales by one query.
func scaling(t *testing.T, query string) *application.Application {
	t.Helper()
	f, err := application.Parse("q.yaml", []byte(head+"  signals: {s: {query: '"+query+"'}}\n  scale: {max: 2, on: [{signal: s, averageValue: 1}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return f.Applications[0]
}

func TestASignalThatKeepsThePodIsCountedPerPod(t *testing.T) {
	for _, test := range []struct {
		query string
		keeps bool
	}{
		{`clicks`, true},
		{`-(clicks)`, true},
		{`sum by (pod) (rate(clicks[2m]))`, true},
		{`sum without (pod) (rate(clicks[2m]))`, false},
		{`sum without (worker) (rate(clicks[2m]))`, true},
		{`sum(rate(clicks[2m]))`, false},
		{`max by (namespace) (sum by (pod) (clicks))`, false},
		{`max by (pod) (sum by (namespace) (clicks))`, false},
		{`topk(3, clicks)`, true},
		{`max_over_time(sum by (pod) (clicks)[5m:])`, true},
		{`2 * sum by (pod) (clicks)`, true},
		{`sum by (pod) (a) / sum by (pod) (b)`, true},
		{`sum by (pod) (a) / on (pod) sum by (pod) (b)`, true},
		{`sum by (pod) (a) / on () group_left sum(b)`, true},
		{`sum(a) / on () group_right sum by (pod) (b)`, true},
		{`a / ignoring (pod) b`, false},
		{`a and on () b`, true},
		{`histogram_quantile(0.9, sum by (pod, le) (rate(a_bucket[2m])))`, true},
		{`label_replace(sum(a), "x", "y", "", "")`, false},
		{`absent(clicks)`, false},
		{`vector(1)`, false},
	} {
		t.Run(test.query, func(t *testing.T) {
			got := scaling(t, test.query).HPASpec().Metrics[0].Type
			want := autoscalingv2.ExternalMetricSourceType
			if test.keeps {
				want = autoscalingv2.PodsMetricSourceType
			}
			if got != want {
				t.Errorf("is of type %s, want %s", got, want)
			}
		})
	}
}

func TestTheStripShowsTheCounterOfTheFirstSignal(t *testing.T) {
	for _, test := range []struct{ query, want string }{
		{`sum by (pod) (rate(clicks_total[2m]))`, "clicks_total"},
		{`sum by (pod) (queue_length) + sum by (pod) (increase(clicks_total[2m]))`, "clicks_total"},
		{`sum by (pod) (queue_length)`, "queue_length"},
		{`sum by (pod) (rate({__name__="clicks_total"}[2m]))`, "clicks_total"},
		{`vector(1)`, ""},
	} {
		if got := scaling(t, test.query).StripMetric(); got != test.want {
			t.Errorf("%s shows %q, want %q", test.query, got, test.want)
		}
	}
	f, err := application.Parse("show.yaml", []byte(head+"  show: walks_started_total\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("walks_started_total", f.Applications[0].StripMetric()); diff != "" {
		t.Error(diff)
	}
}

func TestTheWindowIsTheLongestRangeOfTheSignal(t *testing.T) {
	for _, test := range []struct{ query, want string }{
		{`sum by (pod) (rate(clicks_total[2m]))`, "2m"},
		{`sum by (pod) (rate(clicks_total[30s])) + sum by (pod) (rate(other_total[5m]))`, "5m"},
		{`sum by (pod) (queue_length)`, "0s"},
	} {
		app := scaling(t, test.query)
		if got := app.Window(app.Spec.Scale.On[0].Signal).String(); got != test.want {
			t.Errorf("the window of %s is %s, want %s", test.query, got, test.want)
		}
	}
}
