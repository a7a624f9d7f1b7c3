package registrytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hadron/runtime/function"
	"hadron/runtime/registry"
)

// model is what the index must amount to, kept the plain way.
type model struct {
	functions map[function.Name]*modelFunction
	highest   map[function.Name]int // version number ever given
	changes   []registry.Kind
	bytes     map[function.ID]string // source of each version ever made
	steps     int
}

type modelFunction struct {
	sources map[int]string
	aliases map[string][]function.Weight
	way     []int // what live pointed at whole
}

func (m *modelFunction) find(source string) int {
	for n, s := range m.sources {
		if s == source {
			return n
		}
	}
	return 0
}

func (m *modelFunction) set(alias string, weights []function.Weight) {
	m.aliases[alias] = weights
	w := function.Alias{Weights: weights}.Whole()
	if alias == function.Live && w != 0 && (len(m.way) == 0 || m.way[len(m.way)-1] != w) {
		m.way = append(m.way, w)
	}
}

func (m *modelFunction) whole() int { return function.Alias{Weights: m.aliases[function.Live]}.Whole() }

var (
	names   = []function.Name{"a/b/c", "a/b/d", "b/b/c"}
	aliases = []string{"live", "canary", "next"}
	sources = []string{"one", "two", "three", "four", "five"}
)

// testModel: whatever the order of calls, the index is what the model says,
// memory and store agree, and the changes tell the whole story.
func testModel(t *testing.T, open func(tb testing.TB) registry.Store) {
	rapid.Check(t, func(rt *rapid.T) {
		ctx := context.Background()
		run := &scope{TB: t}
		defer run.end()
		store := open(run)
		r := Start(t, store)
		view := &View{}
		r.Follow(view)
		m := &model{
			functions: make(map[function.Name]*modelFunction), highest: make(map[function.Name]int), bytes: make(map[function.ID]string),
		}
		name := func(rt *rapid.T) function.Name { return rapid.SampledFrom(names).Draw(rt, "name") }
		rt.Repeat(map[string]func(*rapid.T){
			"register": func(rt *rapid.T) { m.register(ctx, rt, r, name(rt)) },
			"put":      func(rt *rapid.T) { m.put(ctx, rt, r, name(rt)) },
			"rollback": func(rt *rapid.T) { m.rollback(ctx, rt, r, name(rt)) },
			"delete":   func(rt *rapid.T) { m.remove(ctx, rt, r, name(rt)) },
			"restart": func(rt *rapid.T) {
				r = Start(t, store)
				view = &View{}
				r.Follow(view)
			},
			// Now and then: what has come apart stays apart.
			"": func(rt *rapid.T) {
				if m.steps++; m.steps%8 == 0 {
					m.check(ctx, rt, r, store, view)
				}
			},
		})
		m.check(ctx, rt, r, store, view)
	})
}

// scope is a TB whose clean-up happens at the end of one run of a property, not of the test.
type scope struct {
	testing.TB
	cleanups []func()
}

func (s *scope) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *scope) end() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
}

func (m *model) register(ctx context.Context, rt *rapid.T, r *registry.Registry, name function.Name) {
	source := rapid.SampledFrom(sources).Draw(rt, "source")
	alias := rapid.SampledFrom([]string{"", "", "live", "canary"}).Draw(rt, "alias")
	got, err := r.Register(ctx, registry.Registration{By: "ada", Name: name, Source: source, Alias: alias})
	if err != nil {
		rt.Fatal(err)
	}
	f := m.functions[name]
	isNew := f == nil
	if isNew {
		f = &modelFunction{sources: make(map[int]string), aliases: make(map[string][]function.Weight)}
		m.functions[name] = f
	}
	number := f.find(source)
	created := number == 0
	wasWhole := function.Alias{Weights: f.aliases[alias]}.Whole()
	if created {
		m.highest[name]++
		number = m.highest[name]
		f.sources[number] = source
		m.bytes[function.ID{Name: name, Version: number}] = source
	}
	if got.Created != created || got.Version.ID.Version != number {
		rt.Fatalf("registered %+v, want version %d created %t", got.Version.ID, number, created)
	}
	pointed := false
	for _, a := range []string{function.Live, alias} {
		if a == "" || (a != alias && !isNew) || (function.Alias{Weights: f.aliases[a]}).Whole() == number {
			continue
		}
		f.set(a, []function.Weight{{Version: number, Weight: 100}})
		pointed = true
	}
	switch {
	case created && (isNew || alias == function.Live), !created && pointed && alias == function.Live:
		m.changes = append(m.changes, registry.KindDeployed)
	case created:
		m.changes = append(m.changes, registry.KindRegistered)
	case pointed && wasWhole != number:
		m.changes = append(m.changes, registry.KindRepointed)
	}
}

