package pydir

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/model"

	"github.com/truecount/truecount/internal/merge"
	"github.com/truecount/truecount/internal/merge/exact"
	"github.com/truecount/truecount/internal/merge/reading"
)

// table holds the merged series and knows which of them a key of a file belongs to.
type table struct {
	limits   reading.Limits
	retained int // most slots
	modes    map[string]merge.GaugeMode

	families map[string]*family
	sorted   []*family
	samples  map[string]*family // by the names of the samples that a family is exposed as
	slots    int
	known    map[class]map[string]*known
	last     *known // the key before of the same file, which mostly tells the next one: workers create their metrics in the same order
	parser   keyParser
	quoted   bool // a name needs quotes, or escapes for those who ask for them
	conflict func(conflict)
	skip     func(reading.Reason)
}

// known is a key that was seen in a file of some class.
type known struct {
	key  string
	slot *slot // nil: nothing that can be exposed
	next *known
}

// family is one merged metric.
type family struct {
	class
	name, help string // help is "" until a key had one
	children   map[string]*child
	sorted     []*child
	reported   []conflict
}

// child is one label set of a family.
type child struct {
	family *family
	key    string
	labels []*dto.LabelPair

	value   *slot   // of a counter or gauge
	sum     *slot   // of a summary or histogram
	count   *slot   // of a summary
	buckets []*slot // of a histogram, by bound
	holders int     // files that have or had all buckets of this histogram

	counted bool   // a file has or had an entry of it; without, it is of a file that was refused as a whole
	changed bool   // since text was written
	text    []byte // its samples in text format, or empty
}

// role is what a slot is of its child.
type role uint8

const (
	roleValue role = iota
	roleSum
	roleCount
	roleBucket
)

// slot is one number of a child that files have values for.
type slot struct {
	child *child
	role  role

	total   exact.Sum // over all files, those gone included; not of gauges
	retired exact.Sum // the part of it that no file stands for any more

	bound   float64 // of a bucket
	le      string
	holders int // files that have or had this bucket

	place int    // in the state file, while that is written
	parts []part // of a gauge: whose values it is put together from, in the order of files
}

// part is a file's value of a gauge.
type part struct {
	file  *file
	entry int
}

// monotone tells whether the number can only grow.
func (s *slot) monotone() bool {
	return s.role == roleCount || s.role == roleBucket || s.role == roleValue && s.child.family.kind == reading.Counter
}

// conflict is a way in which files disagree about a metric.
type conflict string

const (
	conflictType   conflict = "type"   // another type under the same name: the first stands
	conflictName   conflict = "name"   // its samples' names belong to another family: the first stands
	conflictHelp   conflict = "help"   // another help text: the first stands
	conflictMode   conflict = "mode"   // another mode of a gauge: the first stands
	conflictBounds conflict = "bounds" // other histogram bounds: merged on those that are shared
)

// skippedRetained is a reason beside those of [reading.Reason].
const skippedRetained reading.Reason = "retained_limit"

func newTable(o Options, report func(conflict), skip func(reading.Reason)) *table {
	return &table{
		limits: o.Limits.Worker, retained: o.Limits.Retained, modes: o.Gauges,
		families: map[string]*family{}, samples: map[string]*family{}, known: map[class]map[string]*known{},
		conflict: report, skip: skip,
	}
}

// expect makes room for so many keys of a class of which none is known yet.
func (t *table) expect(c class, keys int) {
	if t.known[c] == nil {
		t.known[c] = make(map[string]*known, keys)
	}
}

// begin is told that the keys of another file come now.
func (t *table) begin() { t.last = nil }

// find returns what a key stands for in files of a class; it parses each key once.
func (t *table) find(c class, key []byte) (*known, error) {
	if t.last != nil && t.last.next != nil && string(key) == t.last.next.key {
		t.last = t.last.next
		return t.last, nil
	}
	keys := t.known[c]
	k := keys[string(key)]
	if k == nil {
		text := string(key)
		parsed, err := t.parser.parse(text)
		if err != nil {
			return nil, err
		}
		k = &known{key: text, slot: t.slot(c, &parsed)}
		if k.slot == nil && t.slots >= t.retained {
			return k, nil // a flood of keys is not remembered either
		}
		t.expect(c, 0)
		t.known[c][k.key] = k
	}
	if t.last != nil {
		t.last.next = k
	}
	t.last = k
	return k, nil
}

// slot returns the number that a parsed key stands for, or nil if it can't be exposed, which is counted.
func (t *table) slot(c class, k *sampleKey) *slot {
	name, role, le, ok := meaning(c, k)
	switch {
	case !ok:
		t.skip(reading.Unsupported)
		return nil
	case !t.limits.CheckName(name):
		t.skip(reading.InvalidName)
		return nil
	}
	bound := 0.0
	if role == roleBucket {
		if bound, ok = parseBound(le); !ok {
			t.skip(reading.InvalidHistogram)
			return nil
		}
	}
	if reason := t.limits.CheckLabels(c.kind, k.labels); reason != "" {
		t.skip(reason)
		return nil
	}
	f := t.family(c, name, t.limits.CleanHelp(k.help))
	if f == nil {
		return nil
	}
	if t.slots >= t.retained && !f.has(k.labels, role, bound) { // a state file may have had it
		t.skip(skippedRetained)
		return nil
	}
	t.quoted = t.quoted || !legacyLabels(k.labels)
	return t.part(f.child(k.labels), role, bound, le)
}

// has tells whether the number is there already.
func (f *family) has(labels []*dto.LabelPair, r role, bound float64) bool {
	c := f.children[string(reading.AppendKey(nil, labels))]
	switch {
	case c == nil:
		return false
	case r == roleBucket:
		_, found := c.bucket(bound)
		return found
	}
	return *c.at(r) != nil
}

