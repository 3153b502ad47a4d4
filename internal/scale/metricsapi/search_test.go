package metricsapi

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	serieslabels "github.com/prometheus/prometheus/model/labels"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/internal/scale/metricrule"
)

// hpaSync is how often an autoscaler asks.
const hpaSync = 15 * time.Second

// answering is [starting] with an API that answers requests, too.
func answering(t *testing.T, servers map[string]Prometheus, rules map[string]int) *API {
	t.Helper()
	a := starting(t, servers, rules)
	a.o.MaxRequests, a.o.ValueTimeout = 100, 5*time.Second
	a.slots = make(chan struct{}, a.o.MaxRequests)
	a.lists = newFlights[*answer](a.ctx, a.o.ValueTimeout, a.o.MaxRequests, a.o.Logger)
	a.queries = newFlights[[]promapi.Sample](a.ctx, a.o.ValueTimeout, a.o.MaxRequests, a.o.Logger)
	t.Cleanup(func() { a.end(); a.lists.close(); a.queries.close() })
	return a
}

// asks is one request, for a metric of one object, by whatever answer.
func (a *API) asks(t *testing.T, resource, namespace, name, metric string) {
	t.Helper()
	q := question{namespace: namespace, resource: schema.GroupResource{Resource: resource}, name: name, metric: metric, selector: labels.Everything(), metricSelector: labels.Everything()}
	if _, err := a.custom(context.Background(), q); err == nil {
		t.Error("there is a value") // no server of these tests has any
	}
}

func (a *API) asksForPod(t *testing.T, metric string) {
	t.Helper()
	a.asks(t, "pods", "shop", "a", metric)
}

// after sleeps and tells what is served then.
func (a *API) after(long time.Duration, metrics ...string) (served []bool) {
	time.Sleep(long)
	synctest.Wait()
	for _, metric := range metrics {
		served = append(served, a.has(metric))
	}
	return served
}

func TestAMetricThatIsNewerThanTheLastListIsThereForTheNextRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &forgetful{}
		a := answering(t, map[string]Prometheus{"": server}, map[string]int{"": 1})
		time.Sleep(20 * time.Second)
		a.asksForPod(t, "of_0") // a deployment has its autoscaler before its pods are scraped
		time.Sleep(hpaSync)
		server.becomes(false, "of_0")
		a.asksForPod(t, "of_0")
		if there := a.after(time.Second, "of_0"); !there[0] {
			t.Error("it waits for the regular list")
		}
		a.end()
	})
}

func TestAMetricThatComesLateIsThereWithinAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &forgetful{}
		a := answering(t, map[string]Prometheus{"": server}, map[string]int{"": 1})
		for range 20 { // its image is large
			time.Sleep(hpaSync)
			a.asksForPod(t, "of_0")
		}
		server.becomes(false, "of_0")
		began := time.Now()
		for !a.has("of_0") {
			time.Sleep(hpaSync)
			a.asksForPod(t, "of_0")
		}
		if took := time.Since(began); took > time.Minute+hpaSync {
			t.Errorf("it took %v", took)
		}
		a.end()
	})
}

func TestAnAutoscalerWithAMistakeHasSeriesLookedForOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := answering(t, map[string]Prometheus{"": &forgetful{}}, map[string]int{"": 1})
		for range 9 * 4 {
			time.Sleep(hpaSync)
			a.asksForPod(t, "mistyped")
		}
		synctest.Wait()
		// After requests in the seconds 15, 30, 60, 105 and then once a minute.
		if got := searches(a, "default", "ok"); got != 11 {
			t.Errorf("in nine minutes they were looked for %v times", got)
		}
		if got := relists(a, "default", "of_0", "ok"); got != 1 {
			t.Errorf("there were %v regular lists", got)
		}
		time.Sleep(3 * time.Minute) // it was there
		for range 2 {
			a.asksForPod(t, "mistyped")
			time.Sleep(hpaSync)
		}
		if got := searches(a, "default", "ok"); got != 13 {
			t.Errorf("a metric that goes again is looked for as seldom as one that never was there: %v", got)
		}
		a.end()
	})
}

