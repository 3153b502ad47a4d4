package database

import "github.com/truecount/truecount/instrument"

// label returns the value that says the kind of an error in the scheme of names.
func (m *Metrics) label(k kind) string {
	if m.names == instrument.DjangoNames {
		return k.python
	}
	return string(k.class)
}

// countsAttempts says that a failed connection counts as a new one, too: django-prometheus counts before it connects.
func (m *Metrics) countsAttempts() bool { return m.names == instrument.DjangoNames }
