package registry_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"

	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/runtime/registry/registrytest"
	"hadron/storage/sql/sqltest"
)

func TestFollowersSeeTheListAndEachWrite(t *testing.T) {
	store := sqltest.MustOpen(t).Registry()
	register(t, registrytest.Start(t, store), "v1", "")

	r, err := registry.New(registry.Config{Store: store, Builder: &registrytest.Builder{}})
	if err != nil {
		t.Fatal(err)
	}
	early, late := &registrytest.View{}, &registrytest.View{}
	r.Follow(early)
	wake, cancel := r.Wake()
	defer cancel()
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-wake
	r.Follow(late)
	for what, view := range map[string]*registrytest.View{"early": early, "late": late} {
		if fs := view.Functions(); len(fs) != 1 || fs[0].Latest != 1 {
			t.Errorf("%s: %+v", what, fs)
		}
	}
	got := register(t, r, "v2", "live")
	<-wake
	for what, view := range map[string]*registrytest.View{"early": early, "late": late} {
		if fs := view.Functions(); !reflect.DeepEqual(fs, []function.Function{got.Function}) {
			t.Errorf("%s: %+v", what, fs)
		}
	}
	if err := r.Delete(t.Context(), "ada", name); err != nil {
		t.Fatal(err)
	}
	if n := len(early.Functions()) + len(late.Functions()); n != 0 {
		t.Errorf("%d left", n)
	}
	<-wake
	cancel()
	register(t, r, "v3", "")
	select {
	case <-wake:
		t.Error("woken after cancel")
	default:
	}
}

func TestBuildsAreBoundedAndWaitingEndsWithTheCaller(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	var running, most atomic.Int64
	b := &registrytest.Builder{Before: func() {
		most.Store(max(most.Load(), running.Add(1)))
		entered <- struct{}{}
		<-leave
		running.Add(-1)
	}}
	r := start(t, func(c *registry.Config) { c.Builder, c.MaxBuilds = b, 1 })
	done := make(chan error)
	go func() {
		_, err := r.Register(context.Background(), registry.Registration{By: "ada", Name: name, Source: "x"})
		done <- err
	}()
	<-entered
	why := errors.New("went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := r.Register(ctx, registry.Registration{By: "ada", Name: "a/b/c", Source: "y"}); !errors.Is(err, why) && !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for a build: %v", err)
	}
	close(leave)
	if err := <-done; err != nil || most.Load() != 1 {
		t.Errorf("%v with %d builds at once", err, most.Load())
	}
}

// Bundles beyond the bound are read again; what is asked for is always right.
func TestBundleCacheIsBounded(t *testing.T) {
	counted := &countingStore{Store: sqltest.MustOpen(t).Registry()}
	r := start(t, func(c *registry.Config) { c.Store, c.CacheBytes = counted, 3<<10 })
	for i := range 4 {
		register(t, r, fmt.Sprint("v", i), "")
	}
	read := func(version int) {
		t.Helper()
		b, err := r.Bundle(t.Context(), function.ID{Name: name, Version: version})
		if err != nil || string(b.Code) != fmt.Sprint("built:v", version-1) {
			t.Fatalf("%d: %s %v", version, b.Code, err)
		}
	}
	for _, version := range []int{1, 2, 1, 3, 1, 2} { // two fit: 3 pushes out 2
		read(version)
	}
	if n := counted.contents.Load(); n != 4 {
		t.Errorf("%d reads of the store, want 4", n)
	}
}

type countingStore struct {
	registry.Store
	contents atomic.Int64
}

func (s *countingStore) Content(ctx context.Context, id function.ID, parts ...registry.Part) (registry.Content, error) {
	s.contents.Add(1)
	return s.Store.Content(ctx, id, parts...)
}

// A store that fails leaves the index where it was, and says so.
func TestFailedCommitChangesNothing(t *testing.T) {
	failing := &failingStore{Store: sqltest.MustOpen(t).Registry()}
	r := start(t, func(c *registry.Config) { c.Store = failing })
	register(t, r, "v1", "")
	before, _ := r.Get(t.Context(), name)
	failing.err = errors.New("disk on fire")
	if _, err := r.Register(t.Context(), registry.Registration{By: "ada", Name: name, Source: "v2", Alias: "live"}); !errors.Is(err, failing.err) {
		t.Errorf("register: %v", err)
	}
	if err := r.Delete(t.Context(), "ada", name); !errors.Is(err, failing.err) {
		t.Errorf("delete: %v", err)
	}
	if after, _ := r.Get(t.Context(), name); !reflect.DeepEqual(before, after) {
		t.Errorf("%+v became %+v", before, after)
	}
	failing.err = registry.ErrConflict
	if err := r.Delete(t.Context(), "ada", name); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("endless conflict: %v", err)
	}
}

type failingStore struct {
	registry.Store
	err error
}

func (s *failingStore) Commit(ctx context.Context, c registry.Commit) (int64, error) {
	if s.err != nil {
		return 0, s.err
	}
	return s.Store.Commit(ctx, c)
}

// The list of everything is the same until something changes, and then all but what
// changed is the same.
func TestAllIsSharedUntilSomethingChanges(t *testing.T) {
	r := registrytest.Start(t, sqltest.MustOpen(t).Registry())
	for _, n := range []function.Name{"b/p/f", "a/p/f", "c/p/f"} {
		if _, err := r.Register(t.Context(), registry.Registration{By: "ada", Name: n, Source: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	first := r.All()
	if len(first) != 3 || first[0].Name != "a/p/f" || first[2].Name != "c/p/f" {
		t.Fatalf("%v", first)
	}
	if again := r.All(); &again[0] != &first[0] {
		t.Error("a list of its own, although nothing changed")
	}
	before := *first[1]
	if _, err := r.Register(t.Context(), registry.Registration{By: "ada", Name: "b/p/f", Source: "y", Alias: "live"}); err != nil {
		t.Fatal(err)
	}
	second := r.All()
	if second[0] != first[0] || second[2] != first[2] || second[1] == first[1] || second[1].Latest != 2 {
		t.Errorf("after a change: %v, %v", first, second)
	}
	if !reflect.DeepEqual(*first[1], before) {
		t.Error("the list that was handed out changed")
	}
	if err := r.Delete(t.Context(), "ada", "a/p/f"); err != nil {
		t.Fatal(err)
	}
	if third := r.All(); len(third) != 2 || third[0] != second[1] || len(second) != 3 {
		t.Errorf("after a deletion: %v", third)
	}
}
