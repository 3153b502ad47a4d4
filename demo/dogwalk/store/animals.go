package store

import (
	"context"
	"database/sql"
)

const (
	insertWalker = "INSERT INTO walkers (name, email) VALUES ($1, $2)"
	insertDog    = "INSERT INTO dogs (name, size, age) VALUES ($1, $2, $3)"
	// listed bounds what a page shows.
	listed = 500
)

// Walkers lists the walkers by name, at most 500.
func (s *Store) Walkers(ctx context.Context) ([]Walker, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, name, email FROM walkers ORDER BY name, id LIMIT $1", listed)
	return collect(rows, err, func(w *Walker) []any { return []any{&w.ID, &w.Name, &w.Email} })
}

// Dogs lists the dogs by name, at most 500.
func (s *Store) Dogs(ctx context.Context) ([]Dog, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, name, size, age FROM dogs ORDER BY name, id LIMIT $1", listed)
	return collect(rows, err, func(d *Dog) []any { return []any{&d.ID, &d.Name, &d.Size, &d.Age} })
}

// AddWalker saves a new walker and returns it with its id.
func (s *Store) AddWalker(ctx context.Context, w Walker) (Walker, error) {
	err := s.db.QueryRowContext(ctx, insertWalker+" RETURNING id", w.Name, w.Email).Scan(&w.ID)
	return w, err
}

// AddDog saves a new dog and returns it with its id. A dog without a size is of the default size.
func (s *Store) AddDog(ctx context.Context, d Dog) (Dog, error) {
	if d.Size == "" {
		d.Size = DefaultSize
	}
	err := s.db.QueryRowContext(ctx, insertDog+" RETURNING id", d.Name, d.Size, d.Age).Scan(&d.ID)
	return d, err
}

// DeleteWalker deletes a walker and with it all of its walks. ErrNotFound if there is none of that id.
func (s *Store) DeleteWalker(ctx context.Context, id int64) error {
	return s.deleteRow(ctx, "DELETE FROM walkers WHERE id = $1", id)
}

// DeleteDog deletes a dog and with it all of its walks. ErrNotFound if there is none of that id.
func (s *Store) DeleteDog(ctx context.Context, id int64) error {
	return s.deleteRow(ctx, "DELETE FROM dogs WHERE id = $1", id)
}

func (s *Store) deleteRow(ctx context.Context, statement string, id int64) error {
	result, err := s.db.ExecContext(ctx, statement, id)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return ErrNotFound
}

// collect reads all rows into structs; fields names where a row's columns go. It takes the error of the query, too.
func collect[T any](rows *sql.Rows, err error, fields func(*T) []any) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var one T
		if err := rows.Scan(fields(&one)...); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
