package metricsapi

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// question is what a request asks about custom metrics.
type question struct {
	namespace      string // "" for a resource without namespaces
	resource       schema.GroupResource
	name           string          // of one object; "" for all that the selector chooses
	selector       labels.Selector // by labels of objects
	metric         string
	metricSelector labels.Selector // by labels of series
}

func (q *question) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of ", q.metric)
	if q.name != "" {
		fmt.Fprintf(&b, "%s %s", q.resource, q.name)
	} else {
		b.WriteString(q.resource.String())
	}
	if q.namespace != "" {
		fmt.Fprintf(&b, " in namespace %s", q.namespace)
	}
	if q.name == "" && !q.selector.Empty() {
		fmt.Fprintf(&b, " with labels %s", q.selector)
	}
	if !q.metricSelector.Empty() {
		fmt.Fprintf(&b, " and series with %s", q.metricSelector)
	}
	return b.String()
}

var namespaces = schema.GroupResource{Resource: "namespaces"}

// home is the namespace whose rules answer the question: of one namespace as an object, its own.
func (q *question) home() string {
	if q.resource == namespaces && q.name != "" {
		return q.name
	}
	return q.namespace
}

// key tells questions apart; equal ones have the same answer.
func (q *question) key() string {
	return strings.Join([]string{q.namespace, q.resource.String(), q.name, q.selector.String(), q.metric, q.metricSelector.String()}, "\x00")
}
