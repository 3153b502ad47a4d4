package main

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
)

// What is written to Prometheus, and so what an answer has to say: the counter of the pod with number i grows by
// i+1.5 thousandths a second. Both adapters cut to whole thousandths, so that half of one is the room for the rounding
// of floating point.
const (
	counter = "demo_app_button_clicks_total"
	metric  = "demo_app_button_clicks_per_second"
)

func speed(i int) float64 { return (float64(i) + 1.5) / 1000 }

func milli(i int) int64 { return int64(i) + 1 }

// valueList is the answer of the API, as much of it as is compared.
type valueList struct {
	Kind  string
	Items []struct {
		DescribedObject struct{ Name, Namespace string }
		Value           resource.Quantity
	}
}

// check compares an answer with what was written: exactly the wanted pods, each once, each with its own value.
func check(body []byte, namespace string, first, pods int) error {
	var list valueList
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("the answer is not understood: %w: %.200q", err, body)
	}
	if list.Kind != "MetricValueList" {
		return fmt.Errorf("the answer is a %q", list.Kind)
	}
	wanted := make(map[string]int64, pods)
	for i := first; i < first+pods; i++ {
		wanted[podName(i)] = milli(i)
	}
	for _, item := range list.Items {
		name := item.DescribedObject.Name
		value, is := wanted[name]
		if !is || item.DescribedObject.Namespace != namespace {
			return fmt.Errorf("pod %s/%s is in the answer twice, or is not asked for", item.DescribedObject.Namespace, name)
		}
		if got := item.Value.MilliValue(); got != value {
			return fmt.Errorf("pod %s has the value %v, and %dm was written", name, &item.Value, value)
		}
		delete(wanted, name)
	}
	if len(wanted) > 0 {
		return fmt.Errorf("%d of %d pods are not in the answer", len(wanted), pods)
	}
	return nil
}
