package replay

import (
	"context"
	"fmt"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/hint"
)

// Run replays the past. It ends early, with an error, when the source fails or ctx ends.
func Run(ctx context.Context, source Source, o Options) (*Report, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	if o.Recorded = within(o.Recorded, o.From, o.To); o.Recorded != nil && len(o.Recorded) == 0 {
		return nil, hint.Errorf("the syncs have times of their own: leave --from and --to out", "no recorded sync is between %s and %s",
			o.From.Format(time.RFC3339), o.To.Format(time.RFC3339))
	}
	a := asker{source: source, step: o.Sync}
	if o.Recorded != nil {
		a.step = 0
		o.From, o.To = o.Recorded[0].At, o.Recorded[len(o.Recorded)-1].At
	}
	record, err := recordOf(ctx, a, &o)
	if err != nil {
		return nil, err
	}
	_, nothingKnown := record.(nothing)
	run := &run{
		options: &o, film: &film{options: &o, unrecorded: nothingKnown},
		loader: &loader{options: &o, asker: a, record: record, clock: newClock(&o), size: windowSyncs},
	}
	run.cast()
	if err := run.play(ctx); err != nil {
		return nil, err
	}
	return run.report(), nil
}

// within leaves out syncs before from and after to; zero times leave out none.
func within(all []Sync, from, to time.Time) []Sync {
	if all == nil {
		return nil
	}
	kept := []Sync{}
	for _, s := range all {
		if !s.At.Before(from) && (to.IsZero() || !s.At.After(to)) {
			kept = append(kept, s)
		}
	}
	return kept
}

// run is one replay.
type run struct {
	options *Options
	loader  *loader
	film    *film
	players []*player
	syncs   int
	begun   bool
	waiting []*moment // before it is known how many replicas there were
	from    time.Time
	to      time.Time
}

// cast makes the players: what was recorded, the spec in charge, and what else is to be tried.
func (r *run) cast() {
	o := r.options
	add := func(name string, spec *autoscalingv2.HorizontalPodAutoscalerSpec, simulated bool) *player {
		p := &player{name: name, options: o, spec: spec}
		p.tally = tally{flapWindow: o.FlapWindow, chart: charter{begin: o.From, end: o.To, sync: typical(o), metrics: len(spec.Metrics)}}
		if simulated {
			p.crew = &crew{startup: o.Startup}
		}
		r.players = append(r.players, p)
		return p
	}
	recorded := add("recorded", &o.Spec, false)
	if !r.film.unrecorded {
		recorded.agreed = &agreement{}
	}
	add("simulated", &o.Spec, true)
	for i := range o.WhatIfs {
		add(o.WhatIfs[i].Name, &o.WhatIfs[i].Spec, true)
	}
}

func (r *run) play(ctx context.Context) error {
	for reel, err := range r.loader.reels(ctx) {
		if err != nil {
			return err
		}
		r.film.reel = reel
		for i, at := range reel.instants {
			m := r.film.moment(at)
			m.lasts = reel.lasts(i, r.options.Sync)
			if err := r.sync(m); err != nil {
				return err
			}
			if r.syncs == 0 {
				r.from = at
			}
			r.to = at
			r.syncs++
		}
		if err := r.begin(); err != nil { // a window without replicas is waiting enough
			return err
		}
	}
	for _, p := range r.players {
		p.forget()
	}
	return nil
}

// sync plays a moment, or keeps it until it is known how many replicas there were at first.
func (r *run) sync(m *moment) error {
	if !r.begun {
		r.waiting = append(r.waiting, m)
		if m.replicas < 0 {
			return nil
		}
		return r.begin()
	}
	for _, p := range r.players {
		if err := p.play(m); err != nil {
			return err
		}
	}
	return nil
}

// begin plays what was kept. Simulations begin with the first number of replicas that is known.
func (r *run) begin() error {
	if r.begun {
		return nil
	}
	r.begun = true
	for _, p := range r.players {
		p.first = r.first(p.spec)
	}
	for _, m := range r.waiting {
		if err := r.sync(m); err != nil {
			return err
		}
	}
	r.waiting = nil
	return nil
}

// first is the number of replicas that a simulation begins with.
func (r *run) first(spec *autoscalingv2.HorizontalPodAutoscalerSpec) int32 {
	known := int32(-1)
	if n := len(r.waiting); n > 0 {
		known = r.waiting[n-1].replicas
	}
	switch {
	case r.options.Replicas > 0:
		return min(r.options.Replicas, maxAssumed)
	case known >= 0:
		return min(known, maxAssumed)
	case spec.MinReplicas != nil:
		return *spec.MinReplicas
	}
	return 1
}

func (r *run) report() *Report {
	o := r.options
	report := &Report{Namespace: o.Namespace, Name: o.Name, From: r.from, To: r.to, Syncs: r.syncs, Inputs: r.loader.record.inputs()}
	if o.Recorded == nil {
		report.SyncSeconds = o.Sync.Seconds()
	}
	for i := range o.Spec.Metrics {
		m := &o.Spec.Metrics[i]
		name, target := described(m)
		q := o.Questions[i]
		report.Metrics = append(report.Metrics, Metric{Name: name, Type: string(m.Type), Target: target, Query: q.Expr})
		report.Inputs = append(report.Inputs, Input{name, q.Expr})
		if q.Requests != "" {
			report.Inputs = append(report.Inputs, Input{"requests of " + name, q.Requests})
		}
	}
	report.Assumptions = assumptions(o)
	for _, p := range r.players {
		if p.crew == nil && p.tally.summary.Undecided == r.syncs {
			report.Inputs = append(report.Inputs, Input{"recorded scenario", "left out: at no sync is it known how many replicas there were"})
			continue
		}
		report.Scenarios = append(report.Scenarios, p.scenario())
	}
	return report
}

func (p *player) scenario() Scenario {
	t := &p.tally
	s := Scenario{Name: p.name, Simulated: p.crew != nil, Spec: specLine(p.spec), Summary: t.summary, Holds: t.reasons(), Events: t.events, MoreEvent: t.more}
	for i := range p.spec.Metrics {
		s.Targets = append(s.Targets, targetValue(targetOf(&p.spec.Metrics[i])))
	}
	s.Summary.FlapMinutes = t.flapWindow.Minutes()
	s.Chart = Chart{StepSeconds: t.chart.width().Seconds(), Columns: t.chart.columns}
	if s.Events == nil {
		s.Events = []Event{}
	}
	if p.agreed != nil && p.agreed.result.Compared > 0 {
		s.Agreement = &p.agreed.result
	}
	return s
}

// assumptions says what the simulated scenarios take for granted.
func assumptions(o *Options) []string {
	out := []string{
		"the total load stays as it was measured, whatever the replicas, and is spread evenly over the pods that are ready",
		fmt.Sprintf("a pod that is started serves after %s, one that is ended leaves at once; there is always room for it", o.Startup),
	}
	for i := range o.Spec.Metrics {
		if m := &o.Spec.Metrics[i]; hasPlainValue(m) {
			name, _ := described(m)
			out = append(out, name+" has a plain value as target: it is taken to rise and fall with the load per ready pod")
		}
	}
	return out
}
