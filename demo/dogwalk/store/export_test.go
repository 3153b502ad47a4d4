package store

import "testing"

// SetSchemaVersion pretends that a newer program changed the tables.
func (s *Store) SetSchemaVersion(t *testing.T, version int) {
	t.Helper()
	if _, err := s.db.ExecContext(t.Context(), "INSERT INTO schema_version (version) VALUES ($1)", version); err != nil {
		t.Fatal(err)
	}
}
