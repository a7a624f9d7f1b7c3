package sql_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/runtime/registry/registrytest"
	"hadron/storage/sql"
	"hadron/storage/sql/sqltest"
)

func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hadron.db")
	db := sqltest.MustOpenAt(t, path)
	if err := db.Exec(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sql.Open(t.Context(), sql.Config{Path: path}); !errors.Is(err, sql.ErrNewer) {
		t.Errorf("%v", err)
	}
}

// Blobs are kept once however many versions share them, and go with the last.
func TestBlobsAreSharedAndCleared(t *testing.T) {
	ctx := t.Context()
	db := sqltest.MustOpen(t)
	r := registrytest.Start(t, db.Registry())
	for _, name := range []function.Name{"a/b/one", "a/b/two"} {
		for _, source := range []string{"x", "y", name.Base()} {
			if _, err := r.Register(ctx, registry.Registration{By: "ada", Name: name, Source: source}); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := func(table string, rows int) {
		t.Helper()
		if n, err := db.Count(ctx, table); err != nil || n != rows {
			t.Errorf("%s: %d rows, want %d, %v", table, n, rows, err)
		}
	}
	want("blobs", 4*2+1) // source and code of x, y, one, two; all share a map
	if err := r.Delete(ctx, "ada", "a/b/one"); err != nil {
		t.Fatal(err)
	}
	want("blobs", 3*2+1)
	if err := r.Delete(ctx, "ada", "a/b/two"); err != nil {
		t.Fatal(err)
	}
	for table, rows := range map[string]int{"blobs": 0, "version_blobs": 0, "versions": 0, "aliases": 0, "alias_weights": 0, "functions": 2, "changes": 8} {
		want(table, rows)
	}
	if err := db.Check(ctx); err != nil {
		t.Error(err)
	}
}

// Readers go on while somebody else holds the write lock; a write that waits ends with its caller.
func TestForeignWriteLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hadron.db")
	db := sqltest.MustOpenAt(t, path)
	r := registrytest.Start(t, db.Registry())
	if _, err := r.Register(t.Context(), registry.Registration{By: "ada", Name: "a/b/c", Source: "x"}); err != nil {
		t.Fatal(err)
	}
	release, err := sql.HoldWriteLock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if vs, err := r.Versions(t.Context(), "a/b/c", 0, 0); err != nil || len(vs) != 1 {
		t.Errorf("read: %v %v", vs, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- db.Tokens().DeleteToken(ctx, "", "none", "ada") }()
	cancel()
	if err := <-done; err == nil {
		t.Error("written through a lock")
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Register(t.Context(), registry.Registration{By: "ada", Name: "a/b/c", Source: "y"}); err != nil {
		t.Errorf("after: %v", err)
	}
}
