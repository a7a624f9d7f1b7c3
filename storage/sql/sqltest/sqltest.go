// Package sqltest opens databases for tests.
package sqltest

import (
	"path/filepath"
	"testing"

	"hadron/storage/sql"
)

// MustOpen opens an empty SQLite database that ends with the test.
func MustOpen(tb testing.TB) *sql.DB {
	tb.Helper()
	return MustOpenAt(tb, filepath.Join(tb.TempDir(), "hadron.db"))
}

// MustOpenAt opens the database at path, which is closed with the test at the latest.
func MustOpenAt(tb testing.TB, path string) *sql.DB {
	tb.Helper()
	db, err := sql.Open(tb.Context(), sql.Config{Path: path})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}
