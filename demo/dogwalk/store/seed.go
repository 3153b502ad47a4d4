package store

import (
	"context"
	"database/sql"
)

// seed is the migration that puts a few walkers and dogs into an empty database, so that the first walk is two clicks away.
func seed(ctx context.Context, tx *sql.Tx) error {
	var rows int
	err := tx.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM walkers) + (SELECT count(*) FROM dogs)").Scan(&rows)
	if err != nil || rows > 0 {
		return err
	}
	for _, w := range []Walker{
		{Name: "Ada", Email: "ada@dogwalk.example"},
		{Name: "Grace", Email: "grace@dogwalk.example"},
		{Name: "Linus", Email: "linus@dogwalk.example"},
		{Name: "Radia", Email: "radia@dogwalk.example"},
	} {
		if _, err := tx.ExecContext(ctx, "INSERT INTO walkers (name, email) VALUES ($1, $2)", w.Name, w.Email); err != nil {
			return err
		}
	}
	for _, d := range []Dog{
		{Name: "Bolt", Size: Medium, Age: 4},
		{Name: "Clover", Size: ExtraSmall, Age: 9},
		{Name: "Juno", Size: Large, Age: 2},
		{Name: "Laika", Size: Small, Age: 3},
		{Name: "Momo", Size: Small, Age: 12},
		{Name: "Tank", Size: ExtraLarge, Age: 6},
	} {
		if _, err := tx.ExecContext(ctx, "INSERT INTO dogs (name, size, age) VALUES ($1, $2, $3)", d.Name, d.Size, d.Age); err != nil {
			return err
		}
	}
	return nil
}
