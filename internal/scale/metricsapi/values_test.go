package metricsapi

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/internal/scale/metricrule"
	"github.com/truecount/truecount/test/promqlserver"
)

const clicksRule = `rules:
- seriesQuery: clicks
  resources: {template: <<.Resource>>}
  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
`

// clicksOf returns an API that asks the server, and the query for the clicks of some pods, or of all.
func clicksOf(t *testing.T, server *promqlserver.Server, request metricrule.Request) (*API, *metricrule.Query) {
	t.Helper()
	client, err := promapi.New(promapi.Options{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	logger := slog.New(slog.DiscardHandler)
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	api := &API{
		o:       Options{Servers: map[string]Prometheus{"": client}, Now: time.Now, ValueMaxAge: time.Minute, Metrics: metrics, Logger: logger},
		queries: newFlights[[]promapi.Sample](ctx, time.Minute, 10, logger),
	}
	t.Cleanup(func() { cancel(); api.queries.close() })
	set, problems := metricrule.Load(metricrule.Options{}, metricrule.Source{Name: "rules.yaml", Data: []byte(clicksRule)})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var found metricrule.Found
	found.Add(labels.FromStrings("__name__", "clicks", "namespace", "shop", "pod", "a"))
	all := map[metricrule.Discovery]*metricrule.Found{}
	for _, discovery := range set.Discoveries() {
		all[discovery] = &found
	}
	request.Resource, request.Namespace, request.Metric = schema.GroupResource{Resource: "pods"}, "shop", "clicks"
	query, err := metricrule.NewCatalog(set, metricrule.KnownResources(), all).Query(request)
	if err != nil {
		t.Fatal(err)
	}
	return api, query
}

func TestValuesAndTheirTimesAreOneQuery(t *testing.T) {
	for name, request := range map[string]metricrule.Request{"all pods": {All: true}, "named ones": {Names: []string{"a", "b"}}} {
		t.Run(name, func(t *testing.T) {
			server := promqlserver.New(t)
			stored := time.Now().Add(-20 * time.Second).Truncate(time.Millisecond)
			server.Store(t, `clicks{namespace="shop",pod="a"}`, 3, stored)
			server.Store(t, `clicks{namespace="shop",pod="b"}`, 4, stored.Add(time.Second))
			api, query := clicksOf(t, server, request)
			values, err := api.values(t.Context(), query)
			if err != nil {
				t.Fatal(err)
			}
			if len(values) != 2 || values[0].Name != "a" || values[0].Value != 3 || !values[0].Time.Equal(stored) ||
				values[1].Value != 4 || !values[1].Time.Equal(stored.Add(time.Second)) {
				t.Errorf("got %+v", values)
			}
			if got := server.Queries(); len(got) != 1 {
				t.Errorf("asked %q", got)
			}
		})
	}
}

func TestNoValuesWhereTheServerFails(t *testing.T) {
	server := promqlserver.New(t)
	server.Store(t, `clicks{namespace="shop",pod="a"}`, 3, time.Now())
	api, query := clicksOf(t, server, metricrule.Request{All: true})
	server.Fail(func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "out of order", http.StatusServiceUnavailable)
		return true
	})
	values, err := api.values(t.Context(), query)
	if promapi.KindOf(err) != promapi.Unavailable || values != nil {
		t.Errorf("got %v, %v", values, err)
	}
}
