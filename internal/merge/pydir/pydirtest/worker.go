package pydirtest

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Modes are the client's words for what is done with the gauges of several workers. The last two exist since 0.18.
var Modes = []string{"all", "liveall", "min", "livemin", "max", "livemax", "sum", "livesum", "mostrecent", "livemostrecent"}

// Worker is what one process has: a file for each kind of metric, made with the first metric of the kind. Errors of the
// file system are kept for [Worker.Err], as they are the client's exceptions. It must not be used concurrently; several
// workers may.
type Worker struct {
	dir, id    string
	generation Generation
	byteWise   bool
	files      map[string]*File
	err        error
}

// NewWorker makes a worker that is called id, mostly a pid. Files that are there under its id are continued.
func NewWorker(dir, id string, g Generation) *Worker {
	return &Worker{dir: dir, id: id, generation: g, files: map[string]*File{}}
}

// WriteByteWise has values written as old clients do: zeros first, then byte by byte.
func (w *Worker) WriteByteWise() {
	w.byteWise = true
	for _, f := range w.files {
		f.WriteByteWise()
	}
}

// Err is the first thing that went wrong, or nil.
func (w *Worker) Err() error { return w.err }

func (w *Worker) failed(err error) {
	if w.err == nil {
		w.err = err
	}
}

// Close closes the files. They stay, as they do when a process ends or is killed.
func (w *Worker) Close() error {
	err := w.err
	for _, f := range w.files {
		err = errors.Join(err, f.Close())
	}
	w.files = nil
	return err
}

// Files are the worker's files, by path.
func (w *Worker) Files() []*File {
	var out []*File
	for _, f := range w.files {
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b *File) int { return strings.Compare(a.path, b.path) })
	return out
}

// File is the file whose name begins with prefix: counter, summary, histogram or gauge_MODE. It is nil after an error.
func (w *Worker) File(prefix string) *File {
	if f := w.files[prefix]; f != nil {
		return f
	}
	f, err := OpenFile(filepath.Join(w.dir, prefix+"_"+w.id+".db"), w.generation)
	if err != nil {
		w.failed(err)
		return nil
	}
	if w.byteWise {
		f.WriteByteWise()
	}
	w.files[prefix] = f
	return f
}

// Value is one number of a worker.
type Value struct {
	worker *Worker
	file   *File
	key    string
	value  float64
}

func (w *Worker) value(prefix, metric, sample, help string, labels []Label) *Value {
	v := &Value{worker: w, file: w.File(prefix), key: Key(w.generation, metric, sample, help, labels...)}
	if v.file == nil {
		return v
	}
	var err error
	if v.value, err = v.file.Read(v.key); err != nil {
		w.failed(err)
	}
	return v
}

// Add adds to the number.
func (v *Value) Add(n float64) { v.set(v.value+n, 0) }

// Set sets the number.
func (v *Value) Set(n float64) { v.set(n, 0) }

// SetAt sets a gauge of mode mostrecent or livemostrecent, the only ones with which the client writes a time.
func (v *Value) SetAt(n float64, at time.Time) { v.set(n, float64(at.UnixNano())/1e9) }

// Get returns the number.
func (v *Value) Get() float64 { return v.value }

func (v *Value) set(n, stamp float64) {
	if v.value = n; v.file == nil {
		return
	}
	if err := v.file.Write(v.key, n, stamp); err != nil {
		v.worker.failed(err)
	}
}

// Counter makes a counter at 0, or continues the one that the file has. The client appends _total to its name.
func (w *Worker) Counter(name, help string, labels ...Label) *Value {
	name = strings.TrimSuffix(name, "_total")
	return w.value("counter", name, name+"_total", help, labels)
}

// Gauge makes a gauge in one of the [Modes].
func (w *Worker) Gauge(mode, name, help string, labels ...Label) *Value {
	return w.value("gauge_"+mode, name, name, help, labels)
}

// Summary counts and adds up observations.
type Summary struct{ Count, Sum *Value }

// Summary makes a summary.
func (w *Worker) Summary(name, help string, labels ...Label) *Summary {
	return &Summary{w.value("summary", name, name+"_count", help, labels), w.value("summary", name, name+"_sum", help, labels)}
}

// Observe counts v.
func (s *Summary) Observe(v float64) {
	s.Count.Add(1)
	s.Sum.Add(v)
}

// Histogram counts observations in buckets.
type Histogram struct {
	Sum     *Value
	Bounds  []float64 // the last is +Inf
	Buckets []*Value  // one for each bound, not cumulative
}

// Histogram makes a histogram; +Inf is added to the bounds.
func (w *Worker) Histogram(name, help string, bounds []float64, labels ...Label) *Histogram {
	h := &Histogram{Sum: w.value("histogram", name, name+"_sum", help, labels), Bounds: append(slices.Clone(bounds), math.Inf(1))}
	for _, b := range h.Bounds {
		h.Buckets = append(h.Buckets, w.value("histogram", name, name+"_bucket", help, append(slices.Clone(labels), Label{"le", bound(b)})))
	}
	return h
}

// Observe counts v in the first bucket that it fits in.
func (h *Histogram) Observe(v float64) {
	h.Sum.Add(v)
	for i, b := range h.Bounds {
		if v <= b {
			h.Buckets[i].Add(1)
			return
		}
	}
}
