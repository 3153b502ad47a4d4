package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// precision is what both databases keep of a time.
const precision = time.Microsecond

const selectWalk = `SELECT walks.id, walks.distance, walks.start_time, walks.end_time,
	dogs.id, dogs.name, dogs.size, dogs.age, walkers.id, walkers.name, walkers.email
	FROM walks JOIN dogs ON dogs.id = walks.dog_id JOIN walkers ON walkers.id = walks.walker_id `

// StartWalk saves a walk that starts now and returns its id. ErrUnknownDogOrWalker if one of them does not exist.
// When it returns without an error the walk is committed.
func (s *Store) StartWalk(ctx context.Context, dogID, walkerID int64) (id int64, start time.Time, err error) {
	start = s.clock()
	err = s.db.QueryRowContext(ctx,
		"INSERT INTO walks (dog_id, walker_id, start_time) VALUES ($1, $2, $3) RETURNING id", dogID, walkerID, start).Scan(&id)
	if err != nil && s.dialect.dangling(err) {
		err = ErrUnknownDogOrWalker
	}
	return id, start, err
}

// CompleteWalk ends a walk now, after so many metres. ErrNotFound if there is none of that id, ErrAlreadyComplete if
// somebody was faster: of several at once exactly one succeeds.
func (s *Store) CompleteWalk(ctx context.Context, id int64, metres int) error {
	result, err := s.db.ExecContext(ctx,
		"UPDATE walks SET end_time = $1, distance = $2 WHERE id = $3 AND end_time IS NULL", s.clock(), metres, id)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	if _, err := s.Walk(ctx, id); err != nil {
		return err
	}
	return ErrAlreadyComplete
}

// Walk returns one walk. ErrNotFound if there is none of that id.
func (s *Store) Walk(ctx context.Context, id int64) (Walk, error) {
	walks, err := s.walks(ctx, "WHERE walks.id = $1", id)
	if err != nil {
		return Walk{}, err
	}
	if len(walks) == 0 {
		return Walk{}, ErrNotFound
	}
	return walks[0], nil
}

// WalksInProgress lists walks that have not ended, the newest first, at most limit.
func (s *Store) WalksInProgress(ctx context.Context, limit int) ([]Walk, error) {
	return s.walks(ctx, "WHERE walks.end_time IS NULL ORDER BY walks.start_time DESC, walks.id DESC LIMIT $1", limit)
}

// CompleteWalks lists walks that have ended, the last to end first, at most limit.
func (s *Store) CompleteWalks(ctx context.Context, limit int) ([]Walk, error) {
	return s.walks(ctx, "WHERE walks.end_time IS NOT NULL ORDER BY walks.end_time DESC, walks.id DESC LIMIT $1", limit)
}

func (s *Store) walks(ctx context.Context, where string, args ...any) ([]Walk, error) {
	type row struct {
		Walk
		end sql.NullTime
	}
	rows, err := s.db.QueryContext(ctx, selectWalk+where, args...)
	found, err := collect(rows, err, func(r *row) []any {
		return []any{&r.ID, &r.Distance, &r.StartTime, &r.end,
			&r.Dog.ID, &r.Dog.Name, &r.Dog.Size, &r.Dog.Age, &r.Walker.ID, &r.Walker.Name, &r.Walker.Email}
	})
	walks := make([]Walk, len(found))
	for i, r := range found {
		walks[i] = r.Walk
		walks[i].StartTime = r.StartTime.UTC()
		if r.end.Valid {
			walks[i].EndTime = r.end.Time.UTC()
		}
	}
	return walks, err
}

// NewestStart is when the newest walk started; the zero time if there has been none.
func (s *Store) NewestStart(ctx context.Context) (time.Time, error) {
	return s.oneTime(ctx, "SELECT start_time FROM walks ORDER BY start_time DESC LIMIT 1")
}

// CloseUntil closes the kennel until a time, or open it by a time that has passed: while it is closed, no walk should start.
func (s *Store) CloseUntil(ctx context.Context, until time.Time) error {
	_, err := s.db.ExecContext(ctx,
		"INSERT INTO closing (id, until) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET until = excluded.until",
		until.UTC().Truncate(precision))
	return err
}

// ClosedUntil is when the kennel opens again; the zero time if it is open.
func (s *Store) ClosedUntil(ctx context.Context) (time.Time, error) {
	until, err := s.oneTime(ctx, "SELECT until FROM closing")
	if err != nil || !until.After(s.now()) {
		return time.Time{}, err
	}
	return until, nil
}

func (s *Store) oneTime(ctx context.Context, query string) (time.Time, error) {
	var t time.Time
	err := s.db.QueryRowContext(ctx, query).Scan(&t)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return t.UTC(), err
}

func (s *Store) clock() time.Time { return s.now().UTC().Truncate(precision) }
