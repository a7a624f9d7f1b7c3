package registry_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"hadron/runtime/function"
	"hadron/runtime/registry"
)

func weights(pairs ...int) []function.Weight {
	var out []function.Weight
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, function.Weight{Version: pairs[i], Weight: pairs[i+1]})
	}
	return out
}

func put(t testing.TB, r *registry.Registry, alias string, pairs ...int) function.Alias {
	t.Helper()
	a, err := r.PutAlias(t.Context(), "bob", name, function.Alias{Name: alias, Weights: weights(pairs...)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func three(t testing.TB) *registry.Registry {
	t.Helper()
	r := start(t, nil)
	for i := range 3 {
		register(t, r, fmt.Sprint("v", i+1), "live")
	}
	return r
}

func TestIfMatch(t *testing.T) {
	r := three(t)
	a, err := r.Alias(t.Context(), name, "live")
	if err != nil {
		t.Fatal(err)
	}
	rev := a.Revision
	next := function.Alias{Name: "live", Weights: weights(3, 95, 2, 5), Sticky: function.Sticky{Cookie: "v"}}
	b, err := r.PutAlias(t.Context(), "bob", name, next, &rev)
	if err != nil || b.Revision <= rev || b.Sticky != next.Sticky {
		t.Fatalf("%+v %v", b, err)
	}
	if _, err := r.PutAlias(t.Context(), "bob", name, next, &rev); !errors.Is(err, registry.ErrStale) {
		t.Errorf("stale: %v", err)
	}
	if c, err := r.PutAlias(t.Context(), "bob", name, next, nil); err != nil || c.Revision != b.Revision {
		t.Errorf("the same again made revision %d of %d, %v", c.Revision, b.Revision, err)
	}
	next.Name = "fresh"
	if _, err := r.PutAlias(t.Context(), "bob", name, next, &rev); !errors.Is(err, registry.ErrStale) {
		t.Errorf("new alias with If-Match: %v", err)
	}
	next.Weights = weights(9, 1)
	if _, err := r.PutAlias(t.Context(), "bob", name, next, nil); !errors.Is(err, registry.ErrVersionNotFound) {
		t.Errorf("unknown version: %v", err)
	}
	if _, err := r.PutAlias(t.Context(), "bob", "no/such/one", next, nil); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("unknown function: %v", err)
	}
}

func TestSpecIsOfTheLastWholeLive(t *testing.T) {
	r := start(t, nil)
	for i := range 3 {
		_, err := r.Register(t.Context(), registry.Registration{By: "ada", Name: name, Source: "x", Manifest: fmt.Appendf(nil, `{"owner":"o%d"}`, i+1)})
		if err != nil {
			t.Fatal(err)
		}
	}
	spec := func() string {
		f, err := r.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d %s %d", f.SpecOf, f.Spec.Owner, len(f.Versions))
	}
	if got := spec(); got != "1 o1 1" {
		t.Error(got)
	}
	put(t, r, "live", 2, 50, 3, 50)
	if got := spec(); got != "1 o1 2" {
		t.Error("while split: " + got)
	}
	put(t, r, "live", 2, 0, 3, 1)
	if got := spec(); got != "3 o3 2" {
		t.Error("whole again: " + got)
	}
}

func rollback(t testing.TB, r *registry.Registry, to int) string {
	t.Helper()
	a, from, err := r.Rollback(t.Context(), "bob", name, to)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d to %d", from, a.Whole())
}

func TestRollbackGoesFurtherBackEachTime(t *testing.T) {
	r := three(t)
	for _, want := range []string{"3 to 2", "2 to 1", "roll back shop/web/cart: live has pointed at no version before this one"} {
		if got := rollback(t, r, 0); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	register(t, r, "v4", "live")
	if got := rollback(t, r, 0); got != "4 to 1" {
		t.Error("after a new deployment: " + got)
	}
}

func TestRollbackToAVersion(t *testing.T) {
	r := three(t)
	if got := rollback(t, r, 1); got != "3 to 1" {
		t.Error(got)
	}
	if _, _, err := r.Rollback(t.Context(), "bob", name, 0); !errors.Is(err, registry.ErrNoPrevious) {
		t.Errorf("behind the first: %v", err)
	}
	register(t, r, "v4", "") // never live
	if got := rollback(t, r, 4); got != "1 to 4" {
		t.Error(got)
	}
	if _, _, err := r.Rollback(t.Context(), "bob", name, 9); !errors.Is(err, registry.ErrVersionNotFound) {
		t.Errorf("unknown: %v", err)
	}
	before := len(changes(t, r))
	if got := rollback(t, r, 4); got != "4 to 4" || len(changes(t, r)) != before {
		t.Error("to where it is: " + got)
	}
}

// A canary is ended by going back to what was live before it.
func TestRollbackOfASplitKeepsSticky(t *testing.T) {
	r := three(t)
	_, err := r.PutAlias(t.Context(), "bob", name, function.Alias{Name: "live", Weights: weights(3, 90, 1, 10), Sticky: function.Sticky{Header: "X-User"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := rollback(t, r, 0); got != "3 to 3" {
		t.Error(got)
	}
	if a, _ := r.Alias(t.Context(), name, "live"); a.Sticky.Header != "X-User" || a.Whole() != 3 {
		t.Errorf("%+v", a)
	}
	if got := rollback(t, r, 0); got != "3 to 2" {
		t.Error("and once more: " + got)
	}
}

func TestChangesTellWhatLiveMeant(t *testing.T) {
	r := start(t, nil)
	register(t, r, "v1", "")
	register(t, r, "v2", "")
	put(t, r, "canary", 2, 1)
	put(t, r, "live", 1, 95, 2, 5)
	register(t, r, "v3", "live")
	rollback(t, r, 1)
	if err := r.Delete(t.Context(), "eve", name); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes(t, r) {
		from, to, touched := c.Live()
		got = append(got, fmt.Sprintf("%d %s %s %v %v %t", c.Cursor, c.Kind, c.By, from, to, touched))
	}
	want := []string{
		"1 deployed ada [] [{1 100}] true",
		"2 registered ada [] [] false",
		"3 repointed bob [] [] false",
		"4 repointed bob [{1 100}] [{1 95} {2 5}] true",
		"5 deployed ada [{1 95} {2 5}] [{3 100}] true",
		"6 rolled_back bob [{3 100}] [{1 100}] true",
		"7 deleted eve [{1 100}] [] true",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAliasesAreBounded(t *testing.T) {
	r := three(t)
	for i := range registry.MaxAliases - 1 {
		put(t, r, fmt.Sprint("a", i), 1, 1)
	}
	_, err := r.PutAlias(t.Context(), "bob", name, function.Alias{Name: "more", Weights: weights(1, 1)}, nil)
	if !errors.Is(err, registry.ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	put(t, r, "a0", 2, 1)
}