func (m *model) put(ctx context.Context, rt *rapid.T, r *registry.Registry, name function.Name) {
	alias := function.Alias{Name: rapid.SampledFrom(aliases).Draw(rt, "alias")}
	for _, v := range rapid.SliceOfNDistinct(rapid.IntRange(1, 8), 1, 3, rapid.ID[int]).Draw(rt, "versions") {
		alias.Weights = append(alias.Weights, function.Weight{Version: v, Weight: rapid.IntRange(0, 3).Draw(rt, "weight")})
	}
	var ifMatch *int64
	if rapid.IntRange(0, 3).Draw(rt, "stale") == 0 {
		ifMatch = new(int64)
	}
	_, err := r.PutAlias(ctx, "bob", name, alias, ifMatch)
	f := m.functions[name]
	missing := f != nil && slices.ContainsFunc(alias.Weights, func(w function.Weight) bool { return f.sources[w.Version] == "" })
	var want error
	switch {
	case alias.Validate() != nil:
		want = function.ErrAlias
	case f == nil:
		want = registry.ErrNotFound
	case ifMatch != nil:
		want = registry.ErrStale // no revision is 0
	case missing:
		want = registry.ErrVersionNotFound
	}
	if !errors.Is(err, want) {
		rt.Fatalf("put %+v: got %v, want %v", alias, err, want)
	}
	if want == nil && !slices.Equal(f.aliases[alias.Name], alias.Weights) {
		f.set(alias.Name, alias.Weights)
		m.changes = append(m.changes, registry.KindRepointed)
	}
}

func (m *model) rollback(ctx context.Context, rt *rapid.T, r *registry.Registry, name function.Name) {
	to := rapid.IntRange(0, 6).Draw(rt, "to") / 2
	live, from, err := r.Rollback(ctx, "bob", name, to)
	f := m.functions[name]
	if f == nil {
		if !errors.Is(err, registry.ErrNotFound) {
			rt.Fatalf("rollback of none: %v", err)
		}
		return
	}
	last := len(f.way) - 1
	explicit := to != 0
	if !explicit {
		switch {
		case f.whole() != f.way[last]:
			to = f.way[last]
		case last > 0:
			to = f.way[last-1]
		default:
			if !errors.Is(err, registry.ErrNoPrevious) {
				rt.Fatalf("rollback with nothing before: %v", err)
			}
			return
		}
	}
	if f.sources[to] == "" {
		if !errors.Is(err, registry.ErrVersionNotFound) {
			rt.Fatalf("rollback to unknown: %v", err)
		}
		return
	}
	if err != nil || live.Whole() != to || from != f.way[last] {
		rt.Fatalf("rollback to %d: %+v from %d, %v; want from %d", to, live, from, err, f.way[last])
	}
	if f.whole() == to {
		return
	}
	way := f.way
	for i := range way {
		if way[len(way)-1-i] == to {
			f.way = slices.Clone(way[:len(way)-i])
			break
		}
		f.way = slices.Clone(way[:last])
	}
	f.set(function.Live, []function.Weight{{Version: to, Weight: 100}})
	m.changes = append(m.changes, registry.KindRolledBack)
}

func (m *model) remove(ctx context.Context, rt *rapid.T, r *registry.Registry, name function.Name) {
	err := r.Delete(ctx, "bob", name)
	if m.functions[name] == nil {
		if !errors.Is(err, registry.ErrNotFound) {
			rt.Fatalf("delete of none: %v", err)
		}
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	delete(m.functions, name)
	m.changes = append(m.changes, registry.KindDeleted)
}

func (m *model) check(ctx context.Context, rt *rapid.T, r *registry.Registry, store registry.Store, view *View) {
	list := must(r.List(ctx, registry.Filter{}))(rt)
	snap := must(store.Load(ctx))(rt)
	var stored []function.Function
	for _, rec := range snap.Records {
		stored = append(stored, rec.Function)
	}
	equal(rt, "memory and store", list, stored)
	equal(rt, "follower and list", view.Functions(), list)
	if len(list) != len(m.functions) {
		rt.Fatalf("%d functions, want %d", len(list), len(m.functions))
	}
	for _, f := range list {
		m.checkFunction(ctx, rt, r, f)
	}
	changes := must(store.Changes(ctx, registry.ChangeFilter{Limit: len(m.changes) + 1}))(rt)
	var kinds []registry.Kind
	for _, c := range changes {
		kinds = append(kinds, c.Kind)
		if !json.Valid(c.Before) || !json.Valid(c.After) || c.By == "" {
			rt.Fatalf("change %+v", c)
		}
	}
	equal(rt, "changes", kinds, m.changes)
}

func (m *model) checkFunction(ctx context.Context, rt *rapid.T, r *registry.Registry, f function.Function) {
	want := m.functions[f.Name]
	if want == nil {
		rt.Fatalf("%s is there", f.Name)
	}
	got := make(map[string][]function.Weight)
	named := make(map[int]bool)
	for _, a := range f.Aliases {
		got[a.Name] = a.Weights
		for _, w := range a.Weights {
			named[w.Version] = true
		}
	}
	equal(rt, "aliases", got, want.aliases)
	equal(rt, "latest and spec", []int{f.Latest, f.SpecOf}, []int{m.highest[f.Name], want.way[len(want.way)-1]})
	for _, v := range f.Versions {
		delete(named, v.ID.Version)
	}
	if len(named) > 0 {
		rt.Fatalf("%s: aliases name versions %v that are not there", f.Name, named)
	}
	versions := must(r.Versions(ctx, f.Name, 0, 0))(rt)
	if len(versions) != len(want.sources) {
		rt.Fatalf("%s: %d versions, want %d", f.Name, len(versions), len(want.sources))
	}
	for _, v := range versions {
		source := m.bytes[v.ID]
		digest := must(function.Digest(source, nil))(rt)
		bundle := must(r.Bundle(ctx, v.ID))(rt)
		equal(rt, "version", []string{v.Digest, string(bundle.Code), fmt.Sprint(bundle.ID)}, []string{digest, "built:" + source, fmt.Sprint(v.ID)})
	}
}