func TestRequestsForManyMetricsThatThereAreNotTakeABoundedPartOfAServersTime(t *testing.T) {
	for _, test := range []struct {
		name  string
		takes time.Duration // a list
		most  float64       // searches in nine minutes
	}{
		{"lists that take no time", 0, 1 + 9*60/5},
		{"lists that take long", 2 * time.Second, 1 + 9*60/42},
		{"lists that take longer than a search", 20 * time.Second, 1 + 9*60/105},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := answering(t, map[string]Prometheus{"": slow{test.takes}}, map[string]int{"": 1})
				time.Sleep(test.takes)
				for i := range 9 * 60 {
					time.Sleep(time.Second)
					a.asksForPod(t, fmt.Sprintf("mistyped_%d", i))
				}
				synctest.Wait()
				if got := searches(a, "default", "ok") + searches(a, "default", "error"); got > test.most || got < test.most-2 {
					t.Errorf("it was asked %v times, want %v or a little less", got, test.most)
				}
				a.end()
			})
		})
	}
}

func TestOfMetricsThatThereAreNotLittleIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := answering(t, map[string]Prometheus{"": &forgetful{}}, map[string]int{"": 1})
		var before, now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range 100 {
			a.missed(fmt.Sprint(i), fmt.Sprint(i)+strings.Repeat("x", 1<<20), metricrule.ErrUnknownMetric)
		}
		runtime.GC()
		runtime.ReadMemStats(&now)
		if more := int64(now.HeapAlloc) - int64(before.HeapAlloc); more > 10<<20 {
			t.Errorf("%d MB for a hundred of them", more>>20)
		}
		m := &a.relist.missing
		for i := range 2 * mostMissed {
			if !m.counts("shop", fmt.Sprint(i), time.Now()) {
				t.Fatalf("after so many metric %d does not count", i)
			}
		}
		if len(m.seen) > mostMissed {
			t.Errorf("%d are remembered", len(m.seen))
		}
		if m.counts("shop", fmt.Sprint(2*mostMissed-1), time.Now()) || !m.counts("park", fmt.Sprint(2*mostMissed-1), time.Now()) {
			t.Error("one metric is taken for another")
		}
		a.end()
	})
}

func TestASearchLooksForTheRulesOfItsNamespaceAlone(t *testing.T) {
	for _, test := range []struct {
		name                            string
		resource, namespace, of, metric string
		operator, shop, park            int // how often each is asked
	}{
		{"a pod", "pods", "shop", "a", "mistyped", 2, 2, 1},
		{"the namespace itself", "namespaces", "", "shop", "mistyped", 2, 2, 1},
		{"something of no namespace", "nodes", "", "a", "mistyped", 2, 1, 1},
		{"a resource that there is not", "mistyped", "shop", "a", "mistyped", 1, 1, 1},
		{"a metric that there is", "pods", "shop", "a", "shops", 1, 1, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &forgetful{}
				a := answering(t, map[string]Prometheus{"": server}, nil)
				rule := func(series string) []byte {
					return fmt.Appendf(nil, "rules:\n- seriesQuery: '{__name__=%q}'\n  resources: {template: <<.Resource>>}\n  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)\n", series)
				}
				set, problems := metricrule.Load(metricrule.Options{},
					metricrule.Source{Name: "operator.yaml", Data: rule("everybodys")},
					metricrule.Source{Name: "shop.yaml", Namespace: "shop", Data: rule("shops")},
					metricrule.Source{Name: "park.yaml", Namespace: "park", Data: rule("parks")})
				if len(problems) > 0 {
					t.Fatal(problems)
				}
				a.model.replace(set)
				a.relist.wake()
				time.Sleep(time.Second)
				a.model.add(a.model.questionsOf("", "shop")[0], foundSeries("shops"), time.Now())
				a.publish()
				a.asks(t, test.resource, test.namespace, test.of, test.metric)
				a.after(time.Second)
				for matcher, want := range map[string]int{
					`{__name__="everybodys"}`: test.operator, `{__name__="shops",namespace="shop"}`: test.shop, `{__name__="parks",namespace="park"}`: test.park,
				} {
					if got := server.wasAsked(matcher); got != want {
						t.Errorf("%s was asked %d times, want %d", matcher, got, want)
					}
				}
				a.end()
			})
		})
	}
}

