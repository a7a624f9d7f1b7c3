// Package registry is the function index: which functions are wanted, their
// immutable versions and the aliases that traffic follows.
//
// It holds desired state and nothing of what runs. Consumers list it and watch
// it: a Follower is told of each change before the write returns, and Wake tells
// a loop to list again. Metadata of everything that an alias names is in memory,
// read from the Store at Start and kept equal to it; all else is read when asked for.
package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hadron/runtime/function"
)

// Builder makes what the engine runs out of what was uploaded, and refuses what
// it cannot run. Its errors pass through Register.
type Builder interface {
	Build(ctx context.Context, src Source) (function.Bundle, error)
}

// Source is what a version is built from.
type Source struct {
	Name      function.Name
	Source    string // one ES module, TypeScript unless Manifest.Entry says otherwise
	SourceMap string
	Manifest  function.Manifest // defaults filled in
}

// Config of a Registry. Store and Builder are required.
type Config struct {
	Store      Store
	Builder    Builder
	MaxLimits  function.Limits  // what a manifest may ask for; function.MaxLimits unless given
	MaxSource  int              // bytes of source and source map together; 32 MiB unless given
	CacheBytes int              // of bundles kept in memory; 64 MiB unless given
	MaxBuilds  int              // builds at once, others wait; 4 unless given
	Now        func() time.Time // time.Now unless given
	// Aside calls what it is given, which stores a version, and returns after it: where it
	// does not keep calls waiting. Its error is that of ctx, and then it was not called.
	// Nil: it is called as it is.
	Aside func(ctx context.Context, store func()) error
	// Admit is asked right before a version is stored that was not there; its error
	// refuses it and passes through. Nil: everything is admitted.
	Admit func(ctx context.Context, a Admission) error
	// Retention says which versions of a function may go. Nil, or a zero Keep: none.
	Retention func(name function.Name) Retention
	// InUse lists versions that others than aliases need, such as a rollout. Where it
	// fails, nothing is removed. Nil: none.
	InUse func(ctx context.Context, name function.Name) ([]int, error)
	// Retired is told of versions that were removed, on whichever node. Nil: nobody is.
	Retired func(name function.Name, versions []int)
}

// Admission is a version that asks to be stored.
type Admission struct {
	By       string
	Name     function.Name
	New      bool // the function is not there yet
	Manifest function.Manifest
}

// Bounds of what one function and one answer hold.
const (
	MaxPage    = 1000 // rows of one listing of versions or changes
	MaxAliases = 100  // of one function
	MaxMessage = 4096 // bytes of a registration's message

	defaultPage = 100
	maxLived    = 64
	maxAttempts = 8 // at a write that another node keeps overtaking
)

