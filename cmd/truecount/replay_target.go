package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/application"
	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/hpamanifest"
	"github.com/truecount/truecount/internal/scale/replay"
)

// replayTarget are the flags that say what is replayed, and how its metrics are asked for.
type replayTarget struct {
	hpa, file, name, namespace, rules string
	queries                           []string
	local                             bool
}

func (t *replayTarget) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&t.hpa, "hpa", "", "`FILE` with a HorizontalPodAutoscaler, of any version")
	flags.StringVarP(&t.file, "file", "f", "", "application `FILE`")
	flags.StringVar(&t.name, "name", "", "`NAME` of the autoscaler or application, if the file has several")
	flags.StringVarP(&t.namespace, "namespace", "n", "", "`NAMESPACE` of an autoscaler that does not name its own; default if left out")
	flags.StringVar(&t.rules, "rules", "", "`FILE` with prometheus-adapter's rules, or the values of its chart: they say how metrics are asked for")
	flags.StringArrayVar(&t.queries, "query", nil, "`METRIC=PROMQL`: how a metric is asked for; may be given several times")
	flags.BoolVar(&t.local, "local", false, "with -f: as truecount up decides on this machine, with the sync period and the stabilisation of the file's Local document")
}

// scaled is what is replayed.
type scaled struct {
	namespace, name string
	spec            autoscalingv2.HorizontalPodAutoscalerSpec
	queries         map[string]string // by metric
	local           *application.Local
}

func (t *replayTarget) load() (*scaled, error) {
	switch {
	case (t.hpa == "") == (t.file == ""):
		return nil, hint.Errorf("name one of them: --hpa hpa.yaml, or -f truecount.yaml", "there must be one file that says how it scales")
	case t.local && t.file == "":
		return nil, hint.Errorf("give the application file with -f", "--local is for applications")
	}
	s, err := t.loadFile()
	if err != nil {
		return nil, err
	}
	for _, given := range t.queries {
		metric, query, found := strings.Cut(given, "=")
		if !found || query == "" {
			return nil, hint.Errorf("write it as --query 'METRIC=PROMQL'", "--query: %q has no query", given)
		}
		if !slices.ContainsFunc(s.spec.Metrics, func(m autoscalingv2.MetricSpec) bool { return metricName(&m) == metric }) {
			return nil, hint.Errorf("its metrics are: "+strings.Join(metricNames(&s.spec), ", "), "--query: %s scales on no metric %s", s.name, metric)
		}
		s.queries[metric] = query
	}
	return s, nil
}

func (t *replayTarget) loadFile() (*scaled, error) {
	if t.file != "" {
		return t.loadApplication()
	}
	data, err := os.ReadFile(t.hpa)
	if err != nil {
		return nil, hint.Errorf("--hpa names a file", "%w", err)
	}
	found, err := hpamanifest.Read(t.hpa, data)
	if err != nil {
		return nil, err
	}
	m, err := choose(t.hpa, t.name, found, func(m *hpamanifest.Manifest) string { return m.HPA.Name }, "HorizontalPodAutoscaler")
	if err != nil {
		return nil, err
	}
	s := &scaled{namespace: m.HPA.Namespace, name: m.HPA.Name, spec: m.HPA.Spec, queries: map[string]string{}}
	if s.namespace == "" {
		s.namespace = t.namespace
	}
	if s.namespace == "" {
		s.namespace = "default"
	}
	return s, nil
}

func (t *replayTarget) loadApplication() (*scaled, error) {
	apps, local, err := loadFiles([]string{t.file})
	if err != nil {
		return nil, err
	}
	apps = slices.DeleteFunc(apps, func(a *application.Application) bool { return !a.Scales() })
	a, err := choose(t.file, t.name, apps, func(a *application.Application) string { return a.Metadata.Name }, "application that scales")
	if err != nil {
		return nil, err
	}
	s := &scaled{namespace: a.Metadata.Namespace, name: a.Metadata.Name, spec: a.HPASpec(), queries: a.Queries()}
	if t.local {
		if s.local = local; local == nil {
			s.local = application.DefaultLocal()
		}
	}
	return s, nil
}

// choose returns the only one of all, or the one of the name.
func choose[T any](file, name string, all []T, nameOf func(T) string, what string) (chosen T, err error) {
	var names []string
	for _, one := range all {
		if nameOf(one) == name || name == "" && len(all) == 1 {
			return one, nil
		}
		names = append(names, nameOf(one))
	}
	switch {
	case len(all) == 0:
		return chosen, hint.Errorf("is this the right file?", "%s: there is no %s in it", file, what)
	case name == "":
		return chosen, hint.Errorf("choose one: --name "+strings.Join(names, ", or --name "), "%s: there are several", file)
	}
	return chosen, hint.Errorf("it has: "+strings.Join(names, ", "), "%s: there is no %s %s in it", file, what, name)
}

// questions fills in how each metric is asked for: as --query or the application says, as the rules say, or as metrics-server
// counts.
func (t *replayTarget) questions(ctx context.Context, o *replay.Options, s *scaled, source *openSource) error {
	for i := range o.Spec.Metrics {
		m := &o.Spec.Metrics[i]
		name := metricName(m)
		switch q := (replay.Question{Expr: s.queries[name]}); {
		case q.Expr != "":
			o.Questions = append(o.Questions, t.withRequests(q, o, m))
		case isResource(m):
			o.Questions = append(o.Questions, t.withRequests(replay.ResourceUsage(o.Namespace, o.Spec.ScaleTargetRef.Name, m), o, m))
		case t.rules != "":
			q, err := t.byRules(ctx, o, m, source)
			if err != nil {
				return err
			}
			o.Questions = append(o.Questions, q)
		case source.named[name]:
			o.Questions = append(o.Questions, replay.Question{Expr: name})
		default:
			return hint.Errorf(fmt.Sprintf("give the adapter's rules with --rules, or --query '%s=sum by (pod) (rate(…))'", name), "how is the metric %s asked for?", name)
		}
	}
	return nil
}

// withRequests adds what a utilization target is a share of.
func (t *replayTarget) withRequests(q replay.Question, o *replay.Options, m *autoscalingv2.MetricSpec) replay.Question {
	if isResource(m) && q.Requests == "" {
		q.Requests = replay.ResourceRequests(o.Namespace, m)
	}
	return q
}

func isResource(m *autoscalingv2.MetricSpec) bool {
	return m.Type == autoscalingv2.ResourceMetricSourceType || m.Type == autoscalingv2.ContainerResourceMetricSourceType
}

func metricName(m *autoscalingv2.MetricSpec) string { return replay.MetricName(m) }

func metricNames(s *autoscalingv2.HorizontalPodAutoscalerSpec) (names []string) {
	for i := range s.Metrics {
		names = append(names, metricName(&s.Metrics[i]))
	}
	return names
}
