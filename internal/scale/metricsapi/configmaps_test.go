package metricsapi

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/truecount/truecount/test/await"
	"github.com/truecount/truecount/test/kubeapi"
)

const rulesLabel = "truecount/rules"

func fromConfigMaps(o *Options) {
	o.ConfigMaps = labels.SelectorFromSet(labels.Set{rulesLabel: "true"})
}

// configMap puts rules into the cluster.
func (w *world) configMap(namespace, name, rules string) {
	w.kube.Put("/api/v1/namespaces/"+namespace+"/configmaps/"+name, kubeapi.Object{
		"metadata": kubeapi.Object{"labels": kubeapi.Object{rulesLabel: "true"}}, "data": kubeapi.Object{"rules.yaml": rules},
	})
}

// A replica that takes over before it has asked for the series of the rules in ConfigMaps would answer their autoscalers with errors.
func TestK7AReplicaIsReadyWhenTheRulesInConfigMapsHaveBeenAsked(t *testing.T) {
	release := make(chan struct{})
	w := startWorld(t, "rules: []", func(w *world) {
		w.pod("shop", "shop-0", "shop")
		w.configMap("shop", "rules", plain)
		w.prom.Store(t, `a_total{namespace="shop",pod="shop-0"}`, 1, time.Now())
		w.prom.Fail(func(_ http.ResponseWriter, _ *http.Request) bool { <-release; return false })
	}, fromConfigMaps)
	of, err := w.api.watches.begin(pods)
	if err != nil {
		t.Fatal(err)
	}
	await.True(t, "the pods are listed and the series asked", func() bool {
		return closed(of.listed) && slices.Contains(w.prom.Lists(), `{__name__=~".*_total",namespace="shop"}`)
	})
	if w.api.ready() == nil {
		t.Error("it is ready before there is an answer")
	}
	close(release)
	await.True(t, "it is ready", func() bool { return w.api.ready() == nil })
	if got, err := w.ask("shop", "a_total", "", ""); err != nil || got["shop-0"] != "1" {
		t.Errorf("the first request got %v, %v", got, err)
	}
}
