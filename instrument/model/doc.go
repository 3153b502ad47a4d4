// Package model counts what happens to the rows of each of an application's models: inserts, updates and deletes,
// after they succeeded. The rate of new walks, the share of deleted accounts, the model that nothing was written to
// since Tuesday are questions that a query duration doesn't answer.
//
//	model_inserts_total{model}   rows inserted
//	model_updates_total{model}   rows updated
//	model_deletes_total{model}   rows deleted
//
// With [instrument.DjangoNames] they are called as django-prometheus calls them: django_model_inserts_total,
// django_model_updates_total and django_model_deletes_total, with the same label.
//
// Unlike django-prometheus, which counts before the statement is sent, a row that was not written is not counted:
// neither when the statement failed, nor when it found no row, nor when its transaction was rolled back (see
// [Pending]); and a statement that writes a thousand rows counts a thousand.
//
// With a driver that is not database/sql's, give the number of rows: dogs.Inserted(tag.RowsAffected()) is pgx'.
// Package contrib/gormmetrics counts the same from GORM's callbacks, without a line at each call.
package model
