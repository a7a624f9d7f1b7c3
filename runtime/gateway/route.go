package gateway

import (
	"hash/maphash"
	"maps"
	"strconv"
	"sync"
	"sync/atomic"

	"hadron/runtime/function"
)

// table finds a function's route by name. Reading takes no lock: shards are maps
// that are never written, only replaced, and small enough to be copied quickly: of
// 100,000 functions each holds two dozen.
type table struct {
	seed   maphash.Seed
	shares *shares
	mu     sync.Mutex // held by writers
	shards [4096]atomic.Pointer[map[function.Name]*route]
}

// route is one function. A repoint replaces its state and nothing else.
type route struct {
	name        function.Name
	share       *share // of the function's project
	state       atomic.Pointer[state]
	comparisons atomic.Pointer[[]comparison] // nil: none
}

// state is a function at one moment; it is never written.
type state struct {
	access   string // of the version that live last pointed at whole
	latest   int
	aliases  []function.Alias
	versions []*version // few: those that an alias names
}

// version returns one of the aliased versions, or nil.
func (s *state) version(number int) *version {
	for _, v := range s.versions {
		if v.meta.ID.Version == number {
			return v
		}
	}
	return nil
}

// version is one version that calls go to. It outlives repoints, so that its count
// of calls in flight stays true.
type version struct {
	meta     *function.Version // shared with the index, which never changes it
	limits   *function.Limits
	number   [1]string // the value of Hadron-Version
	told     atomic.Pointer[Observer]
	traced   atomic.Pointer[Tracer]
	inFlight atomic.Int64
}

// observer is who is told of the version's calls, made at the first of them: of most
// functions of a crowded node there never is one.
func (v *version) observer(observe func(function.Version) Observer) Observer {
	if o := v.told.Load(); o != nil {
		return *o
	}
	v.told.CompareAndSwap(nil, new(observe(*v.meta)))
	return *v.told.Load()
}

// tracer is who keeps the version's traces, made as the observer is.
func (v *version) tracer(trace func(function.Version) Tracer) Tracer {
	if t := v.traced.Load(); t != nil {
		return *t
	}
	v.traced.CompareAndSwap(nil, new(trace(*v.meta)))
	return *v.traced.Load()
}

func newTable(shares *shares) *table { return &table{seed: maphash.MakeSeed(), shares: shares} }

func (t *table) shard(name function.Name) *atomic.Pointer[map[function.Name]*route] {
	return &t.shards[maphash.String(t.seed, string(name))%uint64(len(t.shards))]
}

func (t *table) get(name function.Name) *route {
	m := t.shard(name).Load()
	if m == nil {
		return nil
	}
	return (*m)[name]
}

func (t *table) apply(f function.Function) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.get(f.Name)
	next := &state{access: f.Spec.Access, latest: f.Latest, aliases: f.Aliases, versions: make([]*version, 0, len(f.Versions))}
	for i := range f.Versions {
		meta := &f.Versions[i]
		var v *version
		if known != nil {
			v = known.state.Load().version(meta.ID.Version)
		}
		if v == nil {
			v = newVersion(meta)
		}
		next.versions = append(next.versions, v)
	}
	if known != nil {
		known.state.Store(next)
		return
	}
	r := &route{name: f.Name, share: t.shares.of(f.Name)}
	r.state.Store(next)
	t.replace(f.Name, func(m map[function.Name]*route) { m[f.Name] = r })
}

func (t *table) remove(name function.Name) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.get(name) != nil {
		t.replace(name, func(m map[function.Name]*route) { delete(m, name) })
	}
}

func (t *table) replace(name function.Name, edit func(map[function.Name]*route)) {
	at := t.shard(name)
	next := map[function.Name]*route{}
	if m := at.Load(); m != nil {
		next = maps.Clone(*m)
	}
	edit(next)
	at.Store(&next)
}

func newVersion(meta *function.Version) *version {
	limits := &meta.Manifest.Limits
	if all := limits.WithDefaults(); all != *limits {
		limits = new(all)
	}
	return &version{meta: meta, limits: limits, number: [1]string{strconv.Itoa(meta.ID.Version)}}
}

func (s *state) alias(name string) *function.Alias {
	for i := range s.aliases {
		if s.aliases[i].Name == name {
			return &s.aliases[i]
		}
	}
	return nil
}
