package pydir_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/merge/pydir"
	"github.com/truecount/truecount/internal/merge/pydir/pydirtest"
)

// accounted is a file as the model of the property test knows it.
type accounted struct {
	base, kind, id string
	values         map[string]float64 // what it has, by sample, buckets not cumulative
	stamps         map[string]float64
	read           map[string]float64 // what a reading saw last
	seen           bool               // by a reading
	cut            bool               // shorter than what it says is in use
	retired, final bool               // renamed; and then read
}

// model is the independent account of a directory: what each file has and had, and what files counted that are gone.
type model struct {
	t      *testing.T
	random *rand.Rand
	dir    string
	g      pydirtest.Generation
	alive  map[string]*pydirtest.Worker
	files  map[string]*accounted // by name
	gone   map[string]float64
	serial int
}

var (
	modelKinds  = []string{"counter", "summary", "histogram", "gauge_all", "gauge_sum", "gauge_max", "gauge_livemin", "gauge_liveall", "gauge_mostrecent"}
	modelBounds = []float64{1, 2, 4}
)

func (m *model) file(kind, id string) *accounted {
	base := kind + "_" + id + ".db"
	f := m.files[base]
	if f == nil {
		f = &accounted{base: base, kind: kind, id: id, values: map[string]float64{}, stamps: map[string]float64{}}
		m.files[base] = f
	}
	return f
}

// count has a worker count something, in a series that may be new. All numbers are eighths, whose sums are exact.
func (m *model) count(id string, w *pydirtest.Worker) {
	kind := modelKinds[m.random.IntN(len(modelKinds))]
	if m.g != since018 && kind == "gauge_mostrecent" {
		return
	}
	dog := []string{"rex", "ida", "Flöß", `"`, "a\\\nb"}[m.random.IntN(5)]
	f, l, n := m.file(kind, id), label("dog", dog), float64(m.random.IntN(80))/8
	at := func(name string, pairs ...string) string { return series(name, append(pairs, "dog", dog)...) }
	switch kind {
	case "counter":
		w.Counter("walks", "Help.", l).Add(n)
		f.values[at("walks_total")] += n
	case "summary":
		w.Summary("size_bytes", "Help.", l).Observe(n)
		f.values[at("size_bytes_count")]++
		f.values[at("size_bytes_sum")] += n
	case "histogram":
		w.Histogram("delay_seconds", "Help.", modelBounds, l).Observe(n)
		f.values[at("delay_seconds_sum")] += n
		in := "+Inf"
		for i, le := range []string{"1.0", "2.0", "4.0", "+Inf"} {
			f.values[at("delay_seconds_bucket", "le", le)] += 0
			if i < 3 && n <= modelBounds[i] && in == "+Inf" {
				in = le
			}
		}
		f.values[at("delay_seconds_bucket", "le", in)]++
	default:
		m.serial++
		mode := strings.TrimPrefix(kind, "gauge_")
		if mode == "mostrecent" {
			stamp := time.Unix(1_760_000_000+int64(m.serial), 0)
			w.Gauge(mode, kind, "Help.", l).SetAt(n, stamp)
			f.stamps[at(kind)] = float64(stamp.Unix())
		} else {
			w.Gauge(mode, kind, "Help.", l).Set(n)
		}
		f.values[at(kind)] = n
	}
}

func (m *model) dead() []*accounted {
	var out []*accounted
	for _, base := range slices.Sorted(maps.Keys(m.files)) {
		if f := m.files[base]; m.alive[f.id] == nil || f.retired {
			out = append(out, f)
		}
	}
	return out
}

func (m *model) kill(id string) {
	if err := m.alive[id].Close(); err != nil {
		m.t.Fatal(err)
	}
	delete(m.alive, id)
}

// start starts a worker with some pid: it continues the files that are there under it, unless somebody has cut them.
func (m *model) start() {
	id := fmt.Sprint(7 + m.random.IntN(5))
	for _, f := range m.files {
		if m.alive[id] != nil || f.id == id && !f.retired && f.cut {
			return
		}
	}
	m.alive[id] = pydirtest.NewWorker(m.dir, id, m.g)
}

func (m *model) remove(f *accounted) {
	remove(m.t, m.dir, f.base)
	delete(m.files, f.base)
	if strings.HasPrefix(f.kind, "gauge") {
		return
	}
	for sample, v := range f.counts() {
		m.gone[sample] += v
	}
}

// counts is what is known of a file that can be deleted or cut: all that it had, if a reading saw it before; what it could
// say last if it was cut; nothing if nobody saw it.
func (f *accounted) counts() map[string]float64 {
	switch {
	case !f.seen:
		return nil
	case f.cut && !f.final:
		return f.read
	}
	return f.values
}

func (m *model) retire(f *accounted) {
	if f.retired {
		return
	}
	m.serial++
	base := strings.TrimSuffix(f.base, ".db") + fmt.Sprintf(".retired-%d.db", 1000+m.serial)
	rename(m.t, m.dir, f.base, base)
	delete(m.files, f.base)
	f.base, f.retired = base, true
	m.files[base] = f
}

func (m *model) cut(f *accounted) {
	path := filepath.Join(m.dir, f.base)
	content, err := os.ReadFile(path)
	if err != nil {
		m.t.Fatal(err)
	}
	used := int(content[0]) | int(content[1])<<8 | int(content[2])<<16
	size := m.random.IntN(used)
	if size >= len(content) {
		return // it was cut before
	}
	if err := os.Truncate(path, int64(size)); err != nil {
		m.t.Fatal(err)
	}
	f.cut = true
}

