package replay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/scale/replay"
)

const oneSync = `{"at":"2026-05-04T12:00:00.5Z","specReplicas":1,"pods":[{"name":"shop-a","phase":"Running","ready":"True"}],"desired":2}`

func TestRecordedSyncsAreReadStrictly(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"nothing":            {"\n\n", "s.jsonl: there is no sync in it"},
		"no JSON":            {oneSync + "\nat 12", "s.jsonl:2: this is not JSON"},
		"an unknown field":   {strings.Replace(oneSync, "desired", "wanted", 1), `s.jsonl:1: unknown field "wanted"`},
		"no time":            {strings.Replace(oneSync, `"at":"2026-05-04T12:00:00.5Z",`, "", 1), "at is missing"},
		"a time of a kind":   {strings.Replace(oneSync, "2026-05-04T12:00:00.5Z", "noon", 1), "a time is not written as"},
		"no replicas":        {strings.Replace(oneSync, `"specReplicas":1,`, "", 1), "specReplicas is missing"},
		"fewer than none":    {strings.Replace(oneSync, `"specReplicas":1`, `"specReplicas":-1`, 1), "negative"},
		"a text as a number": {strings.Replace(oneSync, `"specReplicas":1`, `"specReplicas":"1"`, 1), "specReplicas is a string"},
		"no phase":           {strings.Replace(oneSync, "Running", "Walking", 1), `pod shop-a: "Walking" is no phase`},
		"no readiness":       {strings.Replace(oneSync, `"True"`, `"yes"`, 1), `pod shop-a: ready is "yes"`},
		"no name":            {strings.Replace(oneSync, "shop-a", "", 1), "name is missing"},
		"two objects":        {oneSync + oneSync, "more than one object"},
		"not in order":       {oneSync + "\n" + oneSync, "s.jsonl:2: at is not after"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := replay.ReadSyncs("s.jsonl", strings.NewReader(c.text))
			if err == nil || !strings.Contains(err.Error(), c.says) || hint.Of(err) == "" {
				t.Errorf("got %v, want %s", err, c.says)
			}
		})
	}
	all, err := replay.ReadSyncs("s.jsonl", strings.NewReader(oneSync+"\n\n"+strings.Replace(oneSync, "00.5", "15.5", 1)+"\n"))
	if err != nil || len(all) != 2 || *all[0].Desired != 2 || all[1].At.Sub(all[0].At) != 15*time.Second {
		t.Error(all, err)
	}
}

// TestDecisionsAreMadeAtTheRecordedInstants has syncs at odd times; what the controller did is in the file, or in the sync after.
func TestDecisionsAreMadeAtTheRecordedInstants(t *testing.T) {
	s := &story{}
	for _, pod := range []string{"shop-a", "shop-b"} {
		s.every(100*time.Millisecond, minute, `load{pod="`+pod+`"}`, steps(0*minute, 10, 17*time.Second, 15))
	}
	pods := `"pods":[{"name":"shop-a","phase":"Running","ready":"True"},{"name":"shop-b","phase":"Running","ready":"True"}]`
	text := `{"at":"2026-05-04T12:00:01.3Z","specReplicas":2,` + pods + `}
{"at":"2026-05-04T12:00:16.9Z","specReplicas":2,` + pods + `}
{"at":"2026-05-04T12:00:17.1Z","specReplicas":2,` + pods + `}
{"at":"2026-05-04T12:00:32.2Z","specReplicas":3,` + pods + `}
{"at":"2026-05-04T12:00:47.2Z","specReplicas":3,"statusReplicas":3,` + pods + `,"desired":9}
`
	recorded, err := replay.ReadSyncs("s.jsonl", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	o := options(perPod(1, 10, "10"), minute)
	o.Recorded = recorded
	report := run(t, s.source(t), o)
	a := scenario(t, report, "recorded").Agreement
	// 15 of 10 is three from 17 s on; that the last asked for nine cannot be.
	if a.Compared != 5 || a.Same != 4 || len(a.Differences) != 1 || a.Differences[0].Ours != 3 || a.Differences[0].Theirs != 9 {
		t.Errorf("%+v", a)
	}
	if report.Syncs != 5 || report.SyncSeconds != 0 || !strings.Contains(report.Inputs[0].From, "recorded syncs") {
		t.Errorf("%d syncs, every %v s, inputs %v", report.Syncs, report.SyncSeconds, report.Inputs)
	}
	o.From = noon.Add(17 * time.Second)
	if report := run(t, s.source(t), o); report.Syncs != 3 {
		t.Errorf("%d syncs since 17 s", report.Syncs)
	}
}

func FuzzReadSyncs(f *testing.F) {
	f.Add(oneSync)
	f.Add(`{"at":"2026-05-04T12:00:00Z","specReplicas":0,"pods":null}` + "\n{}")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := replay.ReadSyncs("s", strings.NewReader(text))
		if (err == nil) != (len(all) > 0) {
			t.Errorf("%d syncs and %v", len(all), err)
		}
		for _, s := range all {
			if s.SpecReplicas == nil || s.At.IsZero() {
				t.Errorf("a sync without time or replicas: %+v", s)
			}
		}
	})
}

// TestRecordedSyncsAreDrawnWithoutGaps has syncs a little further apart than two seconds, as a controller's are.
func TestRecordedSyncsAreDrawnWithoutGaps(t *testing.T) {
	syncs := realSyncs(t)
	o := asOnTheCluster()
	o.From, o.To, o.Recorded = syncs[0].At, syncs[len(syncs)-1].At, syncs
	chart := scenario(t, run(t, realHistory(t, ""), o), "recorded").Chart
	step := time.Duration(chart.StepSeconds * float64(time.Second))
	for i := 1; i < len(chart.Columns); i++ {
		if between := chart.Columns[i].At.Sub(chart.Columns[i-1].At); between != step {
			t.Errorf("there is nothing for %s after %s, where a column is %s", between, chart.Columns[i-1].At, step)
		}
	}
}