// foundSeries is one pod's series of a name in the namespace shop.
func foundSeries(name string) *metricrule.Found {
	f := &metricrule.Found{}
	(slow{}).Series(context.Background(), []string{name}, time.Time{}, time.Time{}, func(series serieslabels.Labels) error { f.Add(series); return nil })
	return f
}

// TestK1ASearchTakesNoMetricAway is a server that has been started on an empty disk between two regular lists. Whoever asks for another metric
// in that moment does not have it found out.
func TestK1ASearchTakesNoMetricAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &forgetful{names: []string{"of_0"}}
		a := answering(t, map[string]Prometheus{"": server}, map[string]int{"": 2})
		time.Sleep(time.Minute)
		server.becomes(false, "of_1")
		a.asksForPod(t, "mistyped")
		if there := a.after(time.Second, "of_0", "of_1"); !there[0] || !there[1] {
			t.Errorf("the metrics are there: %v", there)
		}
		server.becomes(false)
		a.asksForPod(t, "mistyped, too")
		if there := a.after(8*time.Minute, "of_0", "of_1"); !there[0] || !there[1] {
			t.Errorf("before the regular list they are there: %v", there)
		}
		if there := a.after(2*time.Minute, "of_0", "of_1"); there[0] || there[1] {
			t.Errorf("after it they are there: %v", there)
		}
		a.end()
	})
}

func TestASearchIsHeldUpByNothingElse(t *testing.T) {
	for _, test := range []struct {
		name  string
		logs  Prometheus // another server, of a rule of its own
		rules map[string]int
	}{
		{"a server that hangs", &hangsLater{}, map[string]int{"": 1, "logs": 1}},
		{"a server that there is not", nil, map[string]int{"": 1, "none": 1}},
		{"a server that never answered", &forgetful{away: true}, map[string]int{"": 1, "logs": 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &forgetful{}
				servers := map[string]Prometheus{"": server}
				if test.logs != nil {
					servers["logs"] = test.logs
				}
				a := answering(t, servers, test.rules)
				time.Sleep(time.Minute)
				a.asksForPod(t, "mistyped")
				time.Sleep(10 * time.Second)
				server.becomes(false, "of_0")
				a.asksForPod(t, "of_0")
				if there := a.after(time.Second, "of_0"); !there[0] {
					t.Error("it is not found")
				}
				a.end()
			})
		})
	}
}

// hangsLater answers once, and then no more.
type hangsLater struct{ forgetful }

func (h *hangsLater) Series(ctx context.Context, matchers []string, from, to time.Time, yield func(serieslabels.Labels) error) error {
	if h.wasAsked(matchers[0]) > 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.forgetful.Series(ctx, matchers, from, to, yield)
}

// TestASearchAsksNothingThatHasNoAnswer is a question that fails: the regular rounds ask it again, ever more rarely.
func TestASearchAsksNothingThatHasNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &forgetful{}
		a := answering(t, map[string]Prometheus{"": server}, map[string]int{"": 2})
		time.Sleep(time.Minute)
		server.mu.Lock()
		server.refuses = "of_1"
		server.mu.Unlock()
		time.Sleep(14 * time.Minute)
		count := func() int {
			time.Sleep(5 * time.Minute)
			return server.wasAsked(`{__name__="of_1"}`)
		}
		before := count()
		for i := range 10 {
			a.asksForPod(t, fmt.Sprint("mistyped_", i))
			time.Sleep(time.Second)
		}
		if got := count() - before; got > 6 { // once a minute, and maybe in a regular round
			t.Errorf("in five minutes it was asked %d times", got)
		}
		a.end()
	})
}

