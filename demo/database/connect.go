package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// busyTimeout is how long a writer of SQLite's file waits for the writers of other processes.
const busyTimeout = 5 * time.Second

// Vendor names the kind of database, as metrics of databases do: "sqlite" or "postgresql".
func (a Address) Vendor() string {
	if a.dsn != "" {
		return "postgresql"
	}
	return "sqlite"
}

// Connector makes connections for [sql.OpenDB]. The zero Address is an error.
func (a Address) Connector() (driver.Connector, error) {
	switch {
	case a.dsn != "":
		config, err := pgx.ParseConfig(a.dsn)
		if err != nil {
			// The error would quote what it could not read, and that may be a part of the password.
			return nil, fmt.Errorf("%s: the address cannot be read (a special character in the password must be percent-encoded)", a)
		}
		return stdlib.GetConnector(*config), nil
	case a.path != "":
		// The driver only has a number for a folder that is not there.
		if _, err := os.Stat(filepath.Dir(a.path)); err != nil {
			return nil, fmt.Errorf("the folder for the database: %w", err)
		}
		return sqlite.NewConnector(sqliteName(a.path))
	}
	return nil, errors.New("no database is given")
}

func sqliteName(path string) string {
	settings := url.Values{
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
			"foreign_keys(1)",
			"synchronous(NORMAL)", // with WAL: a killed process loses nothing, a power cut perhaps the last rows
		},
		"_txlock":      {"immediate"}, // a transaction that would write later can't then find itself locked out
		"_time_format": {"sqlite"},
	}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: settings.Encode()}
	return name.String()
}

// Wait returns when the database at a answers, which may be starting, or with an error after patience; at once if waiting
// will not help.
func Wait(ctx context.Context, db *sql.DB, a Address, patience time.Duration, logger *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := a.Prepare(ctx, db)
		if err == nil {
			return nil
		}
		if Hopeless(err) {
			return fmt.Errorf("%s: %w", a, err)
		}
		logger.Info("waiting for the database", "database", a.String(), "err", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", a, err)
		}
	}
}

// Prepare asks the database once whether it answers. SQLite's file is made ready for readers beside one writer.
func (a Address) Prepare(ctx context.Context, db *sql.DB) error {
	if a.dsn != "" {
		return db.PingContext(ctx)
	}
	// The mode stays with the file. Changing it needs the file alone, for which SQLite does not always wait: try again.
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the file system does not allow a write-ahead log (journal mode is %s)", mode)
	}
	return nil
}

// Hopeless reports whether waiting will not help: for PostgreSQL errors about users, passwords and names (its appendix A,
// class 28 and 3D000), for SQLite all but that the file is busy.
func Hopeless(err error) bool {
	var theirs *pgconn.PgError
	if errors.As(err, &theirs) {
		return strings.HasPrefix(theirs.Code, "28") || theirs.Code == "3D000"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code()&0xff != sqlite3.SQLITE_BUSY // the low byte is the primary result code
}
