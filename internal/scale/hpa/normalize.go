package hpa

import "time"

// normalize turns what the metrics ask for into what may be done now: stabilised, then within bounds and speed.
func (d *decider) normalize(recommended int32) {
	var held, limited limit
	steps := Steps{Recommended: recommended}
	if d.in.Spec.Behavior == nil {
		steps.Stabilized = d.stabilizeDown(recommended)
		held = heldDown
		steps.Limited, limited = d.boundWithoutBehavior(steps.Stabilized)
	} else {
		up, down := d.in.behavior()
		steps.Stabilized, held = d.stabilize(recommended, up.window, down.window)
		steps.Limited, limited = d.bound(steps.Stabilized, up, down)
	}
	if steps.Stabilized == recommended {
		held = steady
	}
	d.conditions.able(held.reason, held.message)
	d.conditions.limited(steps.Limited != steps.Stabilized, limited)
	if limited != scaleUpLimit && limited != scaleDownRate {
		d.Policy = "" // it would have allowed this
	}
	d.Steps, d.limited = steps, limited
	d.Outcome, d.Desired = Computed, steps.Limited
}

// stabilizeDown is the stabilisation of a spec without behavior: the highest recommendation of the window. One that is
// as old as the window still counts.
func (d *decider) stabilizeDown(recommended int32) int32 {
	window := d.in.Settings.DownscaleStabilization
	cutoff := d.At.Add(-window)
	highest := Recommendation{Replicas: recommended}
	for _, rec := range d.next.Recommendations {
		if !rec.Time.Before(cutoff) && (rec.Replicas > highest.Replicas || rec.holdsLonger(highest)) {
			highest = rec
		}
	}
	if highest.Replicas > recommended {
		d.StabilizedUntil = highest.Time.Add(window)
	}
	d.next.Recommendations = remember(d.next.Recommendations, cutoff, Recommendation{recommended, d.At})
	return highest.Replicas
}

// holdsLonger says that the same was recommended later.
func (r Recommendation) holdsLonger(than Recommendation) bool {
	return r.Replicas == than.Replicas && r.Time.After(than.Time)
}

// stabilize moves the current replicas up to the lowest recommendation of the upward window, or down to the highest of
// the downward one, or nowhere. A recommendation that is as old as the window no longer counts.
func (d *decider) stabilize(recommended int32, upWindow, downWindow time.Duration) (int32, limit) {
	upCutoff, downCutoff := d.At.Add(-upWindow), d.At.Add(-downWindow)
	lowest, highest := Recommendation{Replicas: recommended}, Recommendation{Replicas: recommended}
	for _, rec := range d.next.Recommendations {
		if rec.Time.After(upCutoff) && (rec.Replicas < lowest.Replicas || rec.holdsLonger(lowest)) {
			lowest = rec
		}
		if rec.Time.After(downCutoff) && (rec.Replicas > highest.Replicas || rec.holdsLonger(highest)) {
			highest = rec
		}
	}
	stable := min(max(d.Current, lowest.Replicas), highest.Replicas)
	switch {
	case stable > recommended && highest.Replicas > recommended:
		d.StabilizedUntil = highest.Time.Add(downWindow)
	case stable < recommended && lowest.Replicas < recommended:
		d.StabilizedUntil = lowest.Time.Add(upWindow)
	}
	older := upCutoff
	if downCutoff.Before(older) {
		older = downCutoff
	}
	d.next.Recommendations = remember(d.next.Recommendations, older, Recommendation{recommended, d.At})
	if recommended >= d.Current {
		return stable, heldUp
	}
	return stable, heldDown
}

// bound keeps the stabilised recommendation within the bounds and the policies of the behavior.
func (d *decider) bound(wanted int32, up, down rules) (int32, limit) {
	switch {
	case wanted > d.Current:
		allowed, why := d.Max, tooMany
		if c, policy := up.ceiling(d.Current, &d.next, d.At); c < allowed {
			allowed, why, d.Policy = c, scaleUpLimit, policyText(policy)
		}
		if wanted > allowed {
			return allowed, why
		}
	case wanted < d.Current:
		allowed, why := d.Min, tooFew
		if f, policy := down.floor(d.Current, &d.next, d.At); f > allowed {
			allowed, why, d.Policy = f, scaleDownRate, policyText(policy)
		}
		if wanted < allowed {
			return allowed, why
		}
	}
	return wanted, withinRange
}

func (d *decider) boundWithoutBehavior(wanted int32) (int32, limit) {
	allowed, why := d.Max, tooMany
	if c := defaultCeiling(d.Current); c < allowed {
		allowed, why, d.Policy = c, scaleUpLimit, defaultCeilingText
	}
	switch {
	case wanted < d.Min:
		return d.Min, tooFew
	case wanted > allowed:
		return allowed, why
	}
	return wanted, withinRange
}
