package registry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/runtime/registry/registrytest"
	"hadron/storage/sql"
	"hadron/storage/sql/sqltest"
)

// shelf is a registry whose retention a test sets.
type shelf struct {
	*registry.Registry
	db      *sql.DB
	rule    registry.Retention
	inUse   []int
	fail    error
	now     time.Time
	retired []int
}

func openShelf(t testing.TB) *shelf {
	t.Helper()
	s := &shelf{db: sqltest.MustOpen(t), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	var err error
	s.Registry, err = registry.New(registry.Config{
		Store: s.db.Registry(), Builder: &registrytest.Builder{}, Now: func() time.Time { return s.now },
		Retention: func(function.Name) registry.Retention { return s.rule },
		InUse:     func(context.Context, function.Name) ([]int, error) { return s.inUse, s.fail },
		Retired:   func(_ function.Name, versions []int) { s.retired = append(s.retired, versions...) },
	})
	if err == nil {
		err = s.Start(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const kept = function.Name("growth/signup/greeting")

// Whatever the order of deploys, repoints, rollbacks and retentions: what an alias,
// a rollback or somebody else needs is there and runs, every version is what it was,
// no number means two things, and what was removed says so.
func TestRetentionLosesNothingInUse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := openShelf(t)
		ctx := context.Background()
		sources := map[int]string{} // by version, for ever
		var gone []int
		latest := 0
		must := func(err error) {
			rt.Helper()
			if err != nil {
				rt.Fatal(err)
			}
		}
		deploy := func(source, alias string) {
			rt.Helper()
			got, err := s.Register(ctx, registry.Registration{By: "ada", Name: kept, Source: source, Alias: alias, Message: "of " + source})
			must(err)
			v := got.Version.ID.Version
			if known, old := sources[v]; old && known != source || got.Created && v != latest+1 {
				rt.Fatalf("version %d means %q and %q", v, known, source)
			}
			if slices.Contains(gone, v) {
				rt.Fatalf("version %d came back", v)
			}
			latest = max(latest, v)
			sources[v] = source
		}
		deploy("first", "live")
		there := func() []int {
			var out []int
			for v := range sources {
				if !slices.Contains(gone, v) {
					out = append(out, v)
				}
			}
			slices.Sort(out)
			return out
		}
		rt.Repeat(map[string]func(*rapid.T){
			"deploy": func(rt *rapid.T) {
				s.now = s.now.Add(time.Hour)
				deploy(fmt.Sprint("source ", rapid.IntRange(0, 30).Draw(rt, "source")), rapid.SampledFrom([]string{"live", "", "next"}).Draw(rt, "alias"))
			},
			"repoint": func(rt *rapid.T) {
				var ws []function.Weight
				for _, v := range rapid.SliceOfNDistinct(rapid.SampledFrom(there()), 1, 3, rapid.ID[int]).Draw(rt, "versions") {
					ws = append(ws, function.Weight{Version: v, Weight: rapid.IntRange(0, 2).Draw(rt, "weight")})
				}
				ws[0].Weight++
				_, err := s.PutAlias(ctx, "bob", kept, function.Alias{Name: rapid.SampledFrom([]string{"live", "next", "old"}).Draw(rt, "alias"), Weights: ws}, nil)
				must(err)
			},
			"rollback": func(rt *rapid.T) {
				if _, _, err := s.Rollback(ctx, "bob", kept, 0); err != nil && !errors.Is(err, registry.ErrNoPrevious) {
					rt.Fatal(err)
				}
			},
			"roll out": func(rt *rapid.T) {
				s.inUse = []int{rapid.SampledFrom(there()).Draw(rt, "in use")}
			},
			"retain": func(rt *rapid.T) {
				s.rule = registry.Retention{Keep: rapid.IntRange(0, 4).Draw(rt, "keep"), Age: time.Duration(rapid.IntRange(0, 5).Draw(rt, "hours")) * time.Hour}
				s.retired = nil
				before := there()
				done, err := s.Retain(ctx)
				must(err)
				if done.Versions != len(s.retired) || s.rule.Keep == 0 && done.Versions > 0 {
					rt.Fatalf("%+v, and told of %v", done, s.retired)
				}
				for _, v := range s.retired {
					if !slices.Contains(before, v) || slices.Contains(before[max(0, len(before)-s.rule.Keep):], v) {
						rt.Fatalf("%d was removed of %v, keeping %d", v, before, s.rule.Keep)
					}
				}
				gone = append(gone, s.retired...)
			},
			"": func(rt *rapid.T) { checkNeeded(rt, s, gone) },
		})
		checkAll(rt, s, sources, gone)
	})
}

// checkNeeded looks whether what is needed now is there.
func checkNeeded(t *rapid.T, s *shelf, gone []int) {
	t.Helper()
	ctx := context.Background()
	f, err := s.Get(ctx, kept)
	if err != nil {
		t.Fatal(err)
	}
	needed := slices.Clone(s.inUse)
	for _, a := range f.Aliases {
		for _, w := range a.Weights {
			needed = append(needed, w.Version)
		}
	}
	snap, err := s.db.Registry().Load(ctx, kept)
	if err != nil {
		t.Fatal(err)
	}
	needed = append(append(needed, f.SpecOf), snap.Records[0].Lived...)
	for _, v := range needed {
		if slices.Contains(gone, v) {
			t.Fatalf("version %d is needed and was removed", v)
		}
	}
	for _, v := range f.Versions {
		if _, err := s.Bundle(ctx, v.ID); err != nil {
			t.Fatalf("%s cannot be run: %v", v.ID, err)
		}
	}
}

// checkAll looks at every version that there ever was.
func checkAll(t *rapid.T, s *shelf, sources map[int]string, gone []int) {
	t.Helper()
	ctx := context.Background()
	listed, err := s.Versions(ctx, kept, 0, registry.MaxPage)
	if err != nil || len(listed) != len(sources) {
		t.Fatalf("%d of %d versions are listed: %v", len(listed), len(sources), err)
	}
	for _, v := range listed {
		id := v.ID
		want := sources[id.Version]
		if v.Message != "of "+want || v.Size != len(want) {
			t.Fatalf("%s changed: %+v", id, v)
		}
		_, err := s.Resolve(ctx, function.Ref{Name: kept, Version: id.Version})
		if slices.Contains(gone, id.Version) {
			if !errors.Is(err, registry.ErrVersionRemoved) || !errors.Is(err, registry.ErrVersionNotFound) || v.RemovedAt.IsZero() {
				t.Fatalf("%s was removed, and resolves with %v", id, err)
			}
			if _, err := s.Bundle(ctx, id); !errors.Is(err, registry.ErrVersionNotFound) {
				t.Fatalf("%s was removed, and its bundle is there: %v", id, err)
			}
			continue
		}
		up, serr := s.Source(ctx, id)
		b, berr := s.Bundle(ctx, id)
		if err != nil || serr != nil || berr != nil || up.Source != want || string(b.Code) != "built:"+want {
			t.Fatalf("%s is %q: %v %v %v", id, up.Source, err, serr, berr)
		}
	}
}

func TestRemovedSourceComesBackUnderANewNumber(t *testing.T) {
	s := openShelf(t)
	ctx := t.Context()
	for i := range 4 {
		s.now = s.now.Add(time.Hour)
		if _, err := s.Register(ctx, registry.Registration{By: "ada", Name: kept, Source: fmt.Sprint("v", i)}); err != nil {
			t.Fatal(err)
		}
	}
	s.rule = registry.Retention{Keep: 1}
	done, err := s.Retain(ctx)
	if err != nil || !slices.Equal(s.retired, []int{2, 3}) { // live is at 1, 4 is the newest
		t.Fatalf("%+v %v %v", done, s.retired, err)
	}
	_, err = s.Resolve(ctx, function.Ref{Name: kept, Version: 2})
	if err == nil || !strings.Contains(err.Error(), "removed by retention at 2026-01-01T04:00:00Z") {
		t.Errorf("%v", err)
	}
	if _, err := s.PutAlias(ctx, "ada", kept, function.Alias{Name: "next", Weights: []function.Weight{{Version: 2, Weight: 1}}}, nil); !errors.Is(err, registry.ErrVersionRemoved) {
		t.Errorf("an alias took it: %v", err)
	}
	got, err := s.Register(ctx, registry.Registration{By: "ada", Name: kept, Source: "v1"})
	if err != nil || !got.Created || got.Version.ID.Version != 5 {
		t.Errorf("%+v %v", got, err)
	}
	changes, err := s.Changes(ctx, registry.ChangeFilter{Name: kept, Kinds: []registry.Kind{registry.KindRetired}})
	if err != nil || len(changes) != 1 || changes[0].By != registry.RetentionAuthor || !strings.Contains(string(changes[0].After), `"removed":[2,3]`) {
		t.Errorf("%+v %v", changes, err)
	}
	if err := s.Delete(ctx, "ada", kept); err != nil {
		t.Fatal(err)
	}
}

// What cannot be asked is taken for needed.
func TestRetentionStopsWhereUseIsUnknown(t *testing.T) {
	s := openShelf(t)
	for i := range 3 {
		s.now = s.now.Add(time.Hour)
		if _, err := s.Register(t.Context(), registry.Registration{By: "ada", Name: kept, Source: fmt.Sprint("v", i), Alias: "live"}); err != nil {
			t.Fatal(err)
		}
	}
	s.rule, s.fail = registry.Retention{Keep: 1}, errors.New("the rollouts cannot be read")
	if _, err := s.Retain(t.Context()); !errors.Is(err, s.fail) || len(s.retired) > 0 {
		t.Errorf("%v, removed %v", err, s.retired)
	}
}

func TestKeepRetainingEndsWithItsContext(t *testing.T) {
	s := openShelf(t)
	ctx, cancel := context.WithCancel(t.Context())
	wake, passes := make(chan struct{}, 1), make(chan error)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.KeepRetaining(ctx, wake, func(_ registry.Retired, err error) { passes <- err })
	}()
	if err := <-passes; err != nil {
		t.Error(err)
	}
	wake <- struct{}{}
	if err := <-passes; err != nil {
		t.Error(err)
	}
	cancel()
	<-done
}
