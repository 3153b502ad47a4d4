package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/replay"
	"github.com/truecount/truecount/internal/scale/replay/page"
)

func replayJSON(out io.Writer, report *replay.Report) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(report)
}

// replayTable writes a report for a terminal.
func replayTable(to io.Writer, r *replay.Report, rows int) error {
	out := bufio.NewWriter(to)
	fmt.Fprintf(out, "%s/%s, %s to %s UTC, %d syncs\n\n", r.Namespace, r.Name, clock(r.From), clock(r.To), r.Syncs)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SCENARIO\tREPLICA-HOURS\tREPLICAS\tABOVE TARGET\tOVER MAXIMUM\tCHANGES\tFLAPS\tHELD")
	for _, s := range r.Scenarios {
		n := s.Summary
		fmt.Fprintf(table, "%s\t%.1f\t%d–%d\t%s\t%s\t%d up, %d down\t%d\t%s\n", s.Name, n.ReplicaHours, n.Least, n.Most,
			page.Minutes(n.MinutesAboveTarget), page.Minutes(n.MinutesAtMaximum), n.Ups, n.Downs, n.Flaps, page.Minutes(n.MinutesHeld))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for i := range r.Scenarios {
		scenarioTable(out, r, &r.Scenarios[i], rows)
	}
	fmt.Fprintln(out, "\nBased on:")
	for _, in := range r.Inputs {
		fmt.Fprintf(out, "  %s: %s\n", in.What, in.From)
	}
	fmt.Fprintln(out, "Simulated scenarios take for granted:")
	for _, a := range r.Assumptions {
		fmt.Fprintf(out, "  %s\n", a)
	}
	return out.Flush()
}

func scenarioTable(out io.Writer, r *replay.Report, s *replay.Scenario, rows int) {
	fmt.Fprintf(out, "\n%s: %s\n", s.Name, s.Spec)
	if a := s.Agreement; a != nil {
		fmt.Fprintf(out, "  the recorded controller: %d of %d decisions the same, %d within one sync, %d different\n", a.Same, a.Compared, a.OneSync, a.Different)
	}
	fmt.Fprintf(out, "  replicas %s\n", sparkline(s.Chart.Columns, (*replay.Column).ReplicasValue))
	for i, m := range r.Metrics {
		fmt.Fprintf(out, "  %s %s\n", m.Name, sparkline(s.Chart.Columns, func(c *replay.Column) *float64 { return c.Values[i] }))
	}
	if s.Summary.Undecided > 0 {
		fmt.Fprintf(out, "  no decision at %d of %d syncs: it is not recorded how many replicas there were\n", s.Summary.Undecided, r.Syncs)
	}
	for _, h := range s.Holds {
		fmt.Fprintf(out, "  not known at %d of %d syncs: %s: %s\n", h.Decisions, r.Syncs, h.Metric, h.Reason)
	}
	for i, e := range s.Events {
		if i == rows {
			break
		}
		to := ""
		if e.From != e.To {
			to = fmt.Sprintf(" → %d", e.To)
		}
		fmt.Fprintf(out, "  %s  %-10s  %d%s  %s\n", clock(e.At), e.Kind, e.From, to, e.Reason)
	}
	if more := len(s.Events) + s.MoreEvent - rows; more > 0 {
		fmt.Fprintf(out, "  and %d more: --rows, -o json\n", more)
	}
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// sparkline draws values in a line of at most 60 characters, and names the largest. A dot is a time without a value.
func sparkline(columns []replay.Column, value func(*replay.Column) *float64) string {
	const most = 60
	each := max(1, (len(columns)+most-1)/most)
	var heights []float64
	largest := math.Inf(-1)
	for i := 0; i < len(columns); i += each {
		h := math.NaN()
		for j := i; j < min(i+each, len(columns)); j++ {
			if v := value(&columns[j]); v != nil && !(h >= *v) {
				h = *v
			}
		}
		heights = append(heights, h)
		if h > largest {
			largest = h
		}
	}
	var line strings.Builder
	for _, h := range heights {
		switch {
		case math.IsNaN(h):
			line.WriteRune('·')
		case largest <= 0:
			line.WriteRune('▁')
		default:
			line.WriteRune([]rune("▁▂▃▄▅▆▇█")[int(max(0, h)/largest*7)])
		}
	}
	if math.IsInf(largest, -1) {
		return line.String() + " not known"
	}
	return fmt.Sprintf("%s up to %.4g", line.String(), largest)
}

// oneDecision is a line of --decisions.
type oneDecision struct {
	Scenario string           `json:"scenario"`
	At       time.Time        `json:"at"`
	Outcome  hpa.Outcome      `json:"outcome"`
	Current  int32            `json:"current"`
	Desired  int32            `json:"desired"`
	Metrics  []decisionMetric `json:"metrics"`
	Reason   string           `json:"reason"`
}

type decisionMetric struct {
	Name     string `json:"name"`
	Value    string `json:"value,omitempty"`
	Target   string `json:"target,omitempty"`
	Replicas int32  `json:"replicas,omitempty"`
	Error    string `json:"error,omitempty"`
}

// writeEach has every decision written to --decisions. The function it returns ends that.
func (f *replayFlags) writeEach(cmd *cobra.Command, o *replay.Options) (finish func() error, err error) {
	if f.each == "" {
		return func() error { return nil }, nil
	}
	to, end := cmd.OutOrStdout(), func() error { return nil }
	if f.each != "-" {
		file, err := os.Create(f.each)
		if err != nil {
			return nil, fmt.Errorf("--decisions: %w", err)
		}
		to, end = file, file.Close
	}
	out := bufio.NewWriter(to)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	o.Each = func(scenario string, d hpa.Decision) error { return encoder.Encode(decisionLine(scenario, &d)) }
	return func() error {
		if err := out.Flush(); err != nil {
			end()
			return fmt.Errorf("--decisions: %w", err)
		}
		return end()
	}, nil
}

func decisionLine(scenario string, d *hpa.Decision) oneDecision {
	line := oneDecision{Scenario: scenario, At: d.At.UTC(), Outcome: d.Outcome, Current: d.Current, Desired: d.Desired, Reason: d.Reason(), Metrics: []decisionMetric{}}
	for i := range d.Metrics {
		m := &d.Metrics[i]
		one := decisionMetric{Name: m.Name, Target: m.Target.String()}
		if m.Err != nil {
			one.Error = m.Err.Error()
		} else {
			one.Value, one.Replicas = m.Current.String(), m.Replicas
		}
		line.Metrics = append(line.Metrics, one)
	}
	return line
}