// TestASearchForOneNamespaceHoldsUpNoOther is a tenant with many rules that a server takes long for.
func TestASearchForOneNamespaceHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &perName{takes: map[string]time.Duration{}}
		a := answering(t, map[string]Prometheus{"": server}, nil)
		rules := ""
		for i := range 300 {
			name := fmt.Sprintf("parks_%d", i)
			rules += "- {seriesQuery: " + name + ", resources: {template: <<.Resource>>}, metricsQuery: sum(<<.Series>>) by (<<.GroupBy>>)}\n"
			server.takes[name] = 3 * time.Second
		}
		set := a.model.set
		for _, source := range []metricrule.Source{
			{Name: "operator.yaml", Data: seriesOf(map[string]int{"": 1})},
			{Name: "park.yaml", Namespace: "park", Data: []byte("rules:\n" + rules)},
		} {
			set = set.Replace(source)
		}
		a.model.replace(set)
		a.relist.wake()
		time.Sleep(9 * time.Minute) // 300 lists, four at once, and the operator's
		a.asks(t, "pods", "park", "a", "mistyped")
		time.Sleep(time.Second + shortestRest)
		server.becomes(false, "of_0")
		a.asksForPod(t, "of_0")
		if there := a.after(4*3*time.Second, "of_0"); !there[0] {
			t.Error("it waits for the other namespace")
		}
		a.end()
	})
}

// perName takes its time for some names.
type perName struct {
	forgetful
	takes map[string]time.Duration
}

func (p *perName) Series(ctx context.Context, matchers []string, from, to time.Time, yield func(serieslabels.Labels) error) error {
	p.mu.Lock()
	takes := p.takes[strings.Split(matchers[0], `"`)[1]]
	p.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(takes):
		return p.forgetful.Series(ctx, matchers, from, to, yield)
	}
}

// TestK1AfterAServerHungSearchesGoOn is a server that does not answer for two minutes, which no regular list sees.
func TestK1AfterAServerHungSearchesGoOn(t *testing.T) {
	for _, metric := range []string{"of_0", "of_39"} {
		t.Run(metric, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &perName{takes: map[string]time.Duration{}}
				a := answering(t, map[string]Prometheus{"": server}, map[string]int{"": 40})
				hang := func(long time.Duration) {
					server.mu.Lock()
					defer server.mu.Unlock()
					for i := range 40 {
						server.takes[fmt.Sprintf("of_%d", i)] = long
					}
				}
				for second := range 60 * 9 {
					time.Sleep(time.Second)
					switch second {
					case 60:
						hang(hangs)
					case 180:
						hang(0)
						server.becomes(false, metric)
					}
					if second%15 == 0 {
						a.asksForPod(t, metric)
					}
					if a.has(metric) {
						if second > 180+restShare*5+60 {
							t.Errorf("it was found in second %d", second)
						}
						a.end()
						return
					}
				}
				t.Error("it waits for the regular list")
				a.end()
			})
		})
	}
}

// TestQuestionsThatTakeTooLongLeaveTheOthersTheirTurn is of lists that only a regular round has the time for.
func TestQuestionsThatTakeTooLongLeaveTheOthersTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &perName{takes: map[string]time.Duration{"of_0": 20 * time.Second, "of_1": 20 * time.Second, "of_2": 20 * time.Second}}
		a := answering(t, map[string]Prometheus{"": server}, map[string]int{"": 4})
		time.Sleep(time.Minute)
		server.becomes(false, "of_3")
		a.asksForPod(t, "of_3")
		if there := a.after(3*(1+restShare)*searchTimeout+time.Second, "of_3"); !there[0] {
			t.Error("it waits for the regular list")
		}
		a.end()
	})
}

