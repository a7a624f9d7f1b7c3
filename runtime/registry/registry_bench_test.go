package registry_test

import (
	"fmt"
	"testing"

	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/runtime/registry/registrytest"
	"hadron/storage/sql/sqltest"
)

const manyFunctions = 10_000

func benchName(i int) function.Name {
	return function.Name(fmt.Sprintf("team%d/project%d/f%d", i%20, i%100, i))
}

// BenchmarkRegistry measures an index of 10,000 functions over SQLite.
func BenchmarkRegistry(b *testing.B) {
	store := sqltest.MustOpen(b).Registry()
	r := registrytest.Start(b, store)
	for i := range manyFunctions {
		_, err := r.Register(b.Context(), registry.Registration{By: "ada", Name: benchName(i), Source: fmt.Sprint("v", i)})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("Start", func(b *testing.B) {
		for b.Loop() {
			registrytest.Start(b, store)
		}
	})
	n := 0
	b.Run("Register", func(b *testing.B) {
		for b.Loop() {
			n++
			_, err := r.Register(b.Context(), registry.Registration{By: "ada", Name: benchName(n % manyFunctions), Source: fmt.Sprint("bench", n), Alias: "live"})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Repoint", func(b *testing.B) {
		for b.Loop() {
			n++
			alias := function.Alias{Name: "canary", Weights: []function.Weight{{Version: 1, Weight: 1 + n%1000}}}
			if _, err := r.PutAlias(b.Context(), "bob", benchName(7), alias, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n++
			if _, err := r.Get(b.Context(), benchNames[n%len(benchNames)]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ListAll", func(b *testing.B) {
		for b.Loop() {
			fs, err := r.List(b.Context(), registry.Filter{})
			if err != nil || len(fs) != manyFunctions {
				b.Fatal(len(fs), err)
			}
		}
	})
	b.Run("ListPage", func(b *testing.B) {
		for b.Loop() {
			fs, err := r.List(b.Context(), registry.Filter{Team: "team7", Limit: 100})
			if err != nil || len(fs) != 100 {
				b.Fatal(len(fs), err)
			}
		}
	})
	b.Run("BundleCached", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Bundle(b.Context(), function.ID{Name: benchName(1), Version: 1}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("BundleRead", func(b *testing.B) {
		cold, err := registry.New(registry.Config{Store: store, Builder: &registrytest.Builder{}, CacheBytes: 1})
		if err == nil {
			err = cold.Start(b.Context())
		}
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		at := 0
		for b.Loop() { // another one each time, as first calls have it
			at = (at + 7919) % manyFunctions
			if _, err := cold.Bundle(b.Context(), function.ID{Name: benchName(at), Version: 1}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

var benchNames = []function.Name{benchName(1), benchName(500), benchName(9999)}
