package live

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"hadron/ui/wire"
)

// tally adds healths up.
type tally struct {
	functions int
	ranks     [5]int
	rate      float64
	failed    float64 // invocations a second
	known     float64 // invocations a second whose share of errors is known
	inFlight  int
	budget    *float64
	rollouts  int
	rollout   *entry
}

func (t *tally) add(e *entry) {
	h := &e.health
	t.functions++
	t.ranks[e.rank]++
	t.rate += h.Rate
	t.inFlight += h.InFlight
	if h.ErrorRatio != nil {
		t.known += h.Rate
		t.failed += h.Rate * *h.ErrorRatio
	}
	if h.BudgetLeft != nil && (t.budget == nil || *h.BudgetLeft < *t.budget) {
		t.budget = h.BudgetLeft
	}
	if len(h.Versions) > 1 {
		t.rollouts++
		t.rollout = e
	}
}

func (t *tally) states() wire.StateCounts {
	return wire.StateCounts{Failing: t.ranks[0], Degraded: t.ranks[1], Unknown: t.ranks[2], Healthy: t.ranks[3], Idle: t.ranks[4]}
}

func (t *tally) errorRatio() *float64 {
	if t.known == 0 {
		return nil
	}
	r := rounded(t.failed / t.known)
	return &r
}

// worst is the state of the worst.
func (t *tally) worst() string {
	for i, n := range t.ranks {
		if n > 0 {
			return ranks[i]
		}
	}
	return ranks[len(ranks)-1]
}

// summary is a view in one line. o.mu is held.
func (o *overview) summary(v *view) wire.Summary {
	var t tally
	for _, e := range o.slots {
		if e != nil && v.has(e.id) {
			t.add(e)
		}
	}
	out := wire.Summary{
		Functions: t.functions, States: t.states(), Rate: rounded(t.rate), ErrorRatio: t.errorRatio(), InFlight: t.inFlight, Rollouts: t.rollouts,
	}
	if t.rollouts == 1 {
		newest := slices.MaxFunc(t.rollout.health.Versions, func(a, b wire.VersionShare) int { return cmp.Compare(a.Version, b.Version) })
		out.Rollout = &wire.RolloutShare{Function: t.rollout.name, Version: newest.Version, Share: rounded(newest.Share)}
	}
	return out
}

// groups is a view by team and project. o.mu is held.
func (o *overview) groups(v *view) []item {
	found := map[string]*tally{}
	for _, e := range o.slots {
		if e == nil || !v.has(e.id) {
			continue
		}
		group := e.name[:max(strings.LastIndexByte(e.name, '/'), 0)]
		t := found[group]
		if t == nil {
			t = &tally{}
			found[group] = t
		}
		t.add(e)
	}
	out := make([]item, 0, len(found))
	for _, group := range slices.Sorted(maps.Keys(found)) {
		t := found[group]
		g := wire.Group{
			Group: group, State: t.worst(), Functions: t.functions, States: t.states(),
			Rate: rounded(t.rate), ErrorRatio: t.errorRatio(), InFlight: t.inFlight, Rollouts: t.rollouts,
		}
		if t.budget != nil {
			left := rounded(*t.budget)
			g.BudgetLeft = &left
		}
		out = append(out, item{key: group, body: encoded(g)})
	}
	return out
}
