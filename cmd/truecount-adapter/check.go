package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/truecount/truecount/internal/hint"
)

const checkHelp = `Reads the rules and applications in files as serve does, asks the Prometheus servers and the cluster, and says what is in the way.
It changes nothing, and reads no ConfigMaps: the adapter logs their mistakes, and counts them.

Rules: every mistake with its place, metrics that two rules give, selectors that find no series.
Servers: whether they answer.
Cluster: who owns the APIServices of the custom metrics API, whether they check the adapter's certificate and which one they
expect, and whether the adapter is allowed what it needs.

Examples:
  truecount-adapter check --config config.yaml --rules-only
  truecount-adapter check --config config.yaml --prometheus-url http://prometheus:9090 --lister-kubeconfig ~/.kube/config \
      --service-account truecount/truecount-adapter
  truecount-adapter check --config config.yaml --prometheus-url http://prometheus:9090 -o json

The exit code is 0, or 1 if there is an error; warnings leave it 0.`

// patience is how long each question of a check may take.
const patience = 30 * time.Second

type checkFlags struct {
	rules      rulesFlags
	prometheus prometheusFlags
	values     valuesFlags
	cluster    clusterFlags
	subject    subjectFlags
	rulesOnly  bool
	output     string
}

// subjectFlags say what is to be found in the cluster.
type subjectFlags struct {
	service, account, certificate string
}

func (f *subjectFlags) register(set *pflag.FlagSet) {
	set.StringVar(&f.service, "service", "truecount/truecount-adapter", "`NAMESPACE/NAME` of the adapter's service, which the APIServices should lead to")
	set.StringVar(&f.account, "service-account", "", "`NAMESPACE/NAME` of the account whose rights are checked; left out, those of the one who asks")
	set.StringVar(&f.certificate, "tls-cert-file", "", "`FILE` with the adapter's certificate, to be checked against what the APIServices expect")
}

func newCheck() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "say what is wrong with rules, servers and the cluster",
		Long:  checkHelp,
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	sections(cmd,
		section{"Check", func(set *pflag.FlagSet) {
			set.BoolVar(&f.rulesOnly, "rules-only", false, "check the files with rules and ask nobody")
			set.StringVarP(&f.output, "output", "o", "text", "`FORMAT` of what is found: text or json")
			f.subject.register(set)
		}},
		section{"Rules", f.rules.register},
		section{"Prometheus", f.prometheus.register},
		section{"Values", f.values.register},
		section{"Cluster", f.cluster.register},
	)
	return cmd
}

func (f *checkFlags) run(cmd *cobra.Command) error {
	if f.output != "text" && f.output != "json" {
		return hint.Errorf("use text or json", "--output: %q is no format", f.output)
	}
	if err := f.values.check(); err != nil {
		return err
	}
	slog.SetDefault(slog.New(slog.DiscardHandler))
	report := &report{Findings: []finding{}}
	set := f.checkRules(report)
	if !f.rulesOnly {
		mapper := f.checkCluster(cmd.Context(), report)
		f.checkServers(cmd.Context(), report, set, mapper)
	}
	report.OK = report.count(levelError) == 0
	if err := report.write(cmd.OutOrStdout(), f.output); err != nil {
		return err
	}
	if n := report.count(levelError); n > 0 {
		return fmt.Errorf("check: %d in the way", n)
	}
	return nil
}

// level says how bad a finding is.
type level string

const (
	levelOK      level = "ok"
	levelWarning level = "warning"
	levelError   level = "error"
)

// finding is one thing that was looked at.
type finding struct {
	Level   level  `json:"level"`
	Subject string `json:"subject"` // rules, prometheus, apiservice, certificate, access, cluster
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

type report struct {
	OK       bool      `json:"ok"`
	Findings []finding `json:"findings"`
}

func (r *report) add(l level, subject, advice, format string, args ...any) {
	r.Findings = append(r.Findings, finding{l, subject, fmt.Sprintf(format, args...), advice})
}

func (r *report) fail(subject string, err error) { r.add(levelError, subject, hint.Of(err), "%v", err) }

func (r *report) count(l level) (n int) {
	for _, f := range r.Findings {
		if f.Level == l {
			n++
		}
	}
	return n
}

func (r *report) write(w io.Writer, format string) error {
	if format == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(r)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%-8s %s: %s\n", f.Level, f.Subject, f.Message)
		if f.Hint != "" && f.Level != levelOK {
			fmt.Fprintf(w, "         hint: %s\n", f.Hint)
		}
	}
	return nil
}

// within bounds one question.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, patience)
}
