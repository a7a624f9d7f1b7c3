package sql

import (
	"context"
	"errors"
)

// Exec lets tests bring a database into states that only other programs make.
func (db *DB) Exec(ctx context.Context, query string, args ...any) error {
	_, err := db.writer.ExecContext(ctx, query, args...)
	return err
}

// Count counts the rows of a table.
func (db *DB) Count(ctx context.Context, table string) (n int, err error) {
	return n, db.reader.GetContext(ctx, &n, "SELECT COUNT(*) FROM "+table)
}

// Check reports damage and rows that point at nothing.
func (db *DB) Check(ctx context.Context) error {
	var whole string
	if err := db.writer.GetContext(ctx, &whole, "PRAGMA integrity_check"); err != nil {
		return err
	}
	var dangling []struct {
		Table string `db:"table"`
	}
	err := db.writer.Unsafe().SelectContext(ctx, &dangling, "PRAGMA foreign_key_check")
	if err == nil && (whole != "ok" || len(dangling) > 0) {
		err = &damage{whole, len(dangling)}
	}
	return err
}

type damage struct {
	whole    string
	dangling int
}

func (d *damage) Error() string { return d.whole }

// HoldWriteLock takes the write lock as another program would, until release.
func HoldWriteLock(ctx context.Context, path string) (release func() error, err error) {
	other, err := openPool(path, "immediate")
	if err != nil {
		return nil, err
	}
	tx, err := other.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, other.Close())
	}
	return func() error { return errors.Join(tx.Rollback(), other.Close()) }, nil
}
