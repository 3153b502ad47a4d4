package exposition

import (
	"encoding/json"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/truecount/truecount/internal/merge/reading"
)

// jsonFamily and jsonSample are what scripts rely on: docs/reference/merge-json.md. Fields may be added.
type jsonFamily struct {
	Name    string       `json:"name"`
	Type    string       `json:"type"`
	Help    string       `json:"help"`
	Unit    string       `json:"unit,omitempty"`
	Samples []jsonSample `json:"samples"`
}

type jsonSample struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
	Value  string            `json:"value"`
}

// JSON writes families with the samples that text format 0.0.4 has, as an object with one field, families. Values are text, as
// in Prometheus' HTTP API: JSON has no NaN and no infinity, and programs that read it round counts above 2^53. Native
// buckets and exemplars, which are no samples there, are left out.
func JSON(w io.Writer, families []reading.Family) error {
	out := struct {
		Families []jsonFamily `json:"families"`
	}{make([]jsonFamily, 0, len(families))}
	for i := range families {
		out.Families = append(out.Families, jsonOf(&families[i]))
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(out)
}

func jsonOf(f *reading.Family) jsonFamily {
	out := jsonFamily{Name: f.Name, Type: f.Kind.String(), Help: f.Help, Unit: f.Unit, Samples: []jsonSample{}}
	for i := range f.Series {
		s := &f.Series[i]
		add := func(suffix, value string, more ...string) {
			labels := map[string]string{}
			for _, l := range s.Labels {
				labels[l.GetName()] = l.GetValue()
			}
			for pair := range slices.Chunk(more, 2) {
				labels[pair[0]] = pair[1]
			}
			out.Samples = append(out.Samples, jsonSample{f.Name + suffix, labels, value})
		}
		switch f.Kind {
		case reading.Histogram:
			jsonBuckets(s, add)
			fallthrough
		case reading.Summary:
			add("_sum", number(s.Sum))
			add("_count", strconv.FormatUint(s.Count, 10))
		default:
			add("", number(s.Value))
		}
	}
	return out
}

func jsonBuckets(s *reading.Series, add func(suffix, value string, labels ...string)) {
	if b := s.Histogram; b != nil {
		cumulative := uint64(0)
		for i, bound := range b.Bounds {
			cumulative += b.Counts[i]
			add("_bucket", strconv.FormatUint(cumulative, 10), "le", number(bound))
		}
	}
	add("_bucket", strconv.FormatUint(s.Count, 10), "le", "+Inf")
}

// number writes a value as text format 0.0.4 does.
func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
