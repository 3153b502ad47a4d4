package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// dialect is what the two databases do differently. Statements are shared: both number their parameters $1, $2….
type dialect struct {
	schema  string                                      // the folder of its migrations
	prepare func(ctx context.Context, db *sql.DB) error // before the first statement; may fail while the database is busy
	lock    string                                      // makes a transaction the only one that migrates
	// hopeless reports whether waiting will not help against err.
	hopeless func(err error) bool
	// dangling reports whether err says that a row refers to one that does not exist.
	dangling func(err error) bool
}

const (
	busyTimeout = 5 * time.Second // how long a writer waits for the writers of other processes
	// migrationLock is any number that nobody else who uses the same database takes.
	migrationLock = 7_263_120_001
)

func (a Address) open() (*sql.DB, dialect, error) {
	if a.dsn != "" {
		return openPostgres(a.dsn)
	}
	return openSQLite(a.path)
}

func openSQLite(path string) (*sql.DB, dialect, error) {
	settings := url.Values{
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
			"foreign_keys(1)",
			"synchronous(NORMAL)", // with WAL: a killed process loses nothing, a power cut perhaps the last walks
		},
		"_txlock":      {"immediate"}, // a transaction that would write later can't then find itself locked out
		"_time_format": {"sqlite"},
	}
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: settings.Encode()}
	connector, err := sqlite.NewConnector(name.String())
	if err != nil {
		return nil, dialect{}, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(4)
	return db, dialect{schema: "schema/sqlite", prepare: useWAL, hopeless: sqliteHopeless, dangling: sqliteDangling}, nil
}

// useWAL lets readers and one writer work at the same time. The mode stays with the file. Changing it needs the file
// alone, for which SQLite does not always wait: the caller tries again.
func useWAL(ctx context.Context, db *sql.DB) error {
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the file system does not allow a write-ahead log (journal mode is %s)", mode)
	}
	return nil
}

func sqliteHopeless(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff != sqlite3.SQLITE_BUSY // the low byte is the primary result code
}

func sqliteDangling(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

func openPostgres(dsn string) (*sql.DB, dialect, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		// The error would quote what it could not read, and that may be a part of the password.
		return nil, dialect{}, errors.New("the address cannot be read (a special character in the password must be percent-encoded)")
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(4)
	db.SetConnMaxIdleTime(time.Minute)
	return db, dialect{
		schema:   "schema/postgres",
		prepare:  func(ctx context.Context, db *sql.DB) error { return db.PingContext(ctx) },
		lock:     fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", migrationLock),
		hopeless: postgresHopeless,
		dangling: postgresDangling,
	}, nil
}

// postgresHopeless is about users, passwords and names: PostgreSQL, appendix A, class 28 and 3D000.
func postgresHopeless(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (strings.HasPrefix(e.Code, "28") || e.Code == "3D000")
}

func postgresDangling(err error) bool {
	const foreignKeyViolation = "23503" // PostgreSQL, appendix A, error codes
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == foreignKeyViolation
}
