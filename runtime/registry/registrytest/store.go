package registrytest

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hadron/runtime/function"
	"hadron/runtime/registry"
)

var at = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

// must is used as must(f())(t), since a call of several results can stand only alone.
func must[T any](v T, err error) func(rapid.TB) T {
	return func(t rapid.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantErr(t rapid.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func equal(t rapid.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// first is the write that brings a function into being, with live at its version 1.
func first(name function.Name, source string) registry.Commit {
	v := version(name, 1, source)
	live := function.Alias{Name: function.Live, Weights: []function.Weight{{Version: 1, Weight: 100}}}
	return registry.Commit{
		Next: registry.Record{
			Function: function.Function{
				Name: name, Latest: 1, Aliases: []function.Alias{live}, Versions: []function.Version{v.Version},
				Spec: v.Version.Manifest, SpecOf: 1, CreatedAt: at, UpdatedAt: at.Add(time.Second), UpdatedBy: "ada",
			},
			Lived: []int{1},
		},
		Version: &v, Aliases: []function.Alias{live},
		Change: change(name, registry.KindDeployed),
	}
}

func version(name function.Name, number int, source string) registry.NewVersion {
	authored := `{"description":"` + source + `"}`
	digest, _ := function.Digest(source, []byte(authored))
	m := function.DefaultManifest()
	m.Description = source
	text, _ := json.Marshal(m)
	return registry.NewVersion{
		Version: function.Version{
			ID: function.ID{Name: name, Version: number}, Digest: digest, Manifest: m,
			Author: "ada", Message: "why", Size: len(source), CreatedAt: at,
		},
		Content: registry.Content{
			Parts: map[registry.Part][]byte{
				registry.PartSource: []byte(source), registry.PartCode: []byte("code of " + source), registry.PartMap: []byte("{}"),
			},
			Builder: "test 1", Manifest: text, Authored: json.RawMessage(authored),
		},
	}
}

func change(name function.Name, kind registry.Kind) registry.Change {
	return registry.Change{
		Kind: kind, Function: name, By: "ada", Message: "why",
		Before: json.RawMessage("null"), After: json.RawMessage(`{"version":1}`), Time: at,
	}
}

// then is the write after rec that adds a version without alias.
func then(rec registry.Record, source string) registry.Commit {
	c := registry.Commit{Expect: rec.Revision, Next: rec, Change: change(rec.Function.Name, registry.KindRegistered)}
	c.Next.Function.Latest++
	v := version(rec.Function.Name, c.Next.Function.Latest, source)
	c.Version = &v
	return c
}

func gone(rec registry.Record) registry.Commit {
	return registry.Commit{
		Expect: rec.Revision,
		Next: registry.Record{
			Deleted:  true,
			Function: function.Function{Name: rec.Function.Name, Latest: rec.Function.Latest, CreatedAt: at, UpdatedAt: at, UpdatedBy: "ada"},
		},
		Change: change(rec.Function.Name, registry.KindDeleted),
	}
}

func load(t testing.TB, s registry.Store, name function.Name) registry.Record {
	t.Helper()
	snap := must(s.Load(t.Context(), name))(t)
	if len(snap.Records) != 1 {
		t.Fatalf("%s: %d records", name, len(snap.Records))
	}
	return snap.Records[0]
}

func testRoundTrip(t *testing.T, s registry.Store) {
	ctx := t.Context()
	snap := must(s.Load(ctx))(t)
	equal(t, "empty store", []any{snap.Cursor, len(snap.Records)}, []any{int64(0), 0})

	c := first("a/b/two", "one")
	for _, a := range []*function.Alias{&c.Next.Function.Aliases[0], &c.Aliases[0]} {
		a.Sticky = function.Sticky{Header: "X-User", Cookie: "visitor", Issue: true}
		a.Parts = []function.Part{{Version: 1, Size: 1}, {Version: 2, Size: 1<<32 - 1}} // kept as they are
	}
	cursor := must(s.Commit(ctx, c))(t)
	want := c.Next
	want.Revision, want.Function.Aliases[0].Revision = cursor, cursor
	equal(t, "record", load(t, s, "a/b/two"), want)

	must(s.Commit(ctx, first("a/b/one", "one")))(t)
	snap = must(s.Load(ctx))(t)
	equal(t, "names", []function.Name{snap.Records[0].Function.Name, snap.Records[1].Function.Name}, []function.Name{"a/b/one", "a/b/two"})
	equal(t, "second record", snap.Records[1], want)
	equal(t, "unknown", len(must(s.Load(ctx, "no/such/function"))(t).Records), 0)
	if snap.Cursor <= cursor {
		t.Fatalf("cursor %d after %d", snap.Cursor, cursor)
	}
}

func testAtomic(t *testing.T, s registry.Store) {
	ctx := t.Context()
	must(s.Commit(ctx, first("a/b/c", "one")))(t)
	rec := load(t, s, "a/b/c")
	bad := then(rec, "two")
	bad.Aliases = []function.Alias{{Name: "next", Weights: []function.Weight{{Version: 2, Weight: 1}, {Version: 7, Weight: 1}}}}
	_, err := s.Commit(ctx, bad)
	wantErr(t, err, registry.ErrVersionNotFound)
	equal(t, "record", load(t, s, "a/b/c"), rec)
	equal(t, "changes", len(must(s.Changes(ctx, registry.ChangeFilter{Limit: 10}))(t)), 1)
	equal(t, "versions", len(must(s.Versions(ctx, registry.VersionQuery{Name: "a/b/c", Limit: 10}))(t)), 1)
	_, err = s.Content(ctx, function.ID{Name: "a/b/c", Version: 2}, registry.PartSource)
	wantErr(t, err, registry.ErrVersionNotFound)
}

func testConflict(t *testing.T, s registry.Store) {
	ctx := t.Context()
	must(s.Commit(ctx, first("a/b/c", "one")))(t)
	_, err := s.Commit(ctx, first("a/b/c", "two"))
	wantErr(t, err, registry.ErrConflict)
	rec := load(t, s, "a/b/c")
	must(s.Commit(ctx, then(rec, "two")))(t)
	_, err = s.Commit(ctx, then(rec, "three"))
	wantErr(t, err, registry.ErrConflict)
	again := then(load(t, s, "a/b/c"), "one") // the digest is taken
	_, err = s.Commit(ctx, again)
	wantErr(t, err, registry.ErrConflict)
	equal(t, "latest", load(t, s, "a/b/c").Function.Latest, 2)
}

func testTombstone(t *testing.T, s registry.Store) {
	ctx := t.Context()
	must(s.Commit(ctx, first("a/b/c", "one")))(t)
	must(s.Commit(ctx, then(load(t, s, "a/b/c"), "two")))(t)
	must(s.Commit(ctx, gone(load(t, s, "a/b/c"))))(t)
	rec := load(t, s, "a/b/c")
	equal(t, "tombstone", []any{rec.Deleted, rec.Function.Latest, len(rec.Function.Aliases), len(rec.Function.Versions), len(rec.Lived), rec.Function.SpecOf},
		[]any{true, 2, 0, 0, 0, 0})
	equal(t, "listed", len(must(s.Load(ctx))(t).Records), 0)
	equal(t, "versions", len(must(s.Versions(ctx, registry.VersionQuery{Name: "a/b/c", Limit: 10}))(t)), 0)

	again := first("a/b/c", "one")
	again.Expect = rec.Revision
	again.Next.Function.Latest, again.Next.Function.SpecOf, again.Next.Lived = 3, 3, []int{3}
	v := version("a/b/c", 3, "one")
	again.Version = &v
	again.Aliases = []function.Alias{{Name: function.Live, Weights: []function.Weight{{Version: 3, Weight: 1}}}}
	must(s.Commit(ctx, again))(t)
	rec = load(t, s, "a/b/c")
	equal(t, "again", []any{rec.Deleted, rec.Function.Latest, rec.Function.Versions[0].ID.Version}, []any{false, 3, 3})
}

func testVersions(t *testing.T, s registry.Store) {
	ctx := t.Context()
	must(s.Commit(ctx, first("a/b/c", "v1")))(t)
	for _, source := range []string{"v2", "v3", "v4", "v5"} {
		must(s.Commit(ctx, then(load(t, s, "a/b/c"), source)))(t)
	}
	must(s.Commit(ctx, first("a/b/other", "v1")))(t)
	numbers := func(q registry.VersionQuery) []int {
		q.Name = "a/b/c"
		var out []int
		for _, v := range must(s.Versions(ctx, q))(t) {
			out = append(out, v.ID.Version)
		}
		return out
	}
	equal(t, "newest", numbers(registry.VersionQuery{Limit: 2}), []int{5, 4})
	equal(t, "before", numbers(registry.VersionQuery{Before: 4, Limit: 2}), []int{3, 2})
	equal(t, "last", numbers(registry.VersionQuery{Before: 2, Limit: 2}), []int{1})
	equal(t, "number", numbers(registry.VersionQuery{Number: 3, Limit: 1}), []int{3})
	want := version("a/b/c", 3, "v3").Version
	equal(t, "digest", numbers(registry.VersionQuery{Digest: want.Digest, Limit: 2}), []int{3})
	equal(t, "start of digest", numbers(registry.VersionQuery{Digest: want.Digest[:len("sha256:")+12], Limit: 2}), []int{3})
	equal(t, "all that is a digest", len(numbers(registry.VersionQuery{Digest: "sha256:", Limit: 10})), 5)
	equal(t, "no digest", numbers(registry.VersionQuery{Digest: "sha256:0123456789ab", Limit: 2}), []int(nil))
	equal(t, "metadata", must(s.Versions(ctx, registry.VersionQuery{Name: "a/b/c", Number: 3, Limit: 1}))(t)[0], want)
}

func testChanges(t *testing.T, s registry.Store) {
	ctx := t.Context()
	var cursors []int64
	for i, name := range []function.Name{"a/b/one", "a/b/two"} {
		cursors = append(cursors, must(s.Commit(ctx, first(name, "x")))(t))
		cursors = append(cursors, must(s.Commit(ctx, then(load(t, s, name), "y")))(t))
		if !slices.IsSorted(cursors) || len(slices.Compact(slices.Clone(cursors))) != 2*(i+1) {
			t.Fatalf("cursors %v do not grow", cursors)
		}
	}
	list := func(f registry.ChangeFilter) []int64 {
		var out []int64
		for _, c := range must(s.Changes(ctx, f))(t) {
			out = append(out, c.Cursor)
		}
		return out
	}
	equal(t, "all", list(registry.ChangeFilter{Limit: 10}), cursors)
	equal(t, "after", list(registry.ChangeFilter{After: cursors[1], Limit: 1}), cursors[2:3])
	equal(t, "newest", list(registry.ChangeFilter{Before: registry.Newest, Limit: 2}), []int64{cursors[3], cursors[2]})
	equal(t, "between", list(registry.ChangeFilter{After: cursors[0], Before: cursors[3], Limit: 9}), []int64{cursors[2], cursors[1]})
	equal(t, "of one", list(registry.ChangeFilter{Name: "a/b/two", Limit: 9}), cursors[2:])
	got := must(s.Changes(ctx, registry.ChangeFilter{Limit: 1}))(t)[0]
	want := change("a/b/one", registry.KindDeployed)
	want.Cursor = cursors[0]
	equal(t, "change", got, want)
}

func testContent(t *testing.T, s registry.Store) {
	ctx := t.Context()
	must(s.Commit(ctx, first("a/b/one", "same")))(t)
	must(s.Commit(ctx, first("a/b/two", "same")))(t)
	must(s.Commit(ctx, gone(load(t, s, "a/b/one"))))(t)
	_, err := s.Content(ctx, function.ID{Name: "a/b/one", Version: 1}, registry.PartCode)
	wantErr(t, err, registry.ErrVersionNotFound)
	id := function.ID{Name: "a/b/two", Version: 1}
	got := must(s.Content(ctx, id, registry.Parts...))(t)
	equal(t, "content", got, version("a/b/two", 1, "same").Content)
	got = must(s.Content(ctx, id, registry.PartMap))(t)
	equal(t, "parts", got.Parts, map[registry.Part][]byte{registry.PartMap: []byte("{}")})
	must(s.Commit(ctx, gone(load(t, s, "a/b/two"))))(t)
	_, err = s.Content(ctx, id, registry.PartCode)
	wantErr(t, err, registry.ErrVersionNotFound)
}

// testCancelled: a write under an ended context is made whole or not at all.
func testCancelled(t *testing.T, s registry.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Commit(ctx, first("a/b/c", "one")); err == nil {
		t.Fatal("a commit under an ended context was accepted")
	}
	equal(t, "functions", len(must(s.Load(t.Context()))(t).Records), 0)
	must(s.Commit(t.Context(), first("a/b/c", "one")))(t)
}
