package database

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// migrationLock is the number that goose's own locker of PostgreSQL sessions takes unless told otherwise.
const migrationLock = 4_097_083_626

// Lock keeps all other processes from doing what they do only with this lock: making the tables of the database at a, as
// several workers that start at once all want to. It waits for the lock as long as ctx lasts. The lock ends with unlock,
// or with the process, however that ends.
func (a Address) Lock(ctx context.Context, db *sql.DB) (unlock func() error, err error) {
	if a.dsn != "" {
		return lockSession(ctx, db)
	}
	return lockFile(ctx, a.path+"-lock")
}

// lockFile locks a file beside SQLite's, which stays there. A transaction as the lock would keep out also the connection
// that makes the tables, and a second lock on SQLite's own file would end SQLite's when it is closed.
func lockFile(ctx context.Context, path string) (unlock func() error, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return file.Close, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(&fs.PathError{Op: "lock", Path: path, Err: err}, file.Close())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), file.Close())
		}
	}
}

// lockSession waits for the lock in the database.
func lockSession(ctx context.Context, db *sql.DB) (unlock func() error, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() error {
		_, err := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock)
		return errors.Join(err, conn.Close())
	}, nil
}
