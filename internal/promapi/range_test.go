package promapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/promapi"
)

// counting answers a range query with the time as the value, for the series that names returns at a time.
func counting(t *testing.T, parts *int, names func(at int64) []string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*parts++
		number := func(name string) float64 {
			f, err := strconv.ParseFloat(r.FormValue(name), 64)
			if err != nil {
				t.Error(name, err)
			}
			return f
		}
		start, end, step := number("start"), number("end"), number("step")
		if steps := (end-start)/step + 1; steps > 11_000 {
			t.Errorf("asks for %v steps", steps)
		}
		values := map[string][]string{}
		for at := start; at <= end; at += step {
			for _, name := range names(int64(at)) {
				values[name] = append(values[name], fmt.Sprintf(`[%.3f,"%.0f"]`, at, at))
			}
		}
		var series []string
		for name, points := range values {
			series = append(series, fmt.Sprintf(`{"metric":{"pod":%q},"values":[%s]}`, name, strings.Join(points, ",")))
		}
		fmt.Fprint(w, success(`{"resultType":"matrix","result":[`+strings.Join(series, ",")+`]}`))
	}
}

func TestALongRangeIsAskedForInParts(t *testing.T) {
	const steps = 25_000
	parts := 0
	client := ask(t, counting(t, &parts, func(at int64) []string {
		if at < 12_000 {
			return []string{"old", "always"}
		}
		return []string{"always", "new"}
	}), promapi.Options{})
	got, err := client.QueryRange(t.Context(), "x", time.Unix(0, 0), time.Unix(steps, 0), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if parts != 3 {
		t.Errorf("%d parts", parts)
	}
	want := map[string][2]int64{"old": {0, 11_999}, "always": {0, steps}, "new": {12_000, steps}}
	for _, s := range got {
		pod := s.Labels.Get("pod")
		next := want[pod][0]
		for _, p := range s.Points {
			if p.Time != next*1000 || p.Value != float64(next) {
				t.Fatalf("%s has %v instead of second %d", pod, p, next)
			}
			next++
		}
		if next != want[pod][1]+1 {
			t.Errorf("%s ends before second %d", pod, next)
		}
		delete(want, pod)
	}
	if len(want) > 0 {
		t.Error("missing or twice:", want)
	}
}

func TestPointsAreCountedOverAllParts(t *testing.T) {
	parts := 0
	handler := counting(t, &parts, func(int64) []string { return []string{"x"} })
	client := ask(t, handler, promapi.Options{MaxPoints: 15_000})
	if _, err := client.QueryRange(t.Context(), "x", time.Unix(1, 0), time.Unix(15_000, 0), time.Second); err != nil {
		t.Error(err)
	}
	if _, err := client.QueryRange(t.Context(), "x", time.Unix(1, 0), time.Unix(15_001, 0), time.Second); promapi.KindOf(err) != promapi.TooLarge {
		t.Error(err)
	}
}

func TestARangeThatIsNoneIsRefused(t *testing.T) {
	client := ask(t, says(200, "application/json", one), promapi.Options{})
	at := time.Unix(100, 0)
	for name, end := range map[string]struct {
		end  time.Time
		step time.Duration
	}{"no step": {at, 0}, "a step of microseconds": {at, time.Microsecond}, "an end before": {at.Add(-1), time.Second}} {
		if _, err := client.QueryRange(t.Context(), "x", at, end.end, end.step); err == nil {
			t.Error(name)
		}
	}
}

func TestARangesAnswerMustBeOne(t *testing.T) {
	for name, test := range map[string]struct{ body, says string }{
		"single values": {vector(`[{"metric":{},"value":[1,"1"]}]`), "single values"},
		"out of order":  {success(`{"resultType":"matrix","result":[{"metric":{},"values":[[2,"1"],[1,"1"]]}]}`), "order of time"},
		"other times":   {success(`{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"],[2.5,"1"]]}]}`), "other times"},
		"a time twice":  {success(`{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"],[1,"1"]]}]}`), "order of time"},
	} {
		t.Run(name, func(t *testing.T) {
			client := ask(t, says(200, "application/json", test.body), promapi.Options{})
			_, err := client.QueryRange(t.Context(), "x", time.Unix(0, 0), time.Unix(9, 0), time.Second)
			if promapi.KindOf(err) != promapi.NotUnderstood || !strings.Contains(err.Error(), test.says) {
				t.Error(err)
			}
		})
	}
}

// As VictoriaMetrics does, unless it is told to leave its cache alone.
func TestAServerThatMovesRangesIsAskedNotToFromThenOn(t *testing.T) {
	var asked []string
	client := ask(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.FormValue("nocache"))
		at := "7"
		if r.FormValue("nocache") != "1" {
			at = "5"
		}
		fmt.Fprint(w, success(`{"resultType":"matrix","result":[{"metric":{},"values":[[`+at+`,"3"]]}]}`))
	}, promapi.Options{})
	for range 2 {
		series, err := client.QueryRange(t.Context(), "x", time.Unix(7, 0), time.Unix(900, 0), 15*time.Second)
		if err != nil || len(series) != 1 || series[0].Points[0].Time != 7000 {
			t.Fatal(series, err)
		}
	}
	if !slices.Equal(asked, []string{"", "1", "1"}) {
		t.Errorf("asked with %q", asked)
	}
}

func TestAServerThatMovesRangesAllTheSameIsAnError(t *testing.T) {
	client := ask(t, says(200, "application/json", success(`{"resultType":"matrix","result":[{"metric":{},"values":[[5,"3"]]}]}`)), promapi.Options{})
	_, err := client.QueryRange(t.Context(), "x", time.Unix(7, 0), time.Unix(900, 0), 15*time.Second)
	if promapi.KindOf(err) != promapi.NotUnderstood || !strings.Contains(hint.Of(err), "align-queries-with-step") {
		t.Error(err, hint.Of(err))
	}
}
