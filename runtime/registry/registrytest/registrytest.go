// Package registrytest is the suite that every registry.Store must pass, alone
// and under a Registry, and a Builder for tests.
package registrytest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/registry"
)

// ErrRefused is what Builder says of a source that holds "syntax error".
var ErrRefused = errors.New("the source does not parse")

// Builder makes bundles without a compiler. The zero value is ready.
type Builder struct {
	Builds atomic.Int64 // how many were asked for
	Before func()       // called in each build, unless nil
}

// Build implements registry.Builder.
func (b *Builder) Build(_ context.Context, src registry.Source) (function.Bundle, error) {
	b.Builds.Add(1)
	if b.Before != nil {
		b.Before()
	}
	if strings.Contains(src.Source, "syntax error") {
		return function.Bundle{}, ErrRefused
	}
	return function.Bundle{Code: []byte("built:" + src.Source), Map: []byte("{}"), Builder: "test 1"}, nil
}

// Clock is a time that moves on by a second at each look. The zero value is ready.
type Clock struct{ ticks atomic.Int64 }

// Now returns the next second.
func (c *Clock) Now() time.Time {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(c.ticks.Add(1)) * time.Second)
}

// Start returns a started Registry over the store.
func Start(tb testing.TB, store registry.Store) *registry.Registry {
	tb.Helper()
	r, err := registry.New(registry.Config{Store: store, Builder: &Builder{}, Now: new(Clock).Now})
	if err == nil {
		err = r.Start(context.Background())
	}
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// Run runs the whole suite; open returns an empty Store that ends with the test.
func Run(t *testing.T, open func(tb testing.TB) registry.Store) {
	for name, test := range map[string]func(*testing.T, registry.Store){
		"FunctionsRoundTrip":      testRoundTrip,
		"CommitIsAllOrNothing":    testAtomic,
		"RevisionsGuardWrites":    testConflict,
		"NumbersSurviveDelete":    testTombstone,
		"VersionsPage":            testVersions,
		"ChangesPage":             testChanges,
		"ContentIsShared":         testContent,
		"NodesOvertakeEachOther":  testNodes,
		"ConcurrentRegistrations": testConcurrent,
		"CancelledCommit":         testCancelled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
	t.Run("Model", func(t *testing.T) { testModel(t, open) })
}
