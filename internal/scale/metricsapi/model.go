package metricsapi

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/truecount/truecount/internal/scale/metricrule"
)

// model is what answers are made from: the rules, and what the servers said there is. It may be used concurrently.
type model struct {
	mu    sync.Mutex
	set   *metricrule.Set
	found map[metricrule.Discovery]discovered
}

// discovered is the last answer to one question, and what searches have found since. When a server does not answer, the answer before it
// holds. It goes on to hold beside the new ones when the server is back, for as long as questions look back: a server that has lost its
// samples, or has not scraped yet, says less than there is. What holds so is only what the server has said itself: were it taken for an
// answer, it would never end with a server that fails now and then.
type discovered struct {
	series *metricrule.Found // own, and what holds beside it; nil: there has been no answer yet
	own    *metricrule.Found // the last answer, and what was found since
	err    error             // why the last question had no answer
	since  time.Time         // when questions began to have none
	before metricrule.Kept   // what was known when the server came back
}

// replace takes other rules, and forgets answers that none of them asks for, which it returns.
func (m *model) replace(set *metricrule.Set) (forgotten []metricrule.Discovery) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set = set
	wanted := map[metricrule.Discovery]bool{}
	for _, d := range set.Discoveries() {
		wanted[d] = true
	}
	for d := range m.found {
		if !wanted[d] {
			delete(m.found, d)
			forgotten = append(forgotten, d)
		}
	}
	return forgotten
}

// note keeps an answer of now, or why there is none. The question looked back for so long.
func (m *model) note(d metricrule.Discovery, series *metricrule.Found, err error, now time.Time, back time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.found == nil {
		m.found = map[metricrule.Discovery]discovered{}
	}
	last := m.found[d]
	switch {
	case err == nil:
		last.answer(series, now, back)
	case last.err == nil:
		last.since = now
	}
	last.err = err
	m.found[d] = last
}

// answer takes an answer of now, to a question that looked back for so long.
func (d *discovered) answer(series *metricrule.Found, now time.Time, back time.Duration) {
	if d.err != nil && d.own != nil {
		d.before.Extend(now.Sub(d.since)) // nobody could say that it is still there
		d.before.Keep(d.own, now.Add(back))
	}
	d.own, d.series = series, d.before.With(series, now)
}

// questions returns what has to be asked.
func (m *model) questions() []metricrule.Discovery {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.set.Discoveries()
}

// questionsOf returns those that one server has to be asked for the rules of a namespace; of the operator's, in "".
func (m *model) questionsOf(server, namespace string) (questions []metricrule.Discovery) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, rule := range m.set.Rules() {
		if rule.SeriesQuery == "" || rule.Namespace != namespace {
			continue
		}
		if d := m.set.Discovery(rule); d.Server == server && !slices.Contains(questions, d) {
			questions = append(questions, d)
		}
	}
	return questions
}

// add takes what was found beside the last answer, which stays, and says whether there was anything new.
func (m *model) add(d metricrule.Discovery, found *metricrule.Found, now time.Time) (news bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := m.found[d]
	if last.own == nil {
		return false // its rule has gone
	}
	both := last.own.With(found)
	if both == last.own {
		return false
	}
	last.own, last.series = both, last.before.With(both, now)
	m.found[d] = last
	return true
}

// asked says whether there has been an answer, or why there was none.
func (m *model) asked(d metricrule.Discovery) (answered bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.found[d].series != nil, m.found[d].err
}

// untried says whether a question has not been put yet.
func (m *model) untried() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.set.Discoveries() {
		if one := m.found[d]; one.series == nil && one.err == nil {
			return true
		}
	}
	return false
}

// snapshot returns the rules, the answers, and why some of the rules have no answer yet.
func (m *model) snapshot() (*metricrule.Set, map[metricrule.Discovery]*metricrule.Found, unanswered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, missing := map[metricrule.Discovery]*metricrule.Found{}, unanswered{}
	for _, rule := range m.set.Rules() {
		if rule.SeriesQuery == "" {
			continue // it needs no series
		}
		d := m.set.Discovery(rule)
		if one := m.found[d]; one.series != nil {
			found[d] = one.series
		} else if missing[rule.Namespace] == nil {
			missing[rule.Namespace] = fmt.Errorf("the series %s are not known yet", d.Matcher)
			if one.err != nil {
				missing[rule.Namespace] = fmt.Errorf("the series %s are not known yet: %w", d.Matcher, one.err)
			}
		}
	}
	return m.set, found, missing
}

// unanswered is why rules have no series yet, by the namespace that owns them: one reason for each.
type unanswered map[string]error

// in returns why not all is known that a request in a namespace may be about; nil if it is. What other namespaces look for is not told.
func (u unanswered) in(namespace string) error {
	if err := u[""]; err != nil {
		return err
	}
	return u[namespace]
}
