package history_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"go.uber.org/goleak"

	"github.com/truecount/truecount/internal/hint"
	"github.com/truecount/truecount/internal/promapi"
	"github.com/truecount/truecount/internal/scale/replay/history"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func read(t *testing.T, name, text string) *history.Source {
	t.Helper()
	h := history.New()
	if err := h.Read("file", name, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	s := h.Source()
	t.Cleanup(func() { s.Close() })
	return s
}

// at writes what a query finds at a second.
func at(t *testing.T, s *history.Source, query string, second int64) (out []string) {
	t.Helper()
	samples, err := s.Query(t.Context(), query, time.Unix(second, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range samples {
		out = append(out, fmt.Sprintf("%s %g", s.Labels, s.Value))
	}
	slices.Sort(out)
	return out
}

const dump = `# HELP clicks what a dump does not have and other programs write
# TYPE clicks counter
clicks_total{pod="a",namespace="x"} 0 1000.000
clicks_total{pod="a",namespace="x"} 6 1060.000
clicks_total{pod="a",namespace="x"} 12 1120.000
clicks_total{pod="b",namespace="x"} 5 1060.000
load{pod="a"} 1.5e+00 1000.5
# EOF
`

func TestADumpAnswersQueries(t *testing.T) {
	s := read(t, "", dump)
	for query, want := range map[string][]string{
		`rate(clicks_total{pod="a"}[2m])`:              {`{namespace="x", pod="a"} 0.1`},
		`sum(clicks_total)`:                            {`{} 17`},
		`{__name__=~"clicks_.*",pod!="a"}`:             {`{__name__="clicks_total", namespace="x", pod="b"} 5`},
		`clicks_total{pod="nobody"}`:                   nil,
		`load`:                                         {`{__name__="load", pod="a"} 1.5`},
		`vector(1) + 1`:                                {`{} 2`},
		`scalar(load)`:                                 {`{} 1.5`},
		`max_over_time(clicks_total{pod="a"}[1m:10s])`: {`{namespace="x", pod="a"} 12`},
	} {
		if diff := cmp.Diff(want, at(t, s, query, 1120)); diff != "" {
			t.Error(query, diff)
		}
	}
	found, err := s.QueryRange(t.Context(), "clicks_total", time.Unix(1000, 0), time.Unix(1120, 0), 30*time.Second)
	if err != nil || len(found) != 2 || len(found[0].Points) != 5 || found[0].Points[3] != (promapi.Point{Time: 1090_000, Value: 6}) || len(found[1].Points) != 3 {
		t.Error(found, err)
	}
	var series []string
	err = s.Series(t.Context(), []string{`clicks_total{pod="a"}`, `{__name__=~".+",pod="b"}`, "other"}, time.Unix(1050, 0), time.Unix(2000, 0), func(l labels.Labels) error {
		series = append(series, l.String())
		return nil
	})
	if diff := cmp.Diff([]string{`{__name__="clicks_total", namespace="x", pod="a"}`, `{__name__="clicks_total", namespace="x", pod="b"}`}, series); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for _, query := range []string{"sum(", "load[5m]", `"text"`} {
		if _, err := s.Query(t.Context(), query, time.Unix(1120, 0)); err == nil {
			t.Error(query, "is answered")
		}
	}
}

func TestASeriesThatEndsIsGone(t *testing.T) {
	s := read(t, "", `a 1 1000
a 1 1015
a NaN 1016
b NaN 1000
b NaN 1015
b NaN 1030
c 1 1000
c NaN 1015
c 1 1030
d 1 1000
d NaN 1015
d 1 1090
`)
	// A marker, which a dump writes as NaN, comes after numbers and before nothing, or a gap.
	for second, want := range map[int64][]string{
		1015: {`{__name__="a"} 1`, `{__name__="b"} NaN`, `{__name__="c"} NaN`},
		1016: {`{__name__="b"} NaN`, `{__name__="c"} NaN`},
		1095: {`{__name__="b"} NaN`, `{__name__="c"} 1`, `{__name__="d"} 1`},
	} {
		if diff := cmp.Diff(want, at(t, s, `{__name__=~".+"}`, second)); diff != "" {
			t.Error(second, diff)
		}
	}
}

func answer(series string) string {
	return `{"status":"success","data":{"resultType":"matrix","result":[` + series + `]}}`
}

func TestASavedAnswerIsAHistory(t *testing.T) {
	named := read(t, "", answer(`{"metric":{"__name__":"load","pod":"a"},"values":[[1000,"1"],[1015,"2"],[1060,"3"]]}`))
	for second, want := range map[int64][]string{
		1014: {`{__name__="load", pod="a"} 1`},
		1029: {`{__name__="load", pod="a"} 2`},
		1030: nil, // a step without a point is a gap, not five minutes of looking back
		1059: nil,
		1074: {`{__name__="load", pod="a"} 3`},
		1075: nil,
	} {
		if diff := cmp.Diff(want, at(t, named, "load", second)); diff != "" {
			t.Error(second, diff)
		}
	}
	nameless := read(t, "load", answer(`{"metric":{"pod":"a"},"values":[[1000,"1"],[1015,"NaN"]]}`))
	if diff := cmp.Diff([]string{`{__name__="load", pod="a"} NaN`}, at(t, nameless, "load", 1016)); diff != "" {
		t.Error(diff)
	}
}

func TestFilesThatAreNoneSayWhatTheyLack(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"nothing":                  {" \n", "file: there is nothing in it"},
		"no samples":               {"# TYPE a gauge\n# EOF\n", "file: there is no sample in it"},
		"a page of /metrics":       {"a 1\n", "file:1: the sample has no timestamp"},
		"no OpenMetrics":           {"a 1 1000\nb{ 1 1000\n", "file:2: this is no OpenMetrics"},
		"HTML":                     {"<html>\n", "file:1: this is no OpenMetrics"},
		"an answer without names":  {answer(`{"metric":{"pod":"a"},"values":[[1000,"1"]]}`), "have no name"},
		"an answer of one time":    {`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}`, "has single values"},
		"an error":                 {`{"status":"error","errorType":"bad_data","error":"parse error"}`, "parse error"},
		"an answer that is broken": {answer(`{"metric":{"__name__":"a"},"values":[[1,"1"]]}`)[:80], "ended its answer in the middle"},
		"an endless line":          {"a 1 1000\n" + strings.Repeat("x", 2<<20), "file:2: the line is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			err := history.New().Read("file", "", strings.NewReader(c.text))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %s", err, c.says)
			}
			if strings.HasPrefix(c.says, "file") && !strings.Contains(c.says, "long") && hint.Of(err) == "" {
				t.Error("no hint:", err)
			}
		})
	}
}

