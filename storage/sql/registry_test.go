package sql_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/runtime/registry/registrytest"
	"hadron/storage/sql/sqltest"
)

func TestRegistry(t *testing.T) {
	registrytest.Run(t, func(tb testing.TB) registry.Store { return sqltest.MustOpen(tb).Registry() })
}

// Retention frees the blobs that nobody else has, and the rows that say what is left
// point at nothing that is gone.
func TestRetentionFreesBlobs(t *testing.T) {
	ctx := t.Context()
	db := sqltest.MustOpen(t)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r, err := registry.New(registry.Config{
		Store: db.Registry(), Builder: &registrytest.Builder{}, Now: func() time.Time { return now },
		Retention: func(function.Name) registry.Retention { return registry.Retention{Keep: 1} },
	})
	if err == nil {
		err = r.Start(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct {
		name   function.Name
		source string
	}{{"a/b/c", "live"}, {"a/b/c", "gone"}, {"a/b/c", "shared"}, {"a/b/d", "shared"}, {"a/b/c", "newest"}} {
		now = now.Add(time.Hour)
		if _, err := r.Register(ctx, registry.Registration{By: "ada", Name: v.name, Source: v.source}); err != nil {
			t.Fatal(err)
		}
	}
	count := func(ctx context.Context, table string) int {
		n, err := db.Count(ctx, table)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count(ctx, "blobs")
	now = now.Add(time.Hour)
	if done, err := r.Retain(ctx); err != nil || done.Versions != 2 {
		t.Fatalf("%+v %v", done, err)
	}
	if after := count(ctx, "blobs"); before-after != 2 { // source and bundle of "gone"
		t.Errorf("%d blobs became %d", before, after)
	}
	if n := count(ctx, "removed_versions"); n != 2 {
		t.Errorf("%d rows are left of 2 versions", n)
	}
	if up, err := r.Source(ctx, function.ID{Name: "a/b/d", Version: 1}); err != nil || up.Source != "shared" {
		t.Errorf("%q %v", up.Source, err)
	}
	if err := db.Check(ctx); err != nil {
		t.Error(err)
	}
	if err := r.Delete(ctx, "ada", "a/b/c"); err != nil {
		t.Fatal(err)
	}
	if n := count(ctx, "removed_versions"); n != 0 {
		t.Errorf("%d rows are left of a deleted function", n)
	}
}

// Functions that were there before teams were have theirs after the migration.
func TestMigrationMakesTeams(t *testing.T) {
	ctx := t.Context()
	db := sqltest.MustOpen(t)
	for _, name := range []function.Name{"growth/signup/a", "growth/signup/b", "growth/web/a", "pay-x/core/c"} {
		if _, err := db.Registry().Commit(ctx, firstCommit(name)); err != nil {
			t.Fatal(err)
		}
	}
	migration, err := os.ReadFile("migrations/sqlite/00031_tenancy.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"DROP TABLE secrets", "DROP TABLE teams", string(migration)} {
		if err := db.Exec(ctx, query); err != nil {
			t.Fatal(err)
		}
	}
	teams, err := db.Teams().Teams(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var scopes []string
	for _, team := range teams {
		scopes = append(scopes, string(team.Scope))
	}
	if got := strings.Join(scopes, " "); got != "growth growth/signup growth/web pay-x pay-x/core" {
		t.Errorf("teams: %s", got)
	}
}

func firstCommit(name function.Name) registry.Commit {
	return registry.Commit{
		Next:   registry.Record{Function: function.Function{Name: name, Latest: 1, CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(1, 0)}},
		Change: registry.Change{Kind: registry.KindRegistered, Function: name, Before: []byte("null"), After: []byte("null"), Time: time.Unix(1, 0)},
	}
}