// parseBound reads the upper bound of a bucket.
func parseBound(le string) (bound float64, ok bool) {
	bound, err := strconv.ParseFloat(le, 64)
	return bound, err == nil && !math.IsNaN(bound) && !math.IsInf(bound, -1)
}

// meaning takes the names of a key apart, and the label le out of a bucket's labels.
func meaning(c class, k *sampleKey) (name string, r role, le string, ok bool) {
	rest, isOf := strings.CutPrefix(k.sample, k.metric)
	if !isOf || k.metric == "" {
		return "", 0, "", false
	}
	switch {
	case c.kind == reading.Counter && rest == "_total":
		return k.sample, roleValue, "", true
	case c.kind == reading.Gauge && rest == "":
		return k.metric, roleValue, "", true
	case c.kind == reading.Summary && rest == "_count":
		return k.metric, roleCount, "", true
	case c.kind != reading.Counter && c.kind != reading.Gauge && rest == "_sum":
		return k.metric, roleSum, "", true
	case c.kind == reading.Histogram && rest == "_bucket":
		at := slices.IndexFunc(k.labels, func(l *dto.LabelPair) bool { return l.GetName() == "le" })
		if at < 0 {
			return "", 0, "", false
		}
		le = k.labels[at].GetValue()
		k.labels = slices.Delete(k.labels, at, at+1)
		return k.metric, roleBucket, le, true
	}
	return "", 0, "", false
}

// family returns the family of that name, or nil if files disagree about what it is.
func (t *table) family(c class, name, help string) *family {
	f := t.families[name]
	if f == nil {
		names := []string{name}
		switch c.kind {
		case reading.Histogram:
			names = append(names, name+"_bucket", name+"_sum", name+"_count")
		case reading.Summary:
			names = append(names, name+"_sum", name+"_count")
		}
		for _, n := range names {
			if t.samples[n] != nil {
				t.report(t.samples[n], conflictName)
				return nil
			}
		}
		f = &family{class: c, name: name, help: help, children: map[string]*child{}}
		if mode, ok := merge.ModeOf(t.modes, name); ok && c.kind == reading.Gauge {
			f.mode = mode
		}
		for _, n := range names {
			t.samples[n] = f
		}
		t.families[name], t.sorted = f, nil
		t.quoted = t.quoted || !model.LegacyValidation.IsValidMetricName(name)
		return f
	}
	switch {
	case f.kind != c.kind:
		t.report(f, conflictType)
		return nil
	case f.mode != c.mode || f.live != c.live:
		if _, said := merge.ModeOf(t.modes, name); !said {
			t.report(f, conflictMode)
		}
	}
	switch {
	case f.help == "": // the client before 0.16 wrote none
		f.help = help
	case help != "" && f.help != help:
		t.report(f, conflictHelp)
	}
	return f
}

// report counts a conflict once for each family.
func (t *table) report(f *family, c conflict) {
	if !slices.Contains(f.reported, c) {
		f.reported = append(f.reported, c)
		t.conflict(c)
	}
}

func (f *family) child(labels []*dto.LabelPair) *child {
	var buf [256]byte
	key := reading.AppendKey(buf[:0], labels)
	c := f.children[string(key)]
	if c == nil {
		c = &child{family: f, key: string(key), labels: ownLabels(labels)}
		f.children[c.key], f.sorted = c, nil
	}
	return c
}

// part returns the child's number of that role, making it if need be.
func (t *table) part(c *child, r role, bound float64, le string) *slot {
	if r == roleBucket {
		i, found := c.bucket(bound)
		if found {
			return c.buckets[i]
		}
		s := &slot{child: c, role: r, bound: bound, le: le}
		c.buckets = slices.Insert(c.buckets, i, s)
		t.slots++
		return s
	}
	at := c.at(r)
	if *at == nil {
		*at = &slot{child: c, role: r}
		t.slots++
	}
	return *at
}

// bucket is where the bucket of that bound is or would be.
func (c *child) bucket(bound float64) (at int, found bool) {
	return slices.BinarySearchFunc(c.buckets, bound, func(s *slot, b float64) int { return cmp.Compare(s.bound, b) })
}

// at is where the number of a role other than a bucket's is.
func (c *child) at(r role) **slot {
	switch r {
	case roleSum:
		return &c.sum
	case roleCount:
		return &c.count
	}
	return &c.value
}

// ofWorker is the child of a gauge that keeps workers apart: the same labels and the worker's id. A label pid that the
// application has itself stays. It is nil if that would be more than is retained.
func (t *table) ofWorker(s *slot, id string) *slot {
	labels := s.child.labels
	i, has := slices.BinarySearchFunc(labels, "pid", func(p *dto.LabelPair, name string) int { return strings.Compare(p.GetName(), name) })
	if !has {
		name := "pid"
		labels = slices.Insert(slices.Clone(labels), i, &dto.LabelPair{Name: &name, Value: &id})
	}
	if t.slots >= t.retained && s.child.family.children[string(reading.AppendKey(nil, labels))] == nil {
		t.skip(skippedRetained)
		return nil
	}
	return t.part(s.child.family.child(labels), roleValue, 0, "")
}

func (t *table) inOrder() []*family {
	if t.sorted == nil {
		for _, f := range t.families {
			t.sorted = append(t.sorted, f)
		}
		slices.SortFunc(t.sorted, func(a, b *family) int { return cmp.Compare(a.name, b.name) })
	}
	return t.sorted
}

func (f *family) inOrder() []*child {
	if f.sorted == nil {
		for _, c := range f.children {
			f.sorted = append(f.sorted, c)
		}
		slices.SortFunc(f.sorted, func(a, b *child) int { return cmp.Compare(a.key, b.key) })
	}
	return f.sorted
}
