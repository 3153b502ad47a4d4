package metricsapi

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"k8s.io/apimachinery/pkg/api/meta"
	kubelabels "k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/promapi"
)

// Prometheus is a server that is asked; [promapi.Client] is one. Its methods must return when their context ends.
type Prometheus interface {
	// Query evaluates an expression; the zero time is the server's own now.
	Query(ctx context.Context, expr string, at time.Time) ([]promapi.Sample, error)
	// Series hands over the labels of each series that one of the selectors chooses.
	Series(ctx context.Context, matchers []string, start, end time.Time, yield func(labels.Labels) error) error
}

// Options say where metrics come from and what they describe.
type Options struct {
	// Servers are the Prometheus servers by the names that rules give them; "" is the one of rules without a name.
	Servers map[string]Prometheus
	// Files have the operator's own rules.
	Files []string
	// Applications are application files, or folders of them.
	Applications []string
	// ConfigMaps chooses the ConfigMaps with rules by their labels; nil: none are read.
	ConfigMaps kubelabels.Selector
	// Namespaces are where ConfigMaps are looked for; none: everywhere.
	Namespaces []string
	// ConfigMapServers are the names of the servers, beside "", that rules in ConfigMaps may name.
	ConfigMapServers []string
	// External serves external metrics, too.
	External bool

	Kubernetes kubernetes.Interface // for ConfigMaps
	Metadata   metadata.Interface   // for the objects that metrics describe
	Resources  interface {          // [Resources]
		Mapper() meta.RESTMapper
		Run(ctx context.Context, interval time.Duration, changed func())
	}

	RelistInterval time.Duration // between two looks at which series there are
	SeriesMaxAge   time.Duration // a series without samples for as long is gone
	ValueTimeout   time.Duration // for an answer
	ValueMaxAge    time.Duration // beyond it a sample is no value
	MaxRequests    int           // for values, at once
	ResourcesEvery time.Duration // between two looks at the cluster's resources

	Now        func() time.Time
	Logger     *slog.Logger          // nil: discard
	Metrics    *Metrics              // nil: kept and not shown
	Registerer prometheus.Registerer // for what is not in Metrics; nil: not shown
}

func (o *Options) complete() error {
	if o.Servers[""] == nil {
		return hint.Errorf("give --prometheus-url", "there is no Prometheus server")
	}
	if len(o.Files) == 0 && len(o.Applications) == 0 && o.ConfigMaps == nil {
		return hint.Errorf("give --config FILE, --application FILE or --config-map-selector SELECTOR", "there are no rules")
	}
	setDefault(&o.RelistInterval, 10*time.Minute)
	setDefault(&o.SeriesMaxAge, o.RelistInterval)
	setDefault(&o.ValueTimeout, 5*time.Second)
	setDefault(&o.ValueMaxAge, 5*time.Minute)
	setDefault(&o.ResourcesEvery, 10*time.Minute)
	if o.MaxRequests <= 0 {
		o.MaxRequests = 200
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		var err error
		if o.Metrics, err = NewMetrics(prometheus.NewRegistry()); err != nil {
			return err
		}
	}
	return nil
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}
