package metricsapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/internal/scale/metricrule"
)

// slow is a server that has one series of each name that it is asked for, and takes its time to say so.
type slow struct{ takes time.Duration }

func (s slow) Query(context.Context, string, time.Time) ([]promapi.Sample, error) {
	return nil, errors.New("nobody asks it for values")
}

func (s slow) Series(ctx context.Context, matchers []string, _, _ time.Time, yield func(labels.Labels) error) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(s.takes):
		name := strings.NewReplacer(`{__name__="`, "", `"}`, "").Replace(matchers[0])
		return yield(labels.FromStrings("__name__", name, "namespace", "shop", "pod", "a"))
	}
}

// hangs is longer than anybody waits.
const hangs = 100 * time.Hour

type kubernetesOwn struct{}

func (kubernetesOwn) Mapper() meta.RESTMapper                    { return metricrule.KnownResources() }
func (kubernetesOwn) Run(context.Context, time.Duration, func()) {}

// seriesOf returns rules for n series of a server each, all of one source.
func seriesOf(n map[string]int) []byte {
	text := "rules:\n"
	for server, count := range n {
		for i := range count {
			text += fmt.Sprintf("- {seriesQuery: %s_%d, resources: {template: <<.Resource>>}, metricsQuery: sum(<<.Series>>) by (<<.GroupBy>>), server: %q}\n", "of"+server, i, server)
		}
	}
	return []byte(text)
}

// starting returns an API whose sources are read and whose servers are asked from now on, in a bubble of synctest.
func starting(t *testing.T, servers map[string]Prometheus, rules map[string]int) *API {
	t.Helper()
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	a := &API{o: Options{Servers: servers, Resources: kubernetesOwn{}, Now: time.Now, Logger: discard(), Metrics: metrics, RelistInterval: 10 * time.Minute, SeriesMaxAge: 10 * time.Minute}}
	a.ctx, a.end = context.WithCancel(t.Context())
	a.model.set, _ = metricrule.Load(metricrule.Options{}, metricrule.Source{Name: "rules.yaml", Data: seriesOf(rules)})
	a.relist = newRelister(a)
	a.relist.sourcesRead()
	a.publish()
	var group sync.WaitGroup
	group.Go(func() { a.relist.run(a.ctx) })
	t.Cleanup(func() { a.end(); group.Wait() })
	return a
}

func (a *API) has(series string) bool {
	return a.published.Load().catalog.Has(metricrule.Metric{Resource: schema.GroupResource{Resource: "pods"}, Name: series})
}

// A replica that starts while a server hangs has to take over from the one that is updated away: in 30 s, with however many rules.
func TestK3AReplicaIsReadyWhenItKnowsWhatItCanKnowForNow(t *testing.T) {
	for _, test := range []struct {
		name    string
		servers map[string]Prometheus
		rules   map[string]int
		ready   time.Duration // after the start
	}{
		{"without rules", map[string]Prometheus{"": slow{hangs}}, nil, 0},
		{"when all is answered", map[string]Prometheus{"": slow{10 * time.Second}}, map[string]int{"": 4}, 10 * time.Second},
		{"and not before, as long as there are answers", map[string]Prometheus{"": slow{10 * time.Second}}, map[string]int{"": 40}, 100 * time.Second},
		{"but not for ever", map[string]Prometheus{"": slow{10 * time.Second}}, map[string]int{"": 400}, longestStart},
		{"of a server that hangs nothing is waited for", map[string]Prometheus{"": slow{hangs}}, map[string]int{"": 400}, listTimeout},
		{"nor beside one that answers", map[string]Prometheus{"": slow{hangs}, "logs": slow{time.Second}}, map[string]int{"": 400, "logs": 40}, 10*time.Second + listTimeout},
		{"a server that there is not is not waited for", map[string]Prometheus{"": slow{time.Second}}, map[string]int{"none": 4}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := starting(t, test.servers, test.rules)
				if test.ready > 0 {
					time.Sleep(test.ready - time.Millisecond)
					synctest.Wait()
					if closed(a.relist.settled) {
						t.Errorf("it is ready before %v", test.ready)
					}
				}
				time.Sleep(2 * time.Millisecond)
				synctest.Wait()
				if !closed(a.relist.settled) {
					t.Errorf("it is not ready after %v", test.ready)
				}
				a.end()
			})
		})
	}
}

func TestAServerThatHangsHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rules := map[string]int{"": 100, "logs": 1}
		a := starting(t, map[string]Prometheus{"": slow{hangs}, "logs": slow{time.Second}}, rules)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !a.has("oflogs_0") {
			t.Error("what one server has said waits for the other one")
		}
		rules["logs"]++
		a.model.replace(mustLoad(t, seriesOf(rules)))
		a.relist.wake()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !a.has("oflogs_1") {
			t.Error("a new rule waits for the server that hangs")
		}
		a.end()
	})
}

func TestWhatIsKnownDuringALongRoundIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := starting(t, map[string]Prometheus{"": slow{2 * time.Second}}, map[string]int{"": 40})
		time.Sleep(publishEvery + time.Second)
		synctest.Wait()
		if !a.has("of_0") || a.has("of_39") {
			t.Errorf("after %v the first is served: %v, the last: %v", publishEvery, a.has("of_0"), a.has("of_39"))
		}
		a.end()
	})
}

func mustLoad(t *testing.T, text []byte) *metricrule.Set {
	t.Helper()
	set, problems := metricrule.Load(metricrule.Options{}, metricrule.Source{Name: "rules.yaml", Data: text})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return set
}
