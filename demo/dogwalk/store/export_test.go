package store

import "testing"

// SetSchemaVersion pretends that a newer program changed the tables.
func (s *Store) SetSchemaVersion(t *testing.T, version int) {
	t.Helper()
	_, err := s.pool.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, true)", version)
	if err != nil {
		t.Fatal(err)
	}
}
