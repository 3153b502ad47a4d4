// Package gormmetrics counts the rows that GORM inserts, updates and deletes, per model, once they are committed.
//
//	model_inserts_total{model}   model_updates_total{model}   model_deletes_total{model}
//
// or, with [instrument.DjangoNames], django_model_inserts_total and its siblings. Their series exist at 0 from the
// start for each model that [New] is given.
//
// # What is counted
//
// Rows affected, as GORM reports them: one for a Create, a thousand for an Updates that touches a thousand rows, none
// for a statement that fails, finds no row or is a dry run. It makes no difference whether hooks are skipped,
// statements are prepared, or rows are created in batches.
//
//   - A transaction counts when it is committed, and not at all when it is rolled back: GORM's own around each
//     statement, that of db.Transaction, that of db.Begin. What is rolled back to a savepoint is not counted either,
//     nested transactions included.
//   - A delete counts as a delete also where the model is only marked as deleted ([gorm.DeletedAt]); deleting such a
//     row for good, Unscoped, is a second one.
//   - Save is an update, or an insert if the row was not there.
//   - An upsert (clause.OnConflict) is counted as an insert of the rows that it wrote, because databases don't tell
//     inserted from updated. MySQL reports 2 for a row that it updated; and of several rows that do nothing on a
//     conflict, GORM reports as written those, too, that had a primary key and were there.
//   - Associations count as their own models. GORM saves those by upserts: of several, those without a primary key
//     count as inserts, the others as updates if the upsert updates, and not at all if it leaves them as they are. The
//     rows of join tables that GORM makes itself have no model and are not counted.
//   - Rows that the database changes by itself (ON DELETE CASCADE, triggers) are not seen, as are db.Exec and db.Raw;
//     count what they write through [Plugin.Model].
//
// A model that New was not given counts as "other", and is logged once.
//
// # How it does that
//
// db.Use puts a connection pool of its own into db whose transactions remember what is to be counted: use the plugin
// right after gorm.Open, before sessions are made, and before plugins that replace connection pools. db.DB() works as
// before; a type assertion of db.Statement.ConnPool to *sql.Tx does not. A transaction that was begun elsewhere
// (gorm.Open on a *sql.Tx, db.Begin in db.Connection) can't be followed to its end: it counts each statement when it
// succeeds, and that is logged once.
package gormmetrics