// TestALargeFileIsReadInPieces has lines on the borders of the pieces, and one wrong line far behind.
func TestALargeFileIsReadInPieces(t *testing.T) {
	const n = 100_000
	var text bytes.Buffer
	for i := range n {
		fmt.Fprintf(&text, "load{pod=\"shop-%d\"} %d %d\n", i%7, i, 1000+i/7)
	}
	file := filepath.Join(t.TempDir(), "dump.txt")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	h := history.New()
	if err := h.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	first, last, ok := h.Range()
	if h.Samples() != n || !ok || first != 1_000_000 || last != int64(1000+(n-1)/7)*1000 {
		t.Error(h.Samples(), first, last, ok)
	}
	s := h.Source()
	defer s.Close()
	if diff := cmp.Diff([]string{`{} 7`}, at(t, s, "count(load)", 2000)); diff != "" {
		t.Error(diff)
	}
	text.WriteString("wrong\n")
	err := history.New().Read("dump.txt", "", &text)
	if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("dump.txt:%d: ", n+1)) {
		t.Error(err)
	}
}

func TestQuestionsEndWithTheirContext(t *testing.T) {
	s := read(t, "", dump)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Query(ctx, "load", time.Unix(1000, 0)); err == nil {
		t.Error("answered")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(dump)
	f.Add(answer(`{"metric":{"__name__":"load"},"values":[[1000,"1"],[1015,"NaN"]]}`))
	f.Add("{\"a b\",x=\"y\"} 1 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		h := history.New()
		if err := h.Read("file", "name", strings.NewReader(text)); err != nil {
			return
		}
		first, last, ok := h.Range()
		if !ok || first > last {
			t.Errorf("%d samples from %d to %d", h.Samples(), first, last)
		}
		s := h.Source()
		defer s.Close()
		if _, err := s.Query(t.Context(), `count({__name__=~".+"})`, time.UnixMilli(last)); err != nil {
			t.Error(err)
		}
	})
}
