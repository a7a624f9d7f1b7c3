package registrytest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"hadron/runtime/function"
	"hadron/runtime/registry"
)

// testNodes: two registries over one store, as two nodes have.
func testNodes(t *testing.T, s registry.Store) {
	ctx := t.Context()
	a, b := Start(t, s), Start(t, s)
	view := &View{}
	b.Follow(view)
	for i := range 3 {
		must(a.Register(ctx, registry.Registration{By: "ada", Name: "a/b/c", Source: fmt.Sprint("v", i), Alias: "live"}))(t)
	}
	// b has not looked yet and writes all the same: on top of what a wrote.
	got := must(b.Register(ctx, registry.Registration{By: "bob", Name: "a/b/c", Source: "from b"}))(t)
	equal(t, "version", got.Version.ID.Version, 4)
	must(a.Register(ctx, registry.Registration{By: "ada", Name: "a/b/d", Source: "x"}))(t)
	wake, cancel := b.Wake()
	defer cancel()
	if err := b.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	<-wake
	if err := a.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	equal(t, "lists", must(b.List(ctx, registry.Filter{}))(t), must(a.List(ctx, registry.Filter{}))(t))
	if err := a.Delete(ctx, "ada", "a/b/c"); err != nil {
		t.Fatal(err)
	}
	if err := b.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	equal(t, "follower", view.Functions(), must(b.List(ctx, registry.Filter{}))(t))
	equal(t, "left", len(view.Functions()), 1)
}

// testConcurrent: many at once make each version once, and a follower sees every
// function as it is in the end.
func testConcurrent(t *testing.T, s registry.Store) {
	ctx := context.WithoutCancel(t.Context())
	r := Start(t, s)
	view := &View{}
	r.Follow(view)
	const writers, sources = 8, 5
	created := make([]int, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range sources {
				got, err := r.Register(ctx, registry.Registration{By: "ada", Name: "a/b/c", Source: fmt.Sprint("v", i), Alias: "live"})
				if err != nil {
					t.Error(err)
					return
				}
				if got.Created {
					created[w]++
				}
				if _, err := r.PutAlias(ctx, "bob", "a/b/c", function.Alias{Name: "canary", Weights: got.Function.Aliases[len(got.Function.Aliases)-1].Weights}, nil); err != nil {
					t.Error(err)
				}
				if _, err := r.Bundle(ctx, got.Version.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	sum := 0
	for _, n := range created {
		sum += n
	}
	equal(t, "created", sum, sources)
	f := must(r.Get(ctx, "a/b/c"))(t)
	equal(t, "latest", f.Latest, sources)
	equal(t, "follower", view.Functions(), []function.Function{f})
	equal(t, "store", load(t, s, "a/b/c").Function, f)
	equal(t, "stale applies", view.Stale(), 0)
}
