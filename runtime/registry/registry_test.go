package registry_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/runtime/registry/registrytest"
	"hadron/storage/sql/sqltest"
)

const name = function.Name("shop/web/cart")

// start returns a registry over an empty database; change adapts its config.
func start(t testing.TB, change func(*registry.Config)) *registry.Registry {
	t.Helper()
	cfg := registry.Config{
		Store: sqltest.MustOpen(t).Registry(), Builder: &registrytest.Builder{}, Now: new(registrytest.Clock).Now,
	}
	if change != nil {
		change(&cfg)
	}
	r, err := registry.New(cfg)
	if err == nil {
		err = r.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func register(t testing.TB, r *registry.Registry, source, alias string) registry.Registered {
	t.Helper()
	got, err := r.Register(t.Context(), registry.Registration{By: "ada", Name: name, Source: source, Alias: alias})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func liveOf(t testing.TB, r *registry.Registry) string {
	t.Helper()
	a, err := r.Alias(t.Context(), name, function.Live)
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, w := range a.Weights {
		parts = append(parts, fmt.Sprintf("@%d*%d", w.Version, w.Weight))
	}
	return strings.Join(parts, " ")
}

func TestFirstVersionIsLiveAndLaterOnesWhenAsked(t *testing.T) {
	r := start(t, nil)
	got := register(t, r, "one", "")
	if !got.Created || got.Version.ID.Version != 1 || got.Previous != 0 || liveOf(t, r) != "@1*100" {
		t.Errorf("first: %+v live %s", got, liveOf(t, r))
	}
	got = register(t, r, "two", "")
	if !got.Created || got.Version.ID.Version != 2 || got.Previous != 1 || liveOf(t, r) != "@1*100" {
		t.Errorf("second: %+v live %s", got, liveOf(t, r))
	}
	got = register(t, r, "three", "live")
	if got.Version.ID.Version != 3 || got.Previous != 1 || liveOf(t, r) != "@3*100" || got.Function.SpecOf != 3 {
		t.Errorf("third: %+v live %s", got, liveOf(t, r))
	}
}

func TestSameDigestMakesNothingNew(t *testing.T) {
	b := &registrytest.Builder{}
	r := start(t, func(c *registry.Config) { c.Builder = b })
	reg := registry.Registration{By: "ada", Name: name, Source: "one", Manifest: []byte(`{"owner":"a","runbook":"https://x/y"}`)}
	if _, err := r.Register(t.Context(), reg); err != nil {
		t.Fatal(err)
	}
	reg.Manifest = []byte(` {"runbook": "https://x/y", "owner": "a"}`) // the same, written otherwise
	got, err := r.Register(t.Context(), reg)
	if err != nil || got.Created || got.Version.ID.Version != 1 {
		t.Errorf("again: %+v, %v", got, err)
	}
	if n := b.Builds.Load(); n != 1 {
		t.Errorf("%d builds", n)
	}
	if cs := changes(t, r); len(cs) != 1 {
		t.Errorf("%d changes", len(cs))
	}
}

// Deploying old code again is a deployment of the old version.
func TestSameDigestWithAliasPointsAtIt(t *testing.T) {
	r := start(t, nil)
	register(t, r, "one", "")
	register(t, r, "two", "live")
	got := register(t, r, "one", "live")
	if got.Created || got.Version.ID.Version != 1 || got.Previous != 2 || liveOf(t, r) != "@1*100" {
		t.Errorf("%+v live %s", got, liveOf(t, r))
	}
	cs := changes(t, r)
	if last := cs[len(cs)-1]; last.Kind != registry.KindDeployed || len(cs) != 3 {
		t.Errorf("%d changes, last %+v", len(cs), last)
	}
}

func changes(t testing.TB, r *registry.Registry) []registry.Change {
	t.Helper()
	cs, err := r.Changes(t.Context(), registry.ChangeFilter{})
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

func TestRefusalsLeaveNothingBehind(t *testing.T) {
	r := start(t, func(c *registry.Config) { c.MaxSource = 100 })
	var nameErr *function.NameError
	var manifestErr *function.ManifestError
	for what, c := range map[string]struct {
		reg  registry.Registration
		want func(error) bool
	}{
		"name":        {registry.Registration{Name: "Shop/web/cart"}, func(err error) bool { return errors.As(err, &nameErr) }},
		"two parts":   {registry.Registration{Name: "shop/cart"}, func(err error) bool { return errors.As(err, &nameErr) }},
		"manifest":    {registry.Registration{Name: name, Manifest: []byte(`{"x":1}`)}, func(err error) bool { return errors.As(err, &manifestErr) && manifestErr.Key == "x" }},
		"other name":  {registry.Registration{Name: name, Manifest: []byte(`{"name":"shop/web/other"}`)}, func(err error) bool { return errors.As(err, &manifestErr) && manifestErr.Key == "name" }},
		"over limit":  {registry.Registration{Name: name, Manifest: []byte(`{"limits":{"timeout":"1h"}}`)}, func(err error) bool { return errors.As(err, &manifestErr) && manifestErr.Key == "limits.timeout" }},
		"alias":       {registry.Registration{Name: name, Alias: "7up"}, is(function.ErrAlias)},
		"source":      {registry.Registration{Name: name, Source: "syntax error"}, is(registrytest.ErrRefused)},
		"not text":    {registry.Registration{Name: name, Source: "a\xffb"}, is(registry.ErrSource)},
		"too large":   {registry.Registration{Name: name, Source: strings.Repeat("x", 60), SourceMap: strings.Repeat("x", 60)}, is(registry.ErrTooLarge)},
		"long reason": {registry.Registration{Name: name, Message: strings.Repeat("x", 5000)}, is(registry.ErrTooLarge)},
	} {
		if _, err := r.Register(t.Context(), c.reg); !c.want(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if fs, _ := r.List(t.Context(), registry.Filter{}); len(fs) != 0 || len(changes(t, r)) != 0 {
		t.Errorf("left behind: %v %v", fs, changes(t, r))
	}
	if _, err := r.Get(t.Context(), name); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("get: %v", err)
	}
}

func is(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }

func TestNumbersGoOnAfterDelete(t *testing.T) {
	r := start(t, nil)
	old := register(t, r, "one", "").Version.ID
	register(t, r, "two", "")
	if _, err := r.Bundle(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if err := r.Delete(t.Context(), "ada", name); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"bundle":   second(r.Bundle(t.Context(), old)),
		"source":   second(r.Source(t.Context(), old)),
		"version":  second(r.Version(t.Context(), old)),
		"versions": second(r.Versions(t.Context(), name, 0, 0)),
		"alias":    second(r.Alias(t.Context(), name, "live")),
		"resolve":  second(r.Resolve(t.Context(), function.Ref{Name: name, Version: 1})),
		"delete":   r.Delete(t.Context(), "ada", name),
	} {
		if !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	got := register(t, r, "one", "")
	if !got.Created || got.Version.ID.Version != 3 || liveOf(t, r) != "@3*100" {
		t.Errorf("again: %+v live %s", got, liveOf(t, r))
	}
	if _, err := r.Bundle(t.Context(), old); !errors.Is(err, registry.ErrVersionNotFound) {
		t.Errorf("bundle of the old version: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestVersionDeletedWhileItIsBuilt(t *testing.T) {
	b := &registrytest.Builder{}
	r := start(t, func(c *registry.Config) { c.Builder = b })
	register(t, r, "one", "")
	b.Before = func() {
		b.Before = nil
		if err := r.Delete(context.WithoutCancel(t.Context()), "bob", name); err != nil {
			t.Error(err)
		}
	}
	if got := register(t, r, "two", "live"); got.Version.ID.Version != 2 || got.Previous != 0 || liveOf(t, r) != "@2*100" {
		t.Errorf("%+v", got)
	}
}

func TestResolve(t *testing.T) {
	r := start(t, nil)
	register(t, r, "one", "")
	two := register(t, r, "two", "").Version
	_, err := r.PutAlias(t.Context(), "ada", name, function.Alias{Name: "next", Weights: []function.Weight{{Version: 1, Weight: 5}, {Version: 2, Weight: 95}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]int{"": 1, "@1": 1, "@2": 2, "@next": 2, "@" + two.Digest: 2, "@" + two.Digest[:19]: 2} {
		ref, err := function.ParseRef(string(name) + at)
		if err != nil {
			t.Fatal(err)
		}
		v, err := r.Resolve(t.Context(), ref)
		if err != nil || v.ID != (function.ID{Name: name, Version: want}) {
			t.Errorf("%q: %v %v", at, v.ID, err)
		}
	}
	for at, want := range map[string]error{"@3": registry.ErrVersionNotFound, "@prod": registry.ErrAliasNotFound, "@sha256:0123456789ab": registry.ErrVersionNotFound} {
		ref, _ := function.ParseRef(string(name) + at)
		if _, err := r.Resolve(t.Context(), ref); !errors.Is(err, want) {
			t.Errorf("%q: %v", at, err)
		}
	}
}

func TestSourceAndBundle(t *testing.T) {
	r := start(t, nil)
	reg := registry.Registration{By: "ada", Name: name, Source: "one", SourceMap: "{}", Manifest: []byte(`{"slo":{"latency":[]}}`), Message: "why"}
	got, err := r.Register(t.Context(), reg)
	if err != nil {
		t.Fatal(err)
	}
	up, err := r.Source(t.Context(), got.Version.ID)
	if err != nil || up.Source != "one" || up.SourceMap != "{}" || string(up.Manifest) != `{"slo":{"latency":[]}}` {
		t.Errorf("%+v %v", up, err)
	}
	for range 2 { // from the store, then from memory
		b, err := r.Bundle(t.Context(), got.Version.ID)
		if err != nil || string(b.Code) != "built:one" || b.Builder != "test 1" || !reflect.DeepEqual(b.Manifest, got.Version.Manifest) {
			t.Errorf("%+v %v", b, err)
		}
	}
	if n := len(got.Function.Spec.SLO.Objectives()); n != 1 {
		t.Errorf("an empty list of latencies gave %d objectives", n)
	}
}

func TestListFilters(t *testing.T) {
	r := start(t, nil)
	for _, n := range []function.Name{"shop/web/cart", "shop/web-two/cart", "shop/api/users", "shopping/web/cart", "ads/web/banner"} {
		_, err := r.Register(t.Context(), registry.Registration{By: "ada", Name: n, Source: "x", Manifest: []byte(`{"owner":"Team ` + n.Base() + `"}`)})
		if err != nil {
			t.Fatal(err)
		}
	}
	for what, c := range map[string]struct {
		f    registry.Filter
		want []function.Name
	}{
		"all":       {registry.Filter{}, []function.Name{"ads/web/banner", "shop/api/users", "shop/web-two/cart", "shop/web/cart", "shopping/web/cart"}},
		"team":      {registry.Filter{Team: "shop"}, []function.Name{"shop/api/users", "shop/web-two/cart", "shop/web/cart"}},
		"project":   {registry.Filter{Team: "shop", Project: "web"}, []function.Name{"shop/web/cart"}},
		"page":      {registry.Filter{After: "shop/api/users", Limit: 2}, []function.Name{"shop/web-two/cart", "shop/web/cart"}},
		"team page": {registry.Filter{Team: "shop", After: "shop/web-two/cart", Limit: 2}, []function.Name{"shop/web/cart"}},
		"behind":    {registry.Filter{Team: "ads", After: "shop/web/cart"}, nil},
		"query":     {registry.Filter{Query: "BANNER"}, []function.Name{"ads/web/banner"}},
		"owner":     {registry.Filter{Query: "team users"}, []function.Name{"shop/api/users"}},
		"none":      {registry.Filter{Team: "nobody"}, nil},
	} {
		fs, err := r.List(t.Context(), c.f)
		var got []function.Name
		for _, f := range fs {
			got = append(got, f.Name)
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v %v, want %v", what, got, err, c.want)
		}
	}
}
