package metricsapi

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/truecount/truecount/internal/promapi"
)

// forgetful is a server that has series of some names, or is away.
type forgetful struct {
	refuses string // a name that it never answers for

	mu    sync.Mutex
	names []string
	away  bool
	asked map[string]int // by selectors
}

func (f *forgetful) wasAsked(matcher string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[matcher]
}

func (f *forgetful) becomes(away bool, names ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away, f.names = away, names
}

func (f *forgetful) Query(context.Context, string, time.Time) ([]promapi.Sample, error) {
	return nil, errors.New("nobody asks it for values")
}

func (f *forgetful) Series(_ context.Context, matchers []string, _, _ time.Time, yield func(labels.Labels) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asked == nil {
		f.asked = map[string]int{}
	}
	f.asked[matchers[0]]++
	if f.away {
		return errors.New("it is away")
	}
	if f.refuses != "" && matchers[0] == `{__name__="`+f.refuses+`"}` {
		return errors.New("too many series")
	}
	for _, name := range f.names {
		if matchers[0] == `{__name__="`+name+`"}` {
			return yield(labels.FromStrings("__name__", name, "namespace", "shop", "pod", "a"))
		}
	}
	return nil
}

// TestK1AServerThatComesBackWithoutItsSamplesTakesNoMetricAway is a Prometheus that is started on an empty disk: it answers at once, and has
// not scraped yet. Autoscalers would be told that nobody has their metric, until the next regular round.
func TestK1AServerThatComesBackWithoutItsSamplesTakesNoMetricAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &forgetful{names: []string{"of_0", "of_1"}}
		a := starting(t, map[string]Prometheus{"": server}, map[string]int{"": 2})
		after := func(long time.Duration, first, second bool) {
			t.Helper()
			time.Sleep(long)
			synctest.Wait()
			if a.has("of_0") != first || a.has("of_1") != second {
				t.Errorf("the metrics are there: %t and %t, want %t and %t", a.has("of_0"), a.has("of_1"), first, second)
			}
		}
		after(time.Second, true, true)
		server.becomes(true)
		after(10*time.Minute, true, true)
		server.becomes(false)
		after(lastRetry, true, true)
		server.becomes(false, "of_1") // it has scraped one target
		after(8*time.Minute, true, true)
		after(15*time.Minute, false, true) // what it has not seen for as long as questions look back is gone
		a.end()
	})
}

// TestK1AServerThatComesBackWithoutItsSamplesAgainAndAgainTakesNoMetricAway is a Prometheus in a crash loop. What it has said in between
// counts as what it said before the first time; while it is away nothing becomes old.
func TestK1AServerThatComesBackWithoutItsSamplesAgainAndAgainTakesNoMetricAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &forgetful{names: []string{"of_0"}}
		a := starting(t, map[string]Prometheus{"": server}, map[string]int{"": 1})
		began := time.Now()
		after := func(long time.Duration, want bool) {
			t.Helper()
			time.Sleep(time.Until(began.Add(long)))
			synctest.Wait()
			if a.has("of_0") != want {
				t.Errorf("after %v the metric is there: %t, want %t", long, !want, want)
			}
		}
		after(9*time.Minute, true)
		server.becomes(true) // found at 10:00
		after(11*time.Minute, true)
		server.becomes(false) // found at 11:15
		after(12*time.Minute, true)
		server.becomes(true) // found at 12:15
		after(24*time.Minute+30*time.Second, true)
		server.becomes(false) // found at 25:00
		after(25*time.Minute+30*time.Second, true)
		server.becomes(false, "of_0") // found at 26:00
		after(28*time.Minute, true)
		server.becomes(true) // found at 30:00
		after(31*time.Minute, true)
		server.becomes(false)
		after(41*time.Minute, true)
		after(51*time.Minute, false)
		a.end()
	})
}

// TestWhatAServerHasSaidBetweenTwoOutagesHolds is a metric that is newer than the first of them, which what was known before it outlasts.
func TestWhatAServerHasSaidBetweenTwoOutagesHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &forgetful{names: []string{"of_0"}}
		a := starting(t, map[string]Prometheus{"": server}, map[string]int{"": 2})
		time.Sleep(9 * time.Minute)
		server.becomes(true)
		time.Sleep(2 * time.Minute)
		server.becomes(false, "of_1") // found at 11:15
		time.Sleep(8 * time.Minute)
		server.becomes(true) // found at 20:00
		time.Sleep(90 * time.Second)
		server.becomes(false) // found at 21:15, when of_0 is still held
		time.Sleep(time.Minute)
		synctest.Wait()
		if !a.has("of_1") {
			t.Error("the metric is gone that came after the first outage")
		}
		a.end()
	})
}

