package server

import (
	"github.com/alecthomas/units"

	"github.com/prometheus/prometheus/config"
)

// Limits are the scrape limits of jobs for which the configuration file, global or in the job, sets none (or 0).
// A zero field takes the value of [DefaultLimits]; a negative one means no limit.
type Limits struct {
	BodySize         int64 // bytes of one answer, decompressed (body_size_limit)
	Samples          int   // of one scrape, after relabelling (sample_limit)
	Targets          int   // of one job, after relabelling (target_limit)
	Labels           int   // of one sample (label_limit)
	LabelNameLength  int   // bytes (label_name_length_limit)
	LabelValueLength int   // bytes (label_value_length_limit)
}

// defaultLimits are a judgement: far above what a service or an exporter of one machine sends, far below what fills memory.
// The state metrics of a large cluster are beyond them and need sample_limit and body_size_limit in their job.
var defaultLimits = Limits{
	BodySize:         64 << 20,
	Samples:          100_000,
	Targets:          20_000,
	Labels:           128,
	LabelNameLength:  512,
	LabelValueLength: 8 << 10,
}

// DefaultLimits returns the limits of a server whose options and configuration file set none: 64 MiB and 100,000
// samples a scrape, 20,000 targets a job, 128 labels a sample, 512 bytes a label's name and 8 KiB its value.
func DefaultLimits() Limits { return defaultLimits }

func (l Limits) withDefaults() Limits {
	orDefault(&l.BodySize, defaultLimits.BodySize)
	orDefault(&l.Samples, defaultLimits.Samples)
	orDefault(&l.Targets, defaultLimits.Targets)
	orDefault(&l.Labels, defaultLimits.Labels)
	orDefault(&l.LabelNameLength, defaultLimits.LabelNameLength)
	orDefault(&l.LabelValueLength, defaultLimits.LabelValueLength)
	return l
}

// apply fills the limits that a freshly loaded configuration leaves open, before anything else has seen it.
// The global ones reach the jobs of scrape_config_files, which are read again whenever they are asked for.
func (l Limits) apply(c *config.Config) {
	g := &c.GlobalConfig
	l.fill(&g.BodySizeLimit, &g.SampleLimit, &g.TargetLimit, &g.LabelLimit, &g.LabelNameLengthLimit, &g.LabelValueLengthLimit)
	for _, s := range c.ScrapeConfigs {
		l.fill(&s.BodySizeLimit, &s.SampleLimit, &s.TargetLimit, &s.LabelLimit, &s.LabelNameLengthLimit, &s.LabelValueLengthLimit)
	}
}

func (l Limits) fill(body *units.Base2Bytes, samples, targets, labels, name, value *uint) {
	if *body == 0 && l.BodySize > 0 {
		*body = units.Base2Bytes(l.BodySize)
	}
	for _, f := range []struct {
		set   *uint
		limit int
	}{{samples, l.Samples}, {targets, l.Targets}, {labels, l.Labels}, {name, l.LabelNameLength}, {value, l.LabelValueLength}} {
		if *f.set == 0 && f.limit > 0 {
			*f.set = uint(f.limit)
		}
	}
}
