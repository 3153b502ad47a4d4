package replay

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/truecount/truecount/internal/scale/hpa"
)

// player goes through the moments with one scenario.
type player struct {
	name    string
	options *Options
	spec    *autoscalingv2.HorizontalPodAutoscalerSpec
	crew    *crew // nil: the replicas are those that there were
	state   hpa.State
	tally   tally
	started bool
	first   int32 // replicas that a simulation begins with

	// Used again for every decision of a simulation.
	maps     []map[string]hpa.Sample
	readings []hpa.Reading

	// Of the recorded scenario: the last decision, and the state it was made from.
	last   step
	before hpa.State
	agreed *agreement
}

// step is what of a decision the next one is compared with.
type step struct {
	outcome          hpa.Outcome
	current, desired int32
}

func stepOf(d *hpa.Decision) step { return step{d.Outcome, d.Current, d.Desired} }

// play makes the decision of a moment.
func (p *player) play(m *moment) error {
	in := hpa.Input{Namespace: p.options.Namespace, Spec: p.spec, Settings: p.options.Settings, Now: m.at}
	if p.crew != nil {
		p.cast(m, &in)
	} else if m.replicas < 0 {
		p.tally.undecided(m)
		p.forget()
		return nil
	} else {
		p.reconcile(m)
		in.Replicas, in.Observed, in.Pods, in.Readings = m.replicas, m.observed, m.pods, m.readings
	}
	p.before = p.state
	d, state := hpa.Decide(in, p.state)
	p.state, p.last, p.started = state, stepOf(&d), true
	if p.crew != nil {
		p.tally.add(m, &d, d.Desired)
		p.crew.scale(d.Desired, m.at)
	} else {
		p.tally.add(m, &d, d.Current)
	}
	if p.agreed != nil {
		p.agreed.ours(&d, m)
	}
	if p.options.Each != nil {
		return p.options.Each(p.name, d)
	}
	return nil
}

// cast puts the simulated pods in the place of those that there were.
func (p *player) cast(m *moment, in *hpa.Input) {
	switch {
	case !p.started:
		p.crew.begin(p.first, m.at)
	case p.last.outcome == hpa.Disabled && m.replicas > 0: // somebody scaled the target up again, which no autoscaler does
		p.crew.begin(min(m.replicas, maxAssumed), m.at)
	}
	in.Pods = p.crew.tick(m.at)
	in.Replicas, in.Observed = int32(len(in.Pods)), int32(len(in.Pods))
	if p.maps == nil {
		p.maps, p.readings = make([]map[string]hpa.Sample, len(m.readings)), make([]hpa.Reading, len(m.readings))
	}
	for i := range m.readings {
		r := spread(&p.spec.Metrics[i], m.readings[i], m, in.Pods, p.maps[i])
		if r.Pods != nil && r.Err == nil {
			p.maps[i] = r.Pods
		}
		p.readings[i] = r
	}
	in.Readings = p.readings
}

// reconcile takes back a change that the last decision took for granted and that did not happen: policies count only changes
// that were made.
func (p *player) reconcile(m *moment) {
	if p.started && p.last.desired != p.last.current && m.replicas != p.last.desired {
		p.state.ScaleUps, p.state.ScaleDowns = p.before.ScaleUps, p.before.ScaleDowns
	}
}

// forget has nothing to compare with after a gap.
func (p *player) forget() {
	if p.agreed != nil {
		p.agreed.gap()
	}
}
