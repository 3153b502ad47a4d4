package python

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/truecount/truecount/test/await"
)

// parse reads a page of the text format.
func parse(text []byte) (series, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("that is no page of metrics: %w\n%s", err, tail(string(text)))
	}
	page := series{}
	for name, family := range families {
		for _, m := range family.Metric {
			add := func(suffix string, value float64, more ...*dto.LabelPair) {
				page[key(name+suffix, append(slices.Clone(m.Label), more...))] = value
			}
			switch {
			case m.Counter != nil:
				add("", m.Counter.GetValue())
			case m.Gauge != nil:
				add("", m.Gauge.GetValue())
			case m.Untyped != nil:
				add("", m.Untyped.GetValue())
			case m.Summary != nil:
				add("_sum", m.Summary.GetSampleSum())
				add("_count", float64(m.Summary.GetSampleCount()))
			case m.Histogram != nil:
				add("_sum", m.Histogram.GetSampleSum())
				add("_count", float64(m.Histogram.GetSampleCount()))
				for _, b := range m.Histogram.Bucket {
					le := "le"
					bound := bound(b.GetUpperBound())
					add("_bucket", float64(b.GetCumulativeCount()), &dto.LabelPair{Name: &le, Value: &bound})
				}
			}
		}
	}
	return page, nil
}

// bound writes a bound as Python does.
func bound(le float64) string {
	switch text := fmt.Sprint(le); {
	case math.IsInf(le, 1):
		return "+Inf"
	case strings.ContainsAny(text, ".e"):
		return text
	default:
		return text + ".0"
	}
}

func key(name string, labels []*dto.LabelPair) string {
	if len(labels) == 0 {
		return name
	}
	var pairs []string
	for _, l := range labels {
		pairs = append(pairs, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	slices.Sort(pairs)
	return name + "{" + strings.Join(pairs, ",") + "}"
}

// scrape gets a page of metrics.
func scrape(url string) (series, error) {
	response, err := client.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d: %s", url, response.StatusCode, tail(string(content)))
	}
	return parse(content)
}

func fetch(t *testing.T, url string) series {
	t.Helper()
	page, err := scrape(url)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// clientsOwn is what prometheus_client itself makes of a directory at rest.
func clientsOwn(t *testing.T, interpreter, dir string) series {
	t.Helper()
	merge := exec.CommandContext(t.Context(), interpreter, "testdata/merge.py", dir)
	merge.Env = environment(nil)
	var said bytes.Buffer
	merge.Stderr = &said
	text, err := merge.Output()
	if err != nil {
		t.Fatalf("prometheus_client: %v\n%s", err, &said)
	}
	if said.Len() > 0 {
		t.Logf("prometheus_client could not merge this directory: %s", &said)
	}
	page, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

var ready = regexp.MustCompile(`(?m)^ready: (http://\S+)$`)

// startSidecar returns the sidecar, and where it serves the merged metrics.
func startSidecar(t *testing.T, arguments ...string) (*process, string) {
	t.Helper()
	p := start(t, "sidecar", "", nil, append([]string{sidecar, "--listen", "127.0.0.1:0"}, arguments...)...)
	var url string
	await.True(t, "the sidecar is ready", func() bool {
		found := ready.FindStringSubmatch(p.read(p.out))
		if found != nil {
			url = found[1]
		}
		if found == nil && p.ended() {
			t.Fatalf("the sidecar ends: %s", p.read(p.err))
		}
		return found != nil
	})
	return p, url
}
