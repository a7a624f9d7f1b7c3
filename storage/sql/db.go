// Package sql keeps what Hadron must not lose in a relational database: the
// function index and its audit trail, and access tokens. It is the one place that
// knows sqlx, goose and the drivers, and it turns their errors into the sentinels
// of the packages it serves.
//
// On SQLite there is one writer connection, whose transactions take the write
// lock when they begin, and a pool of readers that see the last commit. Queries
// are written with "?" and rebound to the driver's own marks.
package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Config says where the database is.
type Config struct {
	Path   string       // of the SQLite file; made, with 0600, where there is none
	Logger *slog.Logger // discards unless given
}

// DB is an open database.
type DB struct {
	writer  *sqlx.DB
	reader  *sqlx.DB
	content *sqlx.Stmt // on reader
	lock    *lockFile
	logger  *slog.Logger
}

const (
	// busyTimeout is how long a write waits for the lock of another process, such
	// as a backup.
	busyTimeout = 5 * time.Second
	maxReaders  = 4
)

// Open opens the database and brings its tables up to date. Its errors say what
// to do: ErrLocked, ErrNewer, ErrNotDatabase, or the operating system's own.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.Path == "" {
		return nil, errors.New("open database: no path is given")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", cfg.Path, err)
	}
	if err := createFile(path); err != nil {
		return nil, err
	}
	lock, err := lockPath(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db := &DB{lock: lock, logger: cfg.Logger.With("component", "sql")}
	if err := db.open(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, translate(err)), db.Close())
	}
	return db, nil
}

func createFile(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the database's directory: %w; give a data directory that this user can write", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("open database: %w; give this user the right to write %s and what is in it", err, dir)
	}
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	return f.Close()
}

func (db *DB) open(ctx context.Context, path string) (err error) {
	if db.writer, err = openPool(path, "immediate", "journal_mode(WAL)", "journal_size_limit(67108864)", "synchronous(FULL)"); err != nil {
		return err
	}
	db.writer.SetMaxOpenConns(1)
	if err := db.migrate(ctx); err != nil {
		return err
	}
	if db.reader, err = openPool(path, "deferred", "query_only(1)"); err != nil {
		return err
	}
	readers := min(maxReaders, max(2, runtime.GOMAXPROCS(0)))
	db.reader.SetMaxOpenConns(readers)
	db.reader.SetMaxIdleConns(readers)
	db.content, err = db.reader.PreparexContext(ctx, db.reader.Rebind(contentQuery))
	return err
}

func openPool(path, lock string, pragmas ...string) (*sqlx.DB, error) {
	query := url.Values{"_txlock": {lock}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "foreign_keys(1)",
	}}
	for _, p := range pragmas {
		query.Add("_pragma", p)
	}
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	pool, err := stdsql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	// sqlx knows the marks of this driver under the name of its older sibling.
	return sqlx.NewDb(pool, "sqlite3"), nil
}

// Close closes the database; what was committed is safe with or without it.
func (db *DB) Close() error {
	var errs []error
	if db.content != nil {
		errs = append(errs, db.content.Close())
	}
	for _, pool := range []*sqlx.DB{db.reader, db.writer} { // the writer last: it folds the log into the file
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(append(errs, db.lock.release())...)
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.reader.PingContext(ctx); err != nil {
		return fmt.Errorf("ping database: %w", translate(err))
	}
	return nil
}

// write runs f in a transaction that holds the write lock.
func (db *DB) write(ctx context.Context, f func(tx tx) error) error {
	return within(ctx, db.writer, nil, f)
}

// read runs f in a transaction, so that its queries see one state.
func (db *DB) read(ctx context.Context, f func(tx tx) error) error {
	return within(ctx, db.reader, &stdsql.TxOptions{ReadOnly: true}, f)
}

func within(ctx context.Context, pool *sqlx.DB, opts *stdsql.TxOptions, f func(tx tx) error) error {
	t, err := pool.BeginTxx(ctx, opts)
	if err != nil {
		return translate(err)
	}
	if err := f(tx{ctx, t}); err != nil {
		_ = t.Rollback() // fails only where the transaction has ended by itself
		return translate(err)
	}
	if err := t.Commit(); err != nil {
		return translate(err)
	}
	return nil
}

// tx is a transaction, bound to the context of its one caller.
type tx struct {
	ctx context.Context // lives no longer than the call it belongs to
	tx  *sqlx.Tx
}

func (t tx) selectAll(dest any, query string, args ...any) error {
	return t.tx.SelectContext(t.ctx, dest, t.tx.Rebind(query), args...)
}

func (t tx) get(dest any, query string, args ...any) error {
	return t.tx.GetContext(t.ctx, dest, t.tx.Rebind(query), args...)
}

func (t tx) exec(query string, args ...any) (int64, error) {
	res, err := t.tx.ExecContext(t.ctx, t.tx.Rebind(query), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// in expands a slice among args to as many marks.
func in(query string, args ...any) (string, []any, error) { return sqlx.In(query, args...) }

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
