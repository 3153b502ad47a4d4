package gormmetrics

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/model"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// Options says which models are counted and what they are called. Only Models is needed.
type Options struct {
	// Models are the models to count: structs or pointers to structs, as for AutoMigrate. Required.
	Models []any
	// Names are further models, which GORM doesn't know and that are counted through [Plugin.Operations].
	Names []string
	// Label names a model. Its results must differ. Default: the type's name as GORM writes columns, WalkPhoto as
	// walk_photo.
	Label func(reflect.Type) string
}

// Plugin is a [gorm.Plugin]. Make it once for each Metrics with [New]; several gorm.DB may use it.
type Plugin struct {
	operations *model.Operations
	logger     *slog.Logger
	models     map[reflect.Type]*model.Model
	label      func(reflect.Type) string

	mu     sync.RWMutex
	tables map[string]*model.Model

	foreign sync.Once // logs
}

var _ gorm.Plugin = (*Plugin)(nil)

// New declares the counters, 0 for each of the models. It fails if there are none, if one is not a struct, if two have
// the same label, and if the metrics' names are taken.
func New(m *instrument.Metrics, opts Options) (*Plugin, error) {
	if m == nil {
		return nil, errors.New("gormmetrics: no metrics given: make them with instrument.New")
	}
	if opts.Label == nil {
		opts.Label = snakeCase
	}
	p := &Plugin{
		logger: m.Logger(), label: opts.Label,
		models: map[reflect.Type]*model.Model{}, tables: map[string]*model.Model{},
	}
	labels := map[reflect.Type]string{}
	names := slices.Clone(opts.Names)
	for _, value := range opts.Models {
		t := structType(value)
		if t == nil {
			return nil, fmt.Errorf("gormmetrics: Options.Models has a %T: want structs or pointers to structs", value)
		}
		if _, twice := labels[t]; twice {
			continue // as in AutoMigrate
		}
		labels[t] = opts.Label(t)
		names = append(names, labels[t])
	}
	if len(labels) == 0 {
		return nil, errors.New("gormmetrics: no models given: list them in Options.Models as for AutoMigrate")
	}
	var err error
	if p.operations, err = model.New(m, names...); err != nil {
		return nil, fmt.Errorf("gormmetrics: %w (Options.Label names the models)", err)
	}
	for t, label := range labels {
		p.models[t] = p.operations.Model(label)
	}
	return p, nil
}

// Name is the plugin's name for GORM.
func (p *Plugin) Name() string { return "truecount:models" }

// Operations are the plugin's counters, for what is not written through GORM.
func (p *Plugin) Operations() *model.Operations { return p.operations }

// Model returns the counts of a model for statements that GORM has no model for. In a transaction they are counted
// when db is committed:
//
//	result := tx.Exec("UPDATE dogs SET age = age + 1")
//	if result.Error == nil {
//		plugin.Model(tx, &Dog{}).Updated(result.RowsAffected)
//	}
func (p *Plugin) Model(db *gorm.DB, value any) *model.Model {
	counts, ok := p.models[structType(value)]
	if !ok {
		counts = p.operations.Undeclared(described(structType(value), "none"))
	}
	return p.in(counts, db.Statement.ConnPool)
}

// Initialize is called by db.Use.
func (p *Plugin) Initialize(db *gorm.DB) error {
	if err := p.learnTables(db); err != nil {
		return err
	}
	if err := p.register(db); err != nil {
		return fmt.Errorf("gormmetrics: %w", err)
	}
	followPool(db)
	return nil
}

// learnTables remembers the models' tables, for statements that name the table only.
func (p *Plugin) learnTables(db *gorm.DB) error {
	tables := map[string]*model.Model{}
	for t, counts := range p.models {
		parsed, err := schema.Parse(reflect.New(t).Interface(), &sync.Map{}, db.NamingStrategy)
		if err != nil {
			return fmt.Errorf("gormmetrics: model %s: %w", p.label(t), err)
		}
		if _, shared := tables[parsed.Table]; shared {
			counts = nil // which of them is meant can't be told
		}
		tables[parsed.Table] = counts
	}
	maps.DeleteFunc(tables, func(_ string, counts *model.Model) bool { return counts == nil })
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.Copy(p.tables, tables)
	return nil
}

// modelOf returns what a statement's rows are counted as, nil for rows of tables that have no model.
func (p *Plugin) modelOf(stmt *gorm.Statement) *model.Model {
	var t reflect.Type
	if stmt.Schema != nil {
		t = stmt.Schema.ModelType
		if counts, ok := p.models[t]; ok {
			return counts
		}
	}
	p.mu.RLock()
	counts, ok := p.tables[stmt.Table]
	p.mu.RUnlock()
	if ok {
		return counts
	}
	if t != nil && t.Name() == "" {
		return nil // a join table that GORM made itself
	}
	return p.operations.Undeclared(described(t, stmt.Table))
}

// described names what was not listed, for the log. Options.Label may not expect it.
func described(t reflect.Type, otherwise string) string {
	if t != nil {
		return snakeCase(t)
	}
	return otherwise
}

func structType(value any) reflect.Type {
	t := reflect.TypeOf(value)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

func snakeCase(t reflect.Type) string { return schema.NamingStrategy{}.ColumnName("", t.Name()) }
