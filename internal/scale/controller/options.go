package controller

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/signal"
)

// Defaults of Options.
const (
	DefaultSyncPeriod   = 15 * time.Second // as kube-controller-manager
	DefaultQueryTimeout = 5 * time.Second
	DefaultMaxAge       = signal.DefaultMaxAge
	DefaultMinSyncGap   = 100 * time.Millisecond
	maxEvents           = 100
)

// Options say what is scaled, on what, and how often.
type Options struct {
	Name, Namespace string // of the application
	Spec            autoscalingv2.HorizontalPodAutoscalerSpec
	// Queries holds a PromQL expression for every metric of the spec, by the metric's name. The one of a Pods metric
	// answers with one series per replica, labelled pod; that of an Object metric with one series; that of an External
	// metric with one or more, which are added up.
	Queries map[string]string
	// Query evaluates an expression at a time. It must return when its context ends.
	Query  func(ctx context.Context, query string, at time.Time) ([]Sample, error)
	Target Target

	SyncPeriod   time.Duration
	QueryTimeout time.Duration   // for all queries of one sync together
	MaxAge       time.Duration   // a sample that is older is an error of its metric
	MinSyncGap   time.Duration   // between two syncs, however often Wake asks
	Settings     hpa.Settings    // the zero value means hpa.DefaultSettings
	Wake         <-chan struct{} // asks for a sync now; may be nil
	Now          func() time.Time
	Logger       *slog.Logger          // nil: discard
	Registerer   prometheus.Registerer // nil: metrics are kept and not registered
}

// Sample is one series of a query's answer.
type Sample struct {
	Labels map[string]string
	Value  float64
	Time   time.Time // when it was measured
}

// Target is what is scaled. Its methods may be called at any time while Run runs, by one goroutine.
type Target interface {
	// Pods lists the replicas that exist, starting and draining ones included.
	Pods() []hpa.Pod
	// Desired is how many replicas the target was last asked for, by whomever.
	Desired() int
	// Scale asks for a number of replicas and returns at once.
	Scale(replicas int)
}

func (o *Options) complete() error {
	if err := hpa.Validate(&o.Spec); err != nil {
		return err
	}
	for i := range o.Spec.Metrics {
		name, err := localMetric(&o.Spec.Metrics[i])
		if err != nil {
			return err
		}
		if o.Queries[name] == "" {
			return hint.Errorf("declare a signal of this name with its query", "%s: the metric %s of spec.metrics[%d] has no query", o.Name, name, i)
		}
	}
	setDefault(&o.SyncPeriod, DefaultSyncPeriod)
	setDefault(&o.QueryTimeout, DefaultQueryTimeout)
	setDefault(&o.MaxAge, DefaultMaxAge)
	setDefault(&o.MinSyncGap, DefaultMinSyncGap)
	if o.Settings == (hpa.Settings{}) {
		o.Settings = hpa.DefaultSettings()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

// localMetric returns the name of a metric that can be measured without a cluster.
func localMetric(m *autoscalingv2.MetricSpec) (string, error) {
	switch m.Type {
	case autoscalingv2.PodsMetricSourceType:
		return m.Pods.Metric.Name, nil
	case autoscalingv2.ObjectMetricSourceType:
		return m.Object.Metric.Name, nil
	case autoscalingv2.ExternalMetricSourceType:
		return m.External.Metric.Name, nil
	}
	return "", hint.Errorf("use a Pods, Object or External metric here", "metrics of type %s come from a cluster's metrics API, which this machine does not have", m.Type)
}
