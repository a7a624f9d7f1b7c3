package registrytest

import (
	"maps"
	"slices"
	"sync"

	"hadron/runtime/function"
)

// View is a follower that keeps what it is told. The zero value is ready.
type View struct {
	mu    sync.Mutex
	items map[function.Name]function.Function
	stale int
}

// Apply implements registry.Follower.
func (v *View) Apply(f function.Function) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.items == nil {
		v.items = make(map[function.Name]function.Function)
	}
	if old, ok := v.items[f.Name]; ok && revision(old) > revision(f) {
		v.stale++
	}
	v.items[f.Name] = f
}

// Remove implements registry.Follower.
func (v *View) Remove(name function.Name) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.items, name)
}

// Functions lists what is there, by name.
func (v *View) Functions() []function.Function {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []function.Function
	for _, name := range slices.Sorted(maps.Keys(v.items)) {
		out = append(out, v.items[name])
	}
	return out
}

// Stale counts functions that were told in an older state than before.
func (v *View) Stale() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.stale
}

func revision(f function.Function) int64 {
	var most int64
	for _, a := range f.Aliases {
		most = max(most, a.Revision)
	}
	return most
}