func (c Config) withDefaults() (Config, error) {
	if c.Store == nil || c.Builder == nil {
		return c, errors.New("registry: Store and Builder are required")
	}
	if c.MaxLimits == (function.Limits{}) {
		c.MaxLimits = function.MaxLimits()
	}
	for value, def := range map[*int]int{&c.MaxSource: 32 << 20, &c.CacheBytes: 64 << 20, &c.MaxBuilds: 4} {
		if *value < 0 {
			return c, errors.New("registry: MaxSource, CacheBytes and MaxBuilds cannot be negative")
		}
		if *value == 0 {
			*value = def
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Aside == nil {
		c.Aside = func(_ context.Context, store func()) error {
			store()
			return nil
		}
	}
	return c, nil
}

// Registry is the function index. Its methods are safe for concurrent use. What
// they return is shared and must not be modified.
type Registry struct {
	cfg    Config
	index  *index
	cache  *cache
	builds chan struct{}

	// writer is held over commit, index and followers, so that everybody sees
	// changes in the order of commits. A channel, so that waiting ends with ctx.
	writer    chan struct{}
	followers []Follower
	started   bool
	seen      int64 // every change up to it is in the index

	wakeMu sync.Mutex
	wakes  map[chan struct{}]struct{}
}

// New returns a Registry that is empty until Start.
func New(cfg Config) (*Registry, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Registry{
		cfg: cfg, index: new(index), cache: newCache(cfg.CacheBytes),
		builds: make(chan struct{}, cfg.MaxBuilds), writer: make(chan struct{}, 1),
		wakes: make(map[chan struct{}]struct{}),
	}, nil
}

// Start reads the index from the Store and tells the followers of every
// function. It owns nothing that would have to be stopped.
func (r *Registry) Start(ctx context.Context) error {
	if err := acquire(ctx, r.writer); err != nil {
		return err
	}
	defer release(r.writer)
	snap, err := r.cfg.Store.Load(ctx)
	if err != nil {
		return fmt.Errorf("load function index: %w", err)
	}
	for _, rec := range snap.Records {
		r.index.put(rec)
		r.tellApply(rec.Function)
	}
	r.seen, r.started = snap.Cursor, true
	r.wake()
	return nil
}

// Get returns one function, or ErrNotFound.
func (r *Registry) Get(_ context.Context, name function.Name) (function.Function, error) {
	rec, ok := r.index.get(name)
	if !ok {
		return function.Function{}, notFound(name)
	}
	return rec.Function, nil
}

// Filter selects functions. Query is found in name, owner or description, upper
// and lower case alike. Project means something only with Team.
type Filter struct {
	Team, Project string
	Query         string
	After         function.Name // those behind it, in the order of names
	Limit         int           // 0: all
}

// List returns functions in the order of their names.
func (r *Registry) List(_ context.Context, f Filter) ([]function.Function, error) {
	return r.index.list(f), nil
}

// All returns every function in the order of their names. Nothing is copied: it is
// the same slice until a function changes, and a function that did not change is the
// same pointer in the next.
func (r *Registry) All() []*function.Function { return r.index.every() }

// Versions returns versions of a function, newest first, those below before
// where it is given. limit is 100 where it is 0, and at most MaxPage. It returns
// ErrNotFound for an unknown function.
func (r *Registry) Versions(ctx context.Context, name function.Name, before, limit int) ([]function.Version, error) {
	if _, ok := r.index.get(name); !ok {
		return nil, notFound(name)
	}
	vs, err := r.cfg.Store.Versions(ctx, VersionQuery{Name: name, Before: before, Limit: page(limit)})
	if err != nil {
		return nil, fmt.Errorf("list versions of %s: %w", name, err)
	}
	return vs, nil
}

// Version returns one version's metadata, also where retention removed the rest of
// it, ErrNotFound or ErrVersionNotFound.
func (r *Registry) Version(ctx context.Context, id function.ID) (function.Version, error) {
	rec, ok := r.index.get(id.Name)
	if !ok {
		return function.Version{}, notFound(id.Name)
	}
	return r.version(ctx, rec.Function, id.Version)
}

func (r *Registry) version(ctx context.Context, f function.Function, number int) (function.Version, error) {
	if v, ok := f.Version(number); ok {
		return v, nil
	}
	id := function.ID{Name: f.Name, Version: number}
	if number < 1 || number > f.Latest {
		return function.Version{}, fmt.Errorf("%s: %w", id, ErrVersionNotFound)
	}
	vs, err := r.cfg.Store.Versions(ctx, VersionQuery{Name: f.Name, Number: number, Limit: 1})
	if err != nil {
		return function.Version{}, fmt.Errorf("read version %s: %w", id, err)
	}
	if len(vs) == 0 {
		return function.Version{}, fmt.Errorf("%s: %w", id, ErrVersionNotFound)
	}
	return vs[0], nil
}

// kept refuses a version that retention has removed: its metadata is all there is.
func kept(v function.Version, err error) (function.Version, error) {
	if err == nil && !v.RemovedAt.IsZero() {
		err = fmt.Errorf("%s: %w: %w at %s", v.ID, ErrVersionNotFound, ErrVersionRemoved, v.RemovedAt.Format(time.RFC3339))
		v = function.Version{}
	}
	return v, err
}

// Resolve returns the version that a reference means; of an alias that splits
// traffic, the one with most weight. It returns ErrNotFound, ErrAliasNotFound,
// ErrVersionNotFound, which wraps ErrVersionRemoved as well where retention removed
// it, or ErrAmbiguous.
func (r *Registry) Resolve(ctx context.Context, ref function.Ref) (function.Version, error) {
	rec, ok := r.index.get(ref.Name)
	if !ok {
		return function.Version{}, notFound(ref.Name)
	}
	switch {
	case ref.Version != 0:
		return kept(r.version(ctx, rec.Function, ref.Version))
	case ref.Digest != "":
		return r.byDigest(ctx, ref.Name, ref.Digest)
	}
	a, ok := rec.Function.Alias(ref.Alias)
	if !ok {
		return function.Version{}, fmt.Errorf("%s: %w", ref, ErrAliasNotFound)
	}
	most := a.Weights[0]
	for _, w := range a.Weights[1:] {
		if w.Weight > most.Weight {
			most = w
		}
	}
	return r.version(ctx, rec.Function, most.Version)
}

func (r *Registry) byDigest(ctx context.Context, name function.Name, digest string) (function.Version, error) {
	vs, err := r.cfg.Store.Versions(ctx, VersionQuery{Name: name, Digest: digest, Limit: 2, Kept: true})
	switch {
	case err != nil:
		return function.Version{}, fmt.Errorf("find version of %s by digest: %w", name, err)
	case len(vs) == 0:
		return function.Version{}, fmt.Errorf("%s@%s: %w", name, digest, ErrVersionNotFound)
	case len(vs) > 1:
		return function.Version{}, fmt.Errorf("%s@%s: %w", name, digest, ErrAmbiguous)
	}
	return vs[0], nil
}

// Changes lists what was written, in the order and within the bounds of f.
func (r *Registry) Changes(ctx context.Context, f ChangeFilter) ([]Change, error) {
	f.Limit = page(f.Limit)
	cs, err := r.cfg.Store.Changes(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("list changes: %w", err)
	}
	return cs, nil
}

func page(limit int) int {
	if limit <= 0 {
		return defaultPage
	}
	return min(limit, MaxPage)
}

func notFound(name function.Name) error {
	if _, err := function.ParseName(string(name)); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", name, ErrNotFound)
}

func acquire(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func release(slots chan struct{}) { <-slots }
