package gormmetrics

import (
	"errors"
	"reflect"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// begin is GORM's callback for a transaction around each statement; without those it is not there.
const begin = "gorm:begin_transaction"

// register puts the counting right behind each statement: there it is known to have succeeded, and nothing that fails
// later (associations, hooks) can hide a row that is in the database. If those make GORM roll back, the counts go,
// too.
//
// GORM sorts a callback that is only After another behind all the others, behind the commit; so these are Before the
// next.
func (p *Plugin) register(db *gorm.DB) error {
	create, update, remove, raw := db.Callback().Create(), db.Callback().Update(), db.Callback().Delete(), db.Callback().Raw()
	errs := []error{
		create.Before("gorm:before_create").Register("truecount:keyless", rememberKeyless),
		create.Before("gorm:save_after_associations").Register("truecount:count", p.created),
		update.Before("gorm:save_after_associations").Register("truecount:count", p.updated),
		remove.Before("gorm:after_delete").Register("truecount:count", p.deleted),
		raw.After("gorm:raw").Register("truecount:savepoint", followSavepoint),
	}
	if create.Get(begin) != nil {
		errs = append(errs,
			create.Before(begin).Register("truecount:follow", followStatement),
			update.Before(begin).Register("truecount:follow", followStatement),
			remove.Before(begin).Register("truecount:follow", followStatement),
		)
	}
	return errors.Join(errs...)
}

// succeeded says whether a statement wrote rows. What was not sent to the database has no text: its rows affected are those
// of the statement before, if a chain is used again.
func succeeded(db *gorm.DB) bool {
	return db.Error == nil && db.RowsAffected > 0 && db.Statement.SQL.Len() > 0
}

func (p *Plugin) created(db *gorm.DB) {
	if !succeeded(db) {
		return
	}
	if counts := p.modelOf(db.Statement); counts != nil {
		inserted, updated := divide(db)
		counts = p.in(counts, db.Statement.ConnPool)
		counts.Inserted(inserted)
		counts.Updated(updated)
	}
}

func (p *Plugin) updated(db *gorm.DB) {
	if !succeeded(db) {
		return
	}
	if counts := p.modelOf(db.Statement); counts != nil {
		p.in(counts, db.Statement.ConnPool).Updated(db.RowsAffected)
	}
}

func (p *Plugin) deleted(db *gorm.DB) {
	if !succeeded(db) {
		return
	}
	if counts := p.modelOf(db.Statement); counts != nil {
		p.in(counts, db.Statement.ConnPool).Deleted(db.RowsAffected)
	}
}

const (
	// savedAssociations is what GORM sets while it saves associations, for itself.
	savedAssociations = "gorm:saved_association_map"
	keyless           = "truecount:keyless"
)

// rememberKeyless notes, of the associations that GORM is about to save by an upsert, how many have no primary key
// yet. It is asked before the hooks, which may give them one.
func rememberKeyless(db *gorm.DB) {
	stmt := db.Statement
	if db.Error != nil || stmt.Schema == nil || stmt.Schema.PrioritizedPrimaryField == nil {
		return
	}
	if _, nested := stmt.Settings.Load(savedAssociations); !nested {
		return
	}
	n := int64(0)
	each(stmt.ReflectValue, func(row reflect.Value) {
		if _, zero := stmt.Schema.PrioritizedPrimaryField.ValueOf(stmt.Context, row); zero {
			n++
		}
	})
	db.InstanceSet(keyless, n)
}

// divide says how many of the rows that a create wrote are new, and how many it updated.
func divide(db *gorm.DB) (inserted, updated int64) {
	rows := db.RowsAffected
	remembered, association := db.InstanceGet(keyless)
	if !association {
		return rows, 0
	}
	fresh := min(remembered.(int64), rows)
	conflict, _ := db.Statement.Clauses["ON CONFLICT"].Expression.(clause.OnConflict)
	switch {
	case !conflict.DoNothing:
		return fresh, rows - fresh
	case db.Statement.ReflectValue.Kind() == reflect.Struct:
		return rows, 0
	}
	// Of several rows that come back, GORM counts those that had a key without looking whether they were written.
	if _, returning := db.Statement.Clauses["RETURNING"]; returning {
		return fresh, 0
	}
	return rows, 0
}

// each calls f with a struct, or with each of a list of structs.
func each(value reflect.Value, f func(reflect.Value)) {
	value = reflect.Indirect(value)
	switch value.Kind() {
	case reflect.Struct:
		f(value)
	case reflect.Slice, reflect.Array:
		for i := range value.Len() {
			if row := reflect.Indirect(value.Index(i)); row.Kind() == reflect.Struct {
				f(row)
			}
		}
	}
}