// step does one thing, or nothing.
func (m *model) step() {
	ids, dead := slices.Sorted(maps.Keys(m.alive)), m.dead()
	switch n := m.random.IntN(100); {
	case n < 70 && len(ids) > 0:
		for range m.random.IntN(8) {
			id := ids[m.random.IntN(len(ids))]
			m.count(id, m.alive[id])
		}
	case n < 80:
		m.start()
	case n < 87 && len(ids) > 0:
		m.kill(ids[m.random.IntN(len(ids))])
	case n < 92 && len(dead) > 0:
		m.retire(dead[m.random.IntN(len(dead))])
	case n < 95 && len(dead) > 0:
		m.remove(dead[m.random.IntN(len(dead))])
	case n < 97 && len(dead) > 0:
		if f := dead[m.random.IntN(len(dead))]; !f.cut {
			m.cut(f)
		}
	case n == 99: // the application is restarted, with a wiped directory
		for _, id := range ids {
			m.kill(id)
		}
		for _, f := range m.dead() {
			m.remove(f)
		}
	}
}

// reading tells the account that the files are read now.
func (m *model) reading() {
	for _, f := range m.files {
		if f.final {
			continue
		}
		if !f.cut {
			f.read = maps.Clone(f.values)
			f.final = f.retired
		}
		f.seen = true
	}
}

// page scrapes in one of the formats.
func (m *model) page(merger *pydir.Merger) map[string]float64 {
	switch m.random.IntN(3) {
	case 0:
		return samplesOf(m.t, scrape(m.t, merger, asText), asText)
	case 1:
		return samplesOf(m.t, scrape(m.t, merger, asOpenMetrics), asOpenMetrics)
	}
	return samplesOfProto(m.t, scrape(m.t, merger, asProto))
}

// expected is what the page must say.
func (m *model) expected() map[string]float64 {
	out := maps.Clone(m.gone)
	newest := map[string]float64{}
	bases := slices.SortedFunc(maps.Keys(m.files), func(a, b string) int { // those of the dead first, the latest of them last
		fa, fb := m.files[a], m.files[b]
		if fa.retired != fb.retired {
			return map[bool]int{true: -1, false: 1}[fa.retired]
		}
		return strings.Compare(a, b)
	})
	for _, base := range bases {
		f := m.files[base]
		mode, isGauge := strings.CutPrefix(f.kind, "gauge_")
		word, live := strings.CutPrefix(mode, "live")
		if isGauge && (f.cut && !f.final || live && f.final) {
			continue
		}
		for sample, v := range f.counts() {
			have, ok := out[sample]
			switch {
			case !isGauge || word == "sum":
				out[sample] += v
			case word == "all":
				out[strings.Replace(sample, "}", fmt.Sprintf(", pid=%q}", f.id), 1)] = v
			case word == "mostrecent":
				if f.stamps[sample] > newest[sample] {
					newest[sample], out[sample] = f.stamps[sample], v
				}
			case !ok || word == "min" && v < have || word == "max" && v > have:
				out[sample] = v
			}
		}
	}
	return cumulative(out)
}

// cumulative adds buckets up, and makes the count.
func cumulative(samples map[string]float64) map[string]float64 {
	out := maps.Clone(samples)
	for sample := range samples {
		before, is := strings.CutSuffix(sample, `, le="+Inf"}`)
		if !is {
			continue
		}
		total := 0.0
		for _, le := range []string{"1.0", "2.0", "4.0", "+Inf"} {
			bucket := before + fmt.Sprintf(", le=%q}", le)
			total += samples[bucket]
			out[bucket] = total
		}
		out[strings.Replace(before, "_bucket", "_count", 1)+"}"] = total
	}
	return out
}

func TestTheMergedTotalEqualsAnIndependentAccount(t *testing.T) {
	const steps = 300
	seeds := []uint64{1, 2, 3, 4, 5, rand.Uint64()}
	for i, seed := range seeds {
		g := []pydirtest.Generation{since018, pydirtest.Since016, pydirtest.Before016}[i%3]
		t.Run(fmt.Sprintf("seed %d, %s", seed, g), func(t *testing.T) {
			m := &model{t: t, random: rand.New(rand.NewPCG(seed, 1)), dir: t.TempDir(), g: g,
				alive: map[string]*pydirtest.Worker{}, files: map[string]*accounted{}, gone: map[string]float64{}}
			defer func() {
				for _, w := range m.alive {
					_ = w.Close()
				}
			}()
			write(t, m.dir, "counter_1.db", pydirtest.Image(g)) // so that there is something to say from the beginning
			merger := newMerger(t, pydir.Options{Dir: m.dir})
			before := map[string]float64{}
			for step := range steps {
				m.step()
				if m.random.IntN(3) > 0 || step == steps-1 {
					m.reading()
					got := m.page(merger)
					same(t, fmt.Sprintf("after step %d the page", step), got, m.expected())
					notFallen(t, before, got)
					before = got
				}
				if t.Failed() {
					return
				}
			}
			if len(before) < 30 || len(m.gone) == 0 {
				t.Errorf("the history is a dull one: %d samples, %d of files that are gone", len(before), len(m.gone))
			}
			histogramsAreValid(t, scrape(t, merger, asProto))
		})
	}
}
