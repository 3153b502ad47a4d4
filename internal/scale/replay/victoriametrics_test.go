package replay_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/test/victoriametrics"
)

// VictoriaMetrics moves long ranges to times of its own unless it is told not to: all would be missing then.
func TestVictoriaMetricsGivesTheSameDecisions(t *testing.T) {
	var s story
	load := steps(time.Duration(0), 2, 5*time.Minute, 9, 12*time.Minute, 4.5, 25*time.Minute, 0)
	for pod := range 2 {
		s.every(15*time.Second, time.Hour, fmt.Sprintf(`load{namespace="shops",pod="shop-%d"}`, pod), load)
	}
	s.every(15*time.Second, time.Hour, `kube_deployment_spec_replicas{namespace="shops",deployment="shop"}`, always(2))

	store := victoriametrics.Start(t)
	store.Import(t, milliseconds(t, s.text.String()))
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := promapi.New(promapi.Options{URL: store.URL, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	o := options(perPod(1, 10, "3"), 50*time.Minute)
	o.From = o.From.Add(time.Minute + 7*time.Second) // no whole number of syncs since 1970
	theirs, ours := run(t, client, o), run(t, s.source(t), o)
	if len(ours.Scenarios) != len(theirs.Scenarios) || len(changes(ours.Scenarios[0])) == 0 {
		t.Fatalf("%+v and %+v", ours.Scenarios, theirs.Scenarios)
	}
	for i, want := range ours.Scenarios {
		if got := theirs.Scenarios[i]; got.Name != want.Name || !slices.Equal(changes(got), changes(want)) || got.Summary != want.Summary {
			t.Errorf("%s: %v %+v\nfrom a file %v %+v", got.Name, changes(got), got.Summary, changes(want), want.Summary)
		}
	}
}

// milliseconds turns the times of a history from seconds, as OpenMetrics has them.
func milliseconds(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	for line := range strings.Lines(text) {
		var seconds float64
		at := strings.LastIndexByte(line, ' ')
		if _, err := fmt.Sscan(line[at:], &seconds); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s %d\n", line[:at], int64(seconds*1000+0.5))
	}
	return out.String()
}