// TestSeriesThatAreGoneLeaveThoughListsFailNowAndThen is a server whose regular list times out, each time, and the one after it does not.
func TestSeriesThatAreGoneLeaveThoughListsFailNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &forgetful{names: []string{"of_0"}}
		a := starting(t, map[string]Prometheus{"": server}, map[string]int{"": 2})
		time.Sleep(time.Second)
		for range 4 {
			time.Sleep(10*time.Minute - 2*time.Second)
			server.becomes(true)
			time.Sleep(2 * time.Second)
			server.becomes(false, "of_1")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if a.has("of_0") || !a.has("of_1") {
			t.Errorf("the one that is gone is there: %t, the other one: %t", a.has("of_0"), a.has("of_1"))
		}
		a.end()
	})
}

// TestAServerThatIsBackIsAskedOnceMoreSoon is a replica that has started without its Prometheus: nothing is known from before. Whatever else
// happens until the second look, it is taken.
func TestAServerThatIsBackIsAskedOnceMoreSoon(t *testing.T) {
	const (
		found = 75 * time.Second // the retry that finds the server back, if it comes back just before
		late  = 555 * time.Second
	)
	for _, test := range []struct {
		name    string
		refuses string
		rules   map[string]int
		back    time.Duration // when the answers begin again, without series
		happens func(*API)    // soon after
		want    string
	}{
		{name: "nothing else happens", back: found},
		{name: "a source of rules changes", back: found, happens: func(a *API) { a.relist.wake() }},
		{name: "a rule is new", back: found, want: "of_1", happens: func(a *API) {
			a.model.replace(mustLoad(t, seriesOf(map[string]int{"": 2})))
			a.relist.wake()
		}},
		{name: "another rule goes", back: found, rules: map[string]int{"": 2}, happens: func(a *API) {
			a.model.replace(mustLoad(t, seriesOf(map[string]int{"": 1})))
			a.relist.wake()
		}},
		{name: "another question fails", back: found, rules: map[string]int{"": 2}, refuses: "of_1"},
		{name: "another rule names a server that there is not", back: found, rules: map[string]int{"": 1, "none": 1}},
		{name: "the regular round comes first", back: late},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if test.rules == nil {
					test.rules = map[string]int{"": 1}
				}
				if test.want == "" {
					test.want = "of_0"
				}
				server := &forgetful{refuses: test.refuses, away: true}
				a := starting(t, map[string]Prometheus{"": server}, test.rules)
				time.Sleep(test.back - time.Second)
				server.becomes(false)
				time.Sleep(6 * time.Second)
				if test.happens != nil {
					test.happens(a)
				}
				time.Sleep(lastRetry - 10*time.Second)
				server.becomes(false, test.want)
				time.Sleep(15 * time.Second)
				synctest.Wait()
				if !a.has(test.want) {
					t.Error("what was scraped soon after the server came back waits for the regular round")
				}
				a.end()
			})
		})
	}
}

// TestAServerThatIsBackIsAskedOnceMoreAndNotAgain counts: of a second look comes no third one.
func TestAServerThatIsBackIsAskedOnceMoreAndNotAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &forgetful{away: true}
		a := starting(t, map[string]Prometheus{"": server}, map[string]int{"": 1})
		time.Sleep(time.Minute)
		server.becomes(false)
		time.Sleep(8 * time.Minute)
		synctest.Wait()
		if got := relists(a, "default", "of_0", "ok"); got != 2 {
			t.Errorf("it was answered %v times, want 2", got)
		}
		a.end()
	})
}

// TestAServerThatThereIsNotIsNotAskedAgain is a rule with a mistake: only another flag mends it, at the next start.
func TestAServerThatThereIsNotIsNotAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := starting(t, map[string]Prometheus{"": &forgetful{}}, map[string]int{"none": 1})
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		if got := relists(a, "none", "ofnone_0", "error"); got != 1 {
			t.Errorf("it was asked %v times, want once", got)
		}
		a.end()
	})
}

// relists is how often a server was asked for series of a name, with that result.
func relists(a *API, server, name, result string) float64 {
	return testutil.ToFloat64(a.o.Metrics.relists.WithLabelValues(server, `{__name__="`+name+`"}`, result))
}
