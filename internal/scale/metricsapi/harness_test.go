package metricsapi

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/test/await"
	"github.com/truecount/truecount/test/kubeapi"
	"github.com/truecount/truecount/test/promqlserver"
)

// world is a cluster, a Prometheus and an API between them.
type world struct {
	t    *testing.T
	kube *kubeapi.Server
	prom *promqlserver.Server
	api  *API
	file string // of the rules
}

// plain is a rule without a name of its own: every series that ends in _total.
const plain = `rules:
  - seriesQuery: '{__name__=~".*_total"}'
    resources: {template: "<<.Resource>>"}
    metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)
`

// newWorld starts an API with rules and waits until it is ready. Before it starts, prepare puts in what is there from the beginning.
func newWorld(t *testing.T, rules string, prepare func(w *world), change ...func(*Options)) *world {
	t.Helper()
	w := startWorld(t, rules, prepare, change...)
	await.True(t, "the API is ready", func() bool { return w.api.ready() == nil })
	return w
}

// startWorld is newWorld without waiting.
func startWorld(t *testing.T, rules string, prepare func(w *world), change ...func(*Options)) *world {
	t.Helper()
	w := &world{t: t, kube: kubeapi.New(), prom: promqlserver.New(t), file: filepath.Join(t.TempDir(), "config.yaml")}
	t.Cleanup(w.kube.Close)
	prepare(w)
	if err := os.WriteFile(w.file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	config := &rest.Config{Host: w.kube.URL, QPS: -1}
	httpClient := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(httpClient.CloseIdleConnections)
	discover, err := discovery.NewDiscoveryClientForConfigAndClient(config, httpClient)
	if err != nil {
		t.Fatal(err)
	}
	resources, err := NewResources(discover, discard())
	if err != nil {
		t.Fatal(err)
	}
	client, err := metadata.NewForConfigAndClient(metadata.ConfigFor(config), httpClient)
	if err != nil {
		t.Fatal(err)
	}
	kube, err := kubernetes.NewForConfigAndClient(config, httpClient)
	if err != nil {
		t.Fatal(err)
	}
	prom, err := promapi.New(promapi.Options{URL: w.prom.URL, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Servers: map[string]Prometheus{"": prom}, Files: []string{w.file},
		Kubernetes: kube, Metadata: client, Resources: resources, External: true, ValueTimeout: 30 * time.Second,
	}
	for _, c := range change {
		c(&o)
	}
	if w.api, err = New(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.api.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return w
}

// pod puts a running pod into the cluster, before the API starts.
func (w *world) pod(namespace, name, app string) {
	w.kube.Put("/api/v1/namespaces/"+namespace+"/pods/"+name, kubeapi.Object{
		"metadata": kubeapi.Object{"labels": kubeapi.Object{"app": app}}, "status": kubeapi.Object{"phase": "Running"},
	})
}

// ask asks for a metric of pods: all that the selector chooses.
func (w *world) ask(namespace, metric, selector, series string) (map[string]string, error) {
	w.t.Helper()
	q := question{namespace: namespace, resource: schema.GroupResource{Resource: "pods"}, metric: metric, selector: labels.Everything(), metricSelector: labels.Everything()}
	var err error
	if q.selector, err = labels.Parse(selector); err != nil {
		w.t.Fatal(err)
	}
	if q.metricSelector, err = labels.Parse(series); err != nil {
		w.t.Fatal(err)
	}
	return w.values(q)
}

func (w *world) values(q question) (map[string]string, error) {
	a, err := w.api.custom(w.t.Context(), q)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, item := range a.list.Items {
		out[item.DescribedObject.Name] = item.Value.String()
	}
	return out, nil
}

// code is the HTTP status of an error.
func code(err error) int32 {
	var status *apierrors.StatusError
	if errors.As(err, &status) {
		return status.ErrStatus.Code
	}
	return 0
}
