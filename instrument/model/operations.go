package model

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

// Other is the label value of what is counted for a model that was not declared.
const Other = "other"

// Operations counts the rows written of a known set of models. Make it once with [New]; its methods may be called
// concurrently.
type Operations struct {
	vecs   [operations]*prometheus.CounterVec
	known  map[string]*Model
	other  func() *Model
	logger *slog.Logger

	unknownModel sync.Once // logs
	unknownRows  sync.Once // logs
}

// operation is one of the three that are counted; it is an index.
type operation int

const (
	inserts operation = iota
	updates
	deletes
	operations
)

// New declares the counters, and exposes 0 for each of the models from the start: rate() and increase() miss the first
// event of a series that begins with it. The models are names as they shall appear in the label, "walker", "dog",
// "walk".
//
// It fails without any model, if a name is empty, not UTF-8 or given twice, and if the metrics' names are taken on the
// registry; so there is one Operations for each Metrics.
func New(m *instrument.Metrics, models ...string) (*Operations, error) {
	if m == nil {
		return nil, errors.New("model: no metrics given: make them with instrument.New")
	}
	if err := validate(models); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	o := &Operations{known: make(map[string]*Model, len(models)+1), logger: m.Logger()}
	for op, metric := range [operations]struct{ name, django, help string }{
		inserts: {"model_inserts_total", "django_model_inserts_total", "Rows inserted, by model."},
		updates: {"model_updates_total", "django_model_updates_total", "Rows updated, by model."},
		deletes: {"model_deletes_total", "django_model_deletes_total", "Rows deleted, by model."},
	} {
		o.vecs[op] = prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: m.Name(metric.name, metric.django), Help: metric.help,
		}, []string{"model"})
	}
	if err := m.Declare(o.vecs[inserts], o.vecs[updates], o.vecs[deletes]); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	for _, name := range models {
		o.known[name] = o.newModel(name)
	}
	o.other = sync.OnceValue(func() *Model { return o.newModel(Other) })
	return o, nil
}

func validate(models []string) error {
	if len(models) == 0 {
		return errors.New("no models given: name those whose rows are counted")
	}
	for i, name := range models {
		switch {
		case name == "":
			return errors.New("the name of a model is empty")
		case !utf8.ValidString(name):
			return fmt.Errorf("the name of model %q is not valid UTF-8", name)
		case slices.Contains(models[:i], name):
			return fmt.Errorf("model %q is given twice: each needs a name of its own", name)
		}
	}
	return nil
}

// Model returns the counts of one model, to be kept: what is counted through it looks nothing up. A name that New was
// not given is counted as model "other", and logged once, so that a mistake cannot make series without end.
func (o *Operations) Model(name string) *Model {
	if m, ok := o.known[name]; ok {
		return m
	}
	return o.Undeclared(name)
}

// Undeclared returns the counts of model "other", for rows that are known to belong to none of the models. The first
// time it logs whose rows these are: name is for people.
func (o *Operations) Undeclared(name string) *Model {
	o.unknownModel.Do(func() {
		o.logger.Warn("a model was not declared: its rows, and those of further ones, are counted as model "+Other+
			"; declare it with the others", "model", name)
	})
	return o.other()
}

// Inserted counts rows of a model that were inserted. See [Operations.Model] for a name that is not known.
func (o *Operations) Inserted(model string, rows int64) { o.Model(model).Inserted(rows) }

// Updated counts rows of a model that were updated.
func (o *Operations) Updated(model string, rows int64) { o.Model(model).Updated(rows) }

// Deleted counts rows of a model that were deleted.
func (o *Operations) Deleted(model string, rows int64) { o.Model(model).Deleted(rows) }

func (o *Operations) newModel(name string) *Model {
	s := &series{owner: o}
	for op := range s.counters {
		s.counters[op] = o.vecs[op].WithLabelValues(name)
	}
	return &Model{series: s}
}
