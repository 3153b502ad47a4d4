package metricrule_test

import (
	"os"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

const clicks = `
load 15s
  demo_app_button_clicks_total{namespace="default",pod="clicks-0",service="clicks"} 0+3x40
  demo_app_button_clicks_total{namespace="default",pod="clicks-1",service="clicks"} 0x40
  demo_app_button_clicks_total{namespace="other",pod="clicks-0",service="clicks"} 0+30x40
`

func TestTheTutorialsValuesGiveTheClicksOfEachPod(t *testing.T) {
	values, err := os.ReadFile("../../../deploy/clicks/helm-values/prometheus-adapter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p := newPrometheus(t, clicks, 10*time.Minute)
	c := p.catalog(metricrule.Source{Name: "prometheus-adapter.yaml", Data: values})
	var names []string
	for _, m := range c.Custom() {
		names = append(names, m.Resource.String()+"/"+m.Name)
	}
	equal(t, names, []string{
		"namespaces/demo_app_button_clicks_per_second", "pods/demo_app_button_clicks_per_second", "services/demo_app_button_clicks_per_second",
	})
	got := p.values(c, metricrule.Request{Resource: pods, Namespace: "default", Metric: "demo_app_button_clicks_per_second", All: true})
	want := []metricrule.Value{{Name: "clicks-0", Value: 0.2, Time: p.at}, {Name: "clicks-1", Time: p.at}}
	equal(t, got, want)
}
