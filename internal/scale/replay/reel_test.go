package replay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/internal/scale/hpa"
	"github.com/truecount/truecount/internal/scale/replay"
)

// guarded passes range queries on to another source if its rule lets them.
type guarded struct {
	replay.Source
	rule func(expr string, syncs int) error

	asked atomic.Pointer[[]int] // syncs of each range query; one is asked at a time
}

func (g *guarded) QueryRange(ctx context.Context, expr string, start, end time.Time, step time.Duration) ([]promapi.Series, error) {
	n := int(end.Sub(start)/step) + 1
	all := append(g.questions(), n)
	g.asked.Store(&all)
	if err := g.rule(expr, n); err != nil {
		return nil, err
	}
	return g.Source.QueryRange(ctx, expr, start, end, step)
}

func (g *guarded) questions() []int {
	if all := g.asked.Load(); all != nil {
		return slices.Clone(*all)
	}
	return nil
}

// aDay has a load that doubles at the half of it and again near its end.
func aDay(t *testing.T) replay.Source {
	s := &story{}
	for _, pod := range []string{"shop-a", "shop-b"} {
		s.every(minute, 25*time.Hour, `load{pod="`+pod+`"}`, steps(0*minute, 8, 12*time.Hour, 16, 23*time.Hour, 32))
	}
	return s.source(t)
}

// TestAnswersThatAreTooLargeAreAskedForInShorterTimes is what a service of thousands of pods does to a server: the limits are
// Prometheus' --query.max-samples and those of this program's client.
func TestAnswersThatAreTooLargeAreAskedForInShorterTimes(t *testing.T) {
	day := aDay(t)
	o := options(perPod(1, 100, "10"), 25*time.Hour)
	want := run(t, day, o)
	for name, refusal := range map[string]error{
		"by this client":  tooLarge(t),
		"by the server":   errors.New("execution: query processing would load too many samples into memory in query execution"),
		"by the server's": fmt.Errorf("the query of load: %w", errors.New("too many samples")),
	} {
		t.Run(name, func(t *testing.T) {
			source := &guarded{Source: day, rule: func(_ string, syncs int) error {
				if syncs > 1000 {
					return refusal
				}
				return nil
			}}
			got := run(t, source, o)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("in parts it is another report:\n%+v\n%+v", got, want)
			}
			asked := source.questions()
			if all := fmt.Sprint(asked); !strings.HasPrefix(all, "[5760 2880 1440 720 720 ") || len(asked) != 3+9 {
				t.Errorf("asked for %s syncs", all)
			}
		})
	}
}

// tooLarge is the error of a client that meets its limit.
func tooLarge(t *testing.T) error {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"],[2,"1"],[3,"1"]]}]}}`)
	}))
	t.Cleanup(server.Close)
	client, err := promapi.New(promapi.Options{URL: server.URL, MaxPoints: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	_, err = client.QueryRange(t.Context(), "load", noon, noon.Add(minute), 15*time.Second)
	if promapi.KindOf(err) != promapi.TooLarge {
		t.Fatal(err)
	}
	return err
}

func TestOtherErrorsAreNotAskedAgain(t *testing.T) {
	source := &guarded{Source: aDay(t), rule: func(string, int) error { return errors.New("it is down") }}
	_, err := replay.Run(t.Context(), source, options(perPod(1, 100, "10"), 25*time.Hour))
	if err == nil || err.Error() != "the query of load: it is down" || len(source.questions()) != 1 {
		t.Errorf("%v, asked %v", err, source.questions())
	}
}

func TestOneSyncThatIsTooLargeIsAnError(t *testing.T) {
	source := &guarded{Source: aDay(t), rule: func(string, int) error { return errors.New("too many samples") }}
	_, err := replay.Run(t.Context(), source, options(perPod(1, 100, "10"), time.Hour))
	if err == nil || !strings.Contains(err.Error(), "too many samples") {
		t.Error(err)
	}
	if asked := source.questions(); asked[len(asked)-1] != 1 {
		t.Errorf("asked for %v syncs", asked)
	}
}

// TestTheNextWindowIsAskedForWhileOneIsPlayed holds up the decisions of the first until the second was asked for.
func TestTheNextWindowIsAskedForWhileOneIsPlayed(t *testing.T) {
	second := make(chan struct{})
	source := &guarded{Source: aDay(t)}
	source.rule = func(string, int) error {
		if len(source.questions()) == 2 {
			close(second)
		}
		return nil
	}
	o := options(perPod(1, 100, "10"), 25*time.Hour)
	o.Each = func(string, hpa.Decision) error {
		select {
		case <-second:
			return nil
		case <-t.Context().Done():
			return t.Context().Err()
		}
	}
	run(t, source, o)
}

func TestAReplayThatIsEndedSaysSo(t *testing.T) {
	for name, at := range map[string]int{"while the first window is asked for": 1, "while the second is": 2} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			source := &guarded{Source: aDay(t)}
			source.rule = func(string, int) error {
				if len(source.questions()) == at {
					cancel()
					return ctx.Err()
				}
				return nil
			}
			if _, err := replay.Run(ctx, source, options(perPod(1, 100, "10"), 25*time.Hour)); !errors.Is(err, context.Canceled) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

// TestNothingIsAskedForAfterTheEnd refuses a decision of the first window; goroutines that are left over fail the package's tests.
func TestNothingIsAskedForAfterTheEnd(t *testing.T) {
	source := &guarded{Source: aDay(t), rule: func(string, int) error { return nil }}
	o := options(perPod(1, 100, "10"), 25*time.Hour)
	enough := errors.New("enough")
	o.Each = func(string, hpa.Decision) error { return enough }
	if _, err := replay.Run(t.Context(), source, o); !errors.Is(err, enough) {
		t.Error(err)
	}
	if n := len(source.questions()); n > 2 {
		t.Errorf("%d windows were asked for", n)
	}
}
