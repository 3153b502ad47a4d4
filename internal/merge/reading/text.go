package reading

import (
	"errors"
	"io"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"google.golang.org/protobuf/proto"
)

// decodeText puts the samples of a text format, one line each, together to families.
func decodeText(c *collector, body []byte, openMetrics bool) error {
	var p textparse.Parser
	if openMetrics {
		p = textparse.NewOpenMetricsParser(body, labels.NewSymbolTable())
	} else {
		p = textparse.NewPromParser(body, labels.NewSymbolTable(), false)
	}
	a := assembler{c: c, openMetrics: openMetrics, families: map[string]*textFamily{}}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			a.finish()
			return nil
		}
		if err != nil {
			return err
		}
		switch entry {
		case textparse.EntryType:
			name, kind := p.Type()
			a.typed(string(name), kind)
		case textparse.EntryHelp:
			name, help := p.Help()
			a.described(string(name)).help = string(help)
		case textparse.EntryUnit:
			name, unit := p.Unit()
			a.described(string(name)).unit = string(unit)
		case textparse.EntrySeries:
			a.sample(p)
		}
	}
}

type textFamily struct {
	name, help, unit string
	kind             model.MetricType
	series           map[string]*textSeries
	order            []*textSeries
}

type assembler struct {
	c           *collector
	openMetrics bool
	families    map[string]*textFamily
	order       []*textFamily
	series      int
	buckets     int
	discarded   textFamily
}

// described returns the family of that name, or one that is thrown away if there are too many.
func (a *assembler) described(name string) *textFamily {
	if f := a.families[name]; f != nil {
		return f
	}
	if len(a.families) >= a.c.limits.Series {
		a.discarded = textFamily{}
		return &a.discarded
	}
	f := &textFamily{name: name, kind: model.MetricTypeUnknown, series: map[string]*textSeries{}}
	a.families[name] = f
	a.order = append(a.order, f)
	return f
}

func (a *assembler) typed(name string, kind model.MetricType) {
	if f := a.described(name); len(f.order) == 0 {
		f.kind = kind
	}
}

// suffixes are the endings of sample names, by the type of the family that they belong to.
var suffixes = map[model.MetricType][]string{
	model.MetricTypeCounter:        {"_total", "_created"},
	model.MetricTypeHistogram:      {"_bucket", "_sum", "_count", "_created"},
	model.MetricTypeGaugeHistogram: {"_bucket", "_gsum", "_gcount"},
	model.MetricTypeSummary:        {"_sum", "_count", "_created"},
	model.MetricTypeInfo:           {"_info"},
}

// familyOf finds the family of a sample and the suffix that the sample's name adds.
func (a *assembler) familyOf(sample string) (*textFamily, string) {
	if f := a.families[sample]; f != nil {
		return f, ""
	}
	if i := strings.LastIndexByte(sample, '_'); i > 0 {
		suffix := sample[i:]
		// In text 0.0.4 these two are families of their own.
		foreign := !a.openMetrics && (suffix == "_total" || suffix == "_created")
		if f := a.families[sample[:i]]; f != nil && !foreign && slices.Contains(suffixes[f.kind], suffix) {
			return f, suffix
		}
	}
	return a.described(sample), ""
}

func (a *assembler) sample(p textparse.Parser) {
	_, _, value := p.Series()
	var l labels.Labels
	p.Labels(&l)
	f, suffix := a.familyOf(l.Get(model.MetricNameLabel))
	if f == &a.discarded {
		a.c.skip(SeriesLimit, 1)
		return
	}
	if f.kind == model.MetricTypeSummary && suffix == "" {
		a.c.skip(Quantiles, 1)
		return
	}
	le := ""
	pairs := make([]*dto.LabelPair, 0, l.Len())
	l.Range(func(l labels.Label) {
		switch {
		case l.Name == model.MetricNameLabel:
		case l.Name == model.BucketLabel && suffix == "_bucket":
			le = l.Value
		default:
			pairs = append(pairs, &dto.LabelPair{Name: proto.String(l.Name), Value: proto.String(l.Value)})
		}
	})
	s := a.seriesOf(f, pairs)
	if s == nil {
		return
	}
	s.take(a, f.kind, suffix, le, value, exemplarOf(p))
}

func (a *assembler) seriesOf(f *textFamily, pairs []*dto.LabelPair) *textSeries {
	key := string(AppendKey(nil, pairs)) // the parser sorts labels
	s := f.series[key]
	if s == nil {
		if a.series >= a.c.limits.Series {
			a.c.skip(SeriesLimit, 1)
			return nil
		}
		a.series++
		s = &textSeries{labels: pairs}
		f.series[key] = s
		f.order = append(f.order, s)
	}
	return s
}

var textKinds = map[model.MetricType]Kind{
	model.MetricTypeCounter: Counter, model.MetricTypeGauge: Gauge, model.MetricTypeUnknown: Untyped,
	model.MetricTypeHistogram: Histogram, model.MetricTypeSummary: Summary,
	model.MetricTypeInfo: Gauge, model.MetricTypeStateset: Gauge, // as Prometheus stores them
}

func (a *assembler) finish() {
	for _, tf := range a.order {
		kind, ok := textKinds[tf.kind]
		if !ok {
			a.c.skip(Unsupported, len(tf.order))
			continue
		}
		if len(tf.order) == 0 {
			continue
		}
		f := a.c.family(a.nameOf(tf), tf.help, tf.unit, kind, len(tf.order))
		if f == nil {
			continue
		}
		for _, s := range tf.order {
			if series, reason := s.build(kind); reason != "" {
				a.c.skip(reason, 1)
			} else {
				a.c.admit(f, series)
			}
		}
		a.c.close(f)
	}
}

// nameOf is the family's name in text 0.0.4: OpenMetrics names some families without their samples' ending.
func (a *assembler) nameOf(f *textFamily) string {
	switch {
	case a.openMetrics && f.kind == model.MetricTypeCounter && !strings.HasSuffix(f.name, "_total"):
		return f.name + "_total"
	case a.openMetrics && f.kind == model.MetricTypeInfo && !strings.HasSuffix(f.name, "_info"):
		return f.name + "_info"
	}
	return f.name
}
