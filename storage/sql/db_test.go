package sql_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hadron/storage/sql"
	"hadron/storage/sql/sqltest"
)

func TestOpenMakesPrivateFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with space & 100%?", "hadron.db")
	var log bytes.Buffer
	db, err := sql.Open(t.Context(), sql.Config{Path: path, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) < 2 {
		t.Fatalf("%v %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f.Name(), info.Mode(), err)
		}
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "tables are up to date") {
		t.Errorf("log: %s", log.String())
	}
	for range 2 {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := db.Ping(t.Context()); err == nil {
		t.Error("a closed database answers")
	}
}

func TestOpenTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hadron.db")
	db := sqltest.MustOpenAt(t, path)
	_, err := sql.Open(t.Context(), sql.Config{Path: path})
	if !errors.Is(err, sql.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("second: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	sqltest.MustOpenAt(t, path)
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, bytes.Repeat([]byte("no database. "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		"":                                      nil,
		garbage:                                 sql.ErrNotDatabase,
		filepath.Join(garbage, "below", "a.db"): nil,
		dir:                                     nil,
		filepath.Join(dir, "nul\x00byte", "a.db"): nil,
	} {
		db, err := sql.Open(t.Context(), sql.Config{Path: path})
		if err == nil {
			_ = db.Close()
			t.Errorf("%q was opened", path)
		}
		if want != nil && !errors.Is(err, want) {
			t.Errorf("%q: %v", path, err)
		}
	}
	if os.Geteuid() == 0 {
		t.Log("root may write everywhere: an unwritable directory is not tried")
		return
	}
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := sql.Open(t.Context(), sql.Config{Path: filepath.Join(closed, "a.db")}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("unwritable: %v", err)
	}
}

func TestOpenUnderAnEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "hadron.db")
	if _, err := sql.Open(ctx, sql.Config{Path: path}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	sqltest.MustOpenAt(t, path) // nothing half-made is in the way
}
