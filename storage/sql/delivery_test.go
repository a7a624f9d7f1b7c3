package sql_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"hadron/runtime/delivery"
	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/storage/sql/sqltest"
)

// A rollout and the alias are written together or not at all.
func TestRolloutAndAliasAreOneWrite(t *testing.T) {
	ctx := t.Context()
	db := sqltest.MustOpenAt(t, filepath.Join(t.TempDir(), "hadron.db"))
	builder := builderFunc(func(_ context.Context, src registry.Source) (function.Bundle, error) {
		return function.Bundle{Code: []byte(src.Source), Builder: "test"}, nil
	})
	index, err := registry.New(registry.Config{Store: db.Registry(), Builder: builder})
	if err != nil {
		t.Fatal(err)
	}
	if err := index.Start(ctx); err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{"one", "two"} {
		if _, err := index.Register(ctx, registry.Registration{By: "ada", Name: "a/b/c", Source: source}); err != nil {
			t.Fatal(err)
		}
	}
	alias, err := index.Alias(ctx, "a/b/c", function.Live)
	if err != nil {
		t.Fatal(err)
	}
	now := time.UnixMicro(1_790_000_000_000_000).UTC()
	r := delivery.Rollout{
		Function: "a/b/c", Alias: "live", From: 1, To: 2, State: delivery.Pending, StartedAt: now, UpdatedAt: now, StateAt: now,
		Plan: function.Delivery{Strategy: "canary"}.WithDefaults(), AliasRevision: alias.Revision,
	}
	move := func(weights []function.Weight, revision int64, settle bool, r delivery.Rollout) (int64, error) {
		return index.Deliver(ctx, registry.Delivery{
			By: "hadron", Kind: registry.KindRollout, Name: "a/b/c", Alias: "live", Weights: weights, Revision: revision, Settle: settle,
			Beside: delivery.Write{Rollout: r, Points: weights != nil, Events: []delivery.Event{{Time: now, Kind: delivery.EventState, Text: string(r.State)}}},
		})
	}
	id, err := move(nil, alias.Revision, false, r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := move(nil, alias.Revision, false, r); !errors.Is(err, registry.ErrStale) {
		t.Errorf("a second active rollout: %v", err)
	}
	store := db.Delivery()
	found, err := store.Active(ctx)
	if err != nil || len(found) != 1 || found[0].ID != id || found[0].Revision != 1 || found[0].AliasRevision != alias.Revision {
		t.Fatalf("%+v, %v", found, err)
	}
	// All of it, without its objectives: live goes on meaning version 1.
	next := found[0]
	next.State, next.Step = delivery.Running, 1
	all := []function.Weight{{Version: 2, Weight: 100}}
	cursor, err := move(all, alias.Revision, false, next)
	if err != nil {
		t.Fatal(err)
	}
	if f, _ := index.Get(ctx, "a/b/c"); f.SpecOf != 1 || f.Aliases[0].Whole() != 2 || f.Aliases[0].Revision != cursor {
		t.Errorf("%+v", f)
	}
	if _, err := move(all, alias.Revision, false, next); !errors.Is(err, registry.ErrStale) {
		t.Errorf("the step again: %v", err)
	}
	old := next // read before the step
	if err := store.Save(ctx, delivery.Write{Rollout: old}); !errors.Is(err, delivery.ErrConflict) {
		t.Errorf("a write that was overtaken: %v", err)
	}
	if found, err = store.Rollouts(ctx, id); err != nil || found[0].AliasRevision != cursor || found[0].Step != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	next = found[0]
	next.State = delivery.Completed
	if _, err := move(all, cursor, true, next); err != nil {
		t.Fatal(err)
	}
	if f, _ := index.Get(ctx, "a/b/c"); f.SpecOf != 2 {
		t.Errorf("objectives are of version %d after the end", f.SpecOf)
	}
	events, err := store.Events(ctx, id)
	if err != nil || len(events) != 3 || events[2].Text != "completed" || !events[0].Time.Equal(now) {
		t.Errorf("%+v, %v", events, err)
	}
	if found, err := store.Active(ctx); err != nil || len(found) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	if found, err := store.Find(ctx, delivery.Filter{Function: "a/b/c", Alias: "live", Before: id + 1, Limit: 5}); err != nil || len(found) != 1 {
		t.Errorf("%+v, %v", found, err)
	}
	if err := db.Check(ctx); err != nil {
		t.Error(err)
	}
}

type builderFunc func(context.Context, registry.Source) (function.Bundle, error)

func (f builderFunc) Build(ctx context.Context, src registry.Source) (function.Bundle, error) {
	return f(ctx, src)
}

func TestCursorsOfFeeds(t *testing.T) {
	ctx := t.Context()
	store := sqltest.MustOpenAt(t, filepath.Join(t.TempDir(), "hadron.db")).Delivery()
	if _, known, err := store.Cursor(ctx, "x"); known || err != nil {
		t.Errorf("%v, %v", known, err)
	}
	for _, at := range []int64{3, 9} {
		if err := store.PutCursor(ctx, "x", at); err != nil {
			t.Fatal(err)
		}
	}
	if at, known, err := store.Cursor(ctx, "x"); at != 9 || !known || err != nil {
		t.Errorf("%d, %v, %v", at, known, err)
	}
}
