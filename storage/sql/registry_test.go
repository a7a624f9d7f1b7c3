package sql_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/runtime/registry/registrytest"
	"hadron/runtime/tenant"
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

// What was done to projects before they had kinds of their own reads as theirs after the
// migration; rows of teams and of functions stay as they were.
func TestMigrationNamesChangesOfProjects(t *testing.T) {
	ctx, db := t.Context(), sqltest.MustOpen(t)
	if _, err := db.Registry().Commit(ctx, firstCommit("growth/signup/a")); err != nil {
		t.Fatal(err)
	}
	for i, row := range [][3]string{ // scope, subject, kind
		{"growth", "team:growth", "team_created"},
		{"growth/signup", "project:growth/signup", "team_created"},
		{"growth/signup", "project:growth/signup", "team_changed"},
		{"growth", "team:growth", "team_changed"},
		{"growth/signup", "project:growth/signup", "team_deleted"},
		{"growth", "team:growth", "team_frozen"},
		{"growth/web", "project:growth/web", "project_created"}, // by a server that knew it already
		{"growth/web", "project:growth/web", "team_frozen"},     // no kind of a project
	} {
		if err := db.Exec(ctx, `INSERT INTO changes (function, scope, subject, kind, author, message, before, after, created_at) VALUES ('', ?, ?, ?, 'ada', 'why', 'null', '{}', ?)`,
			row[0], row[1], row[2], int64(i+1)*1_000_000); err != nil {
			t.Fatal(err)
		}
	}
	migration, err := os.ReadFile("migrations/sqlite/00085_project_changes.sql")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing left to do
		if err := db.Exec(ctx, string(migration)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := db.Audit().Changes(ctx, []access.Scope{access.Everything}, tenant.ChangeFilter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range slices.Backward(list) {
		if c.By == "ada" {
			got = append(got, c.Subject+" "+c.Kind)
		}
		if c.By == "ada" && (c.Message != "why" || string(c.After) != "{}") {
			t.Errorf("%+v", c)
		}
	}
	want := []string{
		"team:growth team_created", "project:growth/signup project_created", "project:growth/signup project_changed", "team:growth team_changed",
		"project:growth/signup project_deleted", "team:growth team_frozen", "project:growth/web project_created", "project:growth/web team_frozen",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if n, err := db.Count(ctx, "changes WHERE function = 'growth/signup/a' AND kind = 'registered'"); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
}
