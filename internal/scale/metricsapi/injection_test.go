package metricsapi

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
)

// TestK6WhatARequestSaysIsNeverPromQL asks with texts that would break out of a query that is put together from texts. Whatever the
// server is asked, each of its selectors is bound to the namespace of the request.
func TestK6WhatARequestSaysIsNeverPromQL(t *testing.T) {
	w := newWorld(t, plain, func(w *world) {
		w.pod("default", "clicks-0", "clicks")
		w.pod("secret", "vault-0", "vault")
		w.prom.Store(t, `a_total{namespace="default",pod="clicks-0"}`, 1, time.Now())
		w.prom.Store(t, `a_total{namespace="secret",pod="vault-0"}`, 42, time.Now())
	})
	hostile := []string{`"} or a_total{namespace="secret`, `.*`, `default|secret`, `x"}) or vector(1) #`, "a\nb", "${1}", `<<.Series>>`, `\`, "'", "\xff", `clicks-0"} or on() a_total{x="`}
	for _, text := range hostile {
		for name, q := range map[string]question{
			"namespace": {namespace: text, metric: "a_total"},
			"name":      {namespace: "default", metric: "a_total", name: text},
			"metric":    {namespace: "default", metric: text, name: "clicks-0"},
			"series":    {namespace: "default", metric: "a_total", metricSelector: only(t, "namespace", text)},
			"value":     {namespace: "default", metric: "a_total", name: "clicks-0", metricSelector: only(t, "pod", text)},
		} {
			q.resource = schema.GroupResource{Resource: "pods"}
			if q.selector == nil {
				q.selector = labels.Everything()
			}
			if q.metricSelector == nil {
				q.metricSelector = labels.Everything()
			}
			if got, err := w.values(q); err == nil {
				t.Errorf("%s %q: got %v", name, text, got)
			} else if strings.Contains(err.Error(), "42") {
				t.Errorf("%s %q: %v", name, text, err)
			}
		}
	}
	for _, query := range w.prom.Queries() {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
		if err != nil {
			t.Errorf("%q is asked: %v", query, err)
			continue
		}
		parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
			if s, ok := n.(*parser.VectorSelector); ok && !strings.Contains(s.String(), `namespace="`) {
				t.Errorf("%q is bound to no namespace", s)
			}
			return nil
		})
	}
}

// only selects series by one label; texts that no selector can have are left out of it.
func only(t *testing.T, key, value string) labels.Selector {
	t.Helper()
	r, err := labels.NewRequirement(key, selection.Equals, []string{value})
	if err != nil {
		return labels.Set{key: value}.AsSelectorPreValidated()
	}
	return labels.NewSelector().Add(*r)
}
