package metricsapi

import (
	"maps"
	"slices"
	"time"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// relisting is a question for the series that there are, and what came of it the last time.
type relisting struct {
	metricrule.Discovery
	known    bool  // there is such a server
	answered bool  // once, at least
	before   error // why it had no answer the last time
}

// outcome is what came of a relisting.
type outcome struct {
	relisting
	err error
	at  time.Time
}

// failed says whether it is of use to ask again soon. A server that there is not comes only with other flags, at the next start.
func (o outcome) failed() bool { return o.err != nil && o.known }

func (o outcome) cameBack() bool { return o.err == nil && o.before != nil }

func (o outcome) first() bool { return o.err == nil && !o.answered }

// secondLooks says when questions are asked once more although they were answered: a server that is back may not have scraped yet, and
// then says less than there is. They belong to the goroutine of the server's loop.
type secondLooks map[metricrule.Discovery]time.Time

// plan takes what came of a round and plans second looks at what a server says that is back, after so long.
func (s secondLooks) plan(round []outcome, after time.Duration) {
	// A rule that is new just then was not there when the server was away, and is told as little.
	back := len(s) > 0 || slices.ContainsFunc(round, outcome.cameBack)
	for _, o := range round {
		if o.cameBack() || back && o.first() {
			s[o.Discovery] = o.at.Add(after)
		}
	}
}

// take returns those that are due and forgets them: they are asked now, unless their rule is gone.
func (s secondLooks) take(now time.Time) map[metricrule.Discovery]bool {
	due := map[metricrule.Discovery]bool{}
	maps.DeleteFunc(s, func(d metricrule.Discovery, at time.Time) bool {
		due[d] = !now.Before(at)
		return due[d]
	})
	return due
}

// wait is how long it is until the next one is due, but not more than longest.
func (s secondLooks) wait(now time.Time, longest time.Duration) time.Duration {
	for _, at := range s {
		longest = min(longest, at.Sub(now))
	}
	return longest
}
