package gateway

import (
	"slices"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Comparison counts the calls of a rollout's new version and as many of the old one,
// side by side. Both sides are of one size whatever the weights: all of the smaller
// share, and a slice of the greater one. Who is in the slice is said by the key that
// picks versions, so a visitor who is recognised stays on his side.
//
// Calls of the baseline go to VMs of their own, which are as young as the canary's and
// as little called: the old version's others have warm caches, which are not what is
// to be compared.
type Comparison struct {
	ID               int64 // of the rollout
	Alias            string
	Canary, Baseline int // versions
	// OnCanary and OnBaseline are told how each compared call ended.
	OnCanary, OnBaseline func(invocation.Outcome)
}

// comparison is one with its sides at hand, so that a call allocates nothing for them.
type comparison struct {
	Comparison
	onCanary, onBaseline side
}

// side is where a call counts.
type side struct {
	baseline bool
	count    func(invocation.Outcome)
}

// Compare begins a comparison, or replaces the one with its id. False: no such function.
func (g *Gateway) Compare(name function.Name, c Comparison) bool {
	made := comparison{c, side{count: c.OnCanary}, side{baseline: true, count: c.OnBaseline}}
	return g.routes.compare(name, func(all []comparison) []comparison { return append(without(all, c.ID), made) })
}

// CompareNoMore ends a comparison; calls under way still count.
func (g *Gateway) CompareNoMore(name function.Name, id int64) {
	g.routes.compare(name, func(all []comparison) []comparison { return without(all, id) })
}

func without(all []comparison, id int64) []comparison {
	return slices.DeleteFunc(slices.Clone(all), func(c comparison) bool { return c.ID == id })
}

func (t *table) compare(name function.Name, edit func([]comparison) []comparison) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	rt := t.get(name)
	if rt == nil {
		return false
	}
	var all []comparison
	if now := rt.comparisons.Load(); now != nil {
		all = *now
	}
	if all = edit(all); len(all) == 0 {
		rt.comparisons.Store(nil)
		return true
	}
	rt.comparisons.Store(&all)
	return true
}

// compared is the side of a call of the version at a place within its share; nil for
// most calls.
func (rt *route) compared(a *function.Alias, version, at int) *side {
	all := rt.comparisons.Load()
	if all == nil {
		return nil
	}
	for i := range *all {
		c := &(*all)[i]
		if c.Alias != a.Name || version != c.Canary && version != c.Baseline {
			continue
		}
		if at >= min(weightOf(a, c.Canary), weightOf(a, c.Baseline)) {
			return nil
		}
		if version == c.Canary {
			return &c.onCanary
		}
		return &c.onBaseline
	}
	return nil
}

func weightOf(a *function.Alias, version int) int {
	for _, w := range a.Weights {
		if w.Version == version {
			return w.Weight
		}
	}
	return 0
}
