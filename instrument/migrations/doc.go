// Package migrations says how many of a database's migrations are applied and how many are not: a release whose
// migration was forgotten is then an alert and not a puzzle.
//
//	migrations_applied{connection}     migrations that are applied
//	migrations_unapplied{connection}   migrations that the program knows and the database lacks
//
// With [instrument.DjangoNames] they are called as django-prometheus exposes them, with the same label:
// django_migrations_applied_total and django_migrations_unapplied_total, which are gauges there, too.
//
// Unlike django-prometheus, which asks once at the start of the process, the database is asked at each scrape, with
// the scrape's deadline. While it can't be asked there is no value, rather than an old one.
//
// Package contrib/goosemetrics has the function to register for goose.
package migrations