func TestARestIsNoLongerThanTheRegularInterval(t *testing.T) {
	s, now := newSearch(&API{o: Options{RelistInterval: 10 * time.Minute}}, ""), time.Now()
	s.want("shop")
	s.rest("", now, time.Hour)
	s.rest("shop", now, time.Hour)
	if _, wait := s.next(now.Add(10*time.Minute - time.Second)); wait != time.Second {
		t.Errorf("a second before the regular list it rests for %v", wait)
	}
	if _, wait := s.next(now.Add(10 * time.Minute)); wait > 0 {
		t.Errorf("and then for %v", wait)
	}
}

func TestARequestDuringTheRestIsRememberedUntilItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &forgetful{}
		a := answering(t, map[string]Prometheus{"": server}, map[string]int{"": 1})
		time.Sleep(time.Minute)
		a.asksForPod(t, "mistyped")
		time.Sleep(time.Second)
		server.becomes(false, "of_0")
		a.asksForPod(t, "of_0")
		if there := a.after(time.Second, "of_0"); there[0] {
			t.Error("there is no rest")
		}
		if there := a.after(shortestRest, "of_0"); !there[0] {
			t.Error("it waits for the regular list, or for another request")
		}
		a.end()
	})
}

// searches is how often a server was asked for what is not there.
func searches(a *API, server, result string) float64 {
	return testutil.ToFloat64(a.o.Metrics.searches.WithLabelValues(server, result))
}

func TestEachServerIsSearchedForItsOwnSeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, logs := &forgetful{}, &forgetful{}
		a := answering(t, map[string]Prometheus{"": one, "logs": logs}, map[string]int{"": 1, "logs": 1})
		time.Sleep(time.Minute)
		one.becomes(false, "of_0")
		logs.becomes(false, "oflogs_0")
		a.asksForPod(t, "of_0")
		if there := a.after(time.Second, "of_0", "oflogs_0"); !there[0] || !there[1] {
			t.Errorf("they are there: %v", there)
		}
		if one.wasAsked(`{__name__="oflogs_0"}`) > 0 || logs.wasAsked(`{__name__="of_0"}`) > 0 {
			t.Error("a server is asked for another one's series")
		}
		a.end()
	})
}

func TestWhatASearchFindsIsAddedToTheAnswerOfTheRegularRound(t *testing.T) {
	m := model{set: mustLoad(t, seriesOf(map[string]int{"": 1}))}
	d := m.questions()[0]
	now := time.Now()
	names := func() []string {
		_, found, _ := m.snapshot()
		return found[d].Names()
	}
	if m.add(d, foundSeries("before"), now) {
		t.Error("there was no answer that it could be added to")
	}
	m.note(d, foundSeries("a"), nil, now, time.Minute)
	if !m.add(d, foundSeries("b"), now) || m.add(d, foundSeries("a"), now) || m.add(d, &metricrule.Found{}, now) {
		t.Error("what is new is not told from what is not")
	}
	if got := strings.Join(names(), " "); got != "a b" {
		t.Errorf("found %s", got)
	}
	m.note(d, foundSeries("c"), nil, now, time.Minute)
	if got := strings.Join(names(), " "); got != "c" {
		t.Errorf("after the next round %s", got)
	}
}

func TestOfANamespaceThatIsNotKnownYetItsOwnRulesSayWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := answering(t, map[string]Prometheus{"": &forgetful{away: true}}, nil)
		set := metricrule.NewSet(metricrule.Options{}).Replace(metricrule.Source{Name: "shop.yaml", Namespace: "shop", Data: []byte(
			"rules:\n- seriesQuery: visits\n  resources: {template: <<.Resource>>}\n  metricsQuery: sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)\n")})
		a.model.replace(set)
		a.relist.wake()
		time.Sleep(time.Second)
		synctest.Wait()
		for name, want := range map[string]result{"shop": notKnownYet, "park": noMetric} {
			q := question{resource: namespaces, name: name, metric: "visits", selector: labels.Everything(), metricSelector: labels.Everything()}
			if _, err := a.evaluate(t.Context(), q); resultOf(err) != want {
				t.Errorf("of %s it says %s (%v), want %s", name, resultOf(err), err, want)
			}
		}
		a.end()
	})
}
