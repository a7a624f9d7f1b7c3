package collector

import (
	"cmp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"hadron/collector/metric"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Bounds of what one function keeps.
const (
	linger      = time.Hour // a version without alias or call ends its series after this
	maxUnnamed  = 100       // awake versions without alias; past it the longest idle ends early
	maxAsleep   = 200       // ended versions remembered, so that a late call finds its handle
	sweepEvery  = time.Minute
	deployWords = 30 * time.Minute // how long after a deployment a failure still names it
)

// refusalCodes are the refusals before a function is called.
var refusalCodes = [...]invocation.Code{
	invocation.FunctionNotFound, invocation.FunctionOverloaded, invocation.NodeOverloaded,
	invocation.BodyTooLarge, invocation.Unauthorized, invocation.Forbidden, invocation.HeadersTooLarge, invocation.LoopDetected,
}

// refusals counts refused calls by code.
type refusals [len(refusalCodes)]atomic.Uint64

func (r *refusals) add(code invocation.Code) {
	if at := slices.Index(refusalCodes[:], code); at >= 0 {
		r[at].Add(1)
	}
}

// overloaded is the number of calls refused for want of room.
func (r *refusals) overloaded() uint64 {
	if r == nil {
		return 0
	}
	return r[1].Load() + r[2].Load()
}

// tracked is one function: its versions' handles and what is known of it. A crowded
// node has a hundred thousand of them that nobody calls, so what only calls need is
// made by the first one, and what many have in common is shared.
type tracked struct {
	name    function.Name
	c       *Collector
	groups  groups
	refused atomic.Pointer[refusals]  // made at the first refusal
	handles atomic.Pointer[[]*Handle] // awake ones, ordered by version; replaced, never changed
	active  atomic.Bool               // the health loop looks at it each tick

	mu         sync.Mutex
	versions   map[int]*Handle // those of handles, and those asleep; made with the first one
	promise    *promise        // of the manifest that live last pointed at whole; shared
	applied    bool            // false: only a handle is known, the registry has not told of it yet
	dirty      bool            // zeros or markers wait to be appended
	restate    bool            // something that health shows changed
	since      time.Time
	created    string // when it was registered, as its rollups have it
	registered int64  // the same, Unix milliseconds
	aliases    []function.Alias
	live       []VersionShare
	deployed   deployment
	moves      []move // of live, since this process runs

	dropped     *[len(dropReasons)]uint64     // made at the first drop
	quarantined map[int]invocation.Quarantine // by version
	takenBack   int                           // version whose deployment, the last one, failed; 0: none

	refill  *minute // the minute before the start, until the health loop has taken it
	budget  budget
	seen    seen         // of the health loop
	health  *healthState // of the health loop; made when there is something to see
	written written      // of the append loop
}

// seen is since when the health loop knows a function.
type seen struct {
	tick    uint64 // the first one; 0: none yet
	at      int64  // Unix nanoseconds of that tick
	changed uint64 // the tick that last changed what is shown of a function at rest
}

// deployment is the last change of what the alias live means.
type deployment struct {
	at      time.Time
	by      string
	version int
}

var noHandles = new([]*Handle)

func newTracked(name function.Name, c *Collector) *tracked {
	t := &tracked{name: name, c: c, since: c.now(), promise: noPromise, groups: groups{all: &c.groups}}
	t.handles.Store(noHandles)
	return t
}

func (t *tracked) now() time.Time { return t.c.now() }

func (t *tracked) refuse(code invocation.Code) {
	r := t.refused.Load()
	if r == nil {
		t.refused.CompareAndSwap(nil, new(refusals))
		r = t.refused.Load()
	}
	r.add(code)
}

// apply takes the function's state from the registry. Where series is false, versions
// that nobody calls get none.
func (t *tracked) apply(f *function.Function, p *promise, started time.Time, series bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	first := !t.applied
	t.applied, t.dirty, t.restate = true, true, true
	t.setPromise(p)
	if t.registered = f.CreatedAt.UnixMilli(); first {
		t.created = strconv.FormatInt(t.registered, 10)
	}
	t.aliases = f.Aliases
	live := shares(f)
	if first || !slices.Equal(live, t.live) {
		t.deployed = deployment{at: f.UpdatedAt, by: f.UpdatedBy, version: deployedVersion(t.live, live)}
		t.live = live
		if len(live) > 0 && (!first || !f.CreatedAt.Before(started)) {
			t.countMove(t.deployed.version, now)
		}
	}
	if series {
		for _, a := range f.Aliases {
			for _, w := range a.Weights {
				if h := t.handle(w.Version, now); h.asleep.Load() {
					t.rouse(h)
				}
			}
		}
	}
	for number, h := range t.versions {
		named := t.names(number)
		if h.asleep.Load() {
			h.aliased = named
			continue // it learns the objectives when it wakes
		}
		if h.aliased && !named {
			h.idleAt, h.total = now, h.invocations()
		}
		h.aliased = named
		h.setObjectives(t.promise.objectives)
	}
	if first && !f.CreatedAt.Before(started) {
		t.budget.known, t.budget.burn = true, true // the store has nothing of it
	}
}

// names reports whether an alias names a version. The caller holds t.mu.
func (t *tracked) names(version int) bool {
	for i := range t.aliases {
		for _, w := range t.aliases[i].Weights {
			if w.Version == version {
				return true
			}
		}
	}
	return false
}

// setPromise takes what the function's objectives come from. The caller holds t.mu.
func (t *tracked) setPromise(p *promise) {
	t.promise = p
	t.budget.setObjectives(p.length, p.objectives)
	if len(t.versions) > 0 {
		t.budget.keep(p.objectives)
	}
}

// wholeLive is the shares of an alias that sends everything to a first version, as
// those of most functions are.
var wholeLive = []VersionShare{{Version: 1, Share: 1}}

// shares is what the alias live sends to each version, greatest share first.
func shares(f *function.Function) []VersionShare {
	live, ok := f.Alias(function.Live)
	if !ok {
		return nil
	}
	if live.Whole() == 1 {
		return wholeLive
	}
	sum := 0
	for _, w := range live.Weights {
		sum += w.Weight
	}
	var out []VersionShare
	for _, w := range live.Weights {
		if w.Weight > 0 {
			out = append(out, VersionShare{Version: w.Version, Share: float64(w.Weight) / float64(sum)})
		}
	}
	slices.SortFunc(out, func(a, b VersionShare) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(b.Version, a.Version))
	})
	return out
}

// deployedVersion is the version that gained by a change of shares: one that is
// new there, else the one that gained most.
func deployedVersion(before, after []VersionShare) int {
	version, gain := 0, -2.0
	for _, s := range after {
		was := 0.0
		fresh := true
		for _, b := range before {
			if b.Version == s.Version {
				was, fresh = b.Share, false
			}
		}
		g := s.Share - was
		if fresh {
			g++
		}
		if g > gain {
			version, gain = s.Version, g
		}
	}
	return version
}

// handle returns the version's handle, made where there is none; one asleep wakes
// at its next call. The caller holds t.mu.
func (t *tracked) handle(version int, now time.Time) *Handle {
	if h := t.versions[version]; h != nil {
		return h
	}
	h := &Handle{id: function.ID{Name: t.name, Version: version}, owner: t, idleAt: now, born: now, aliased: t.names(version)}
	h.wantExemplar.Store(true)
	h.slo.Store(new([]*objective))
	h.setObjectives(t.promise.objectives)
	t.admit(h)
	return h
}

// admit puts a handle among those whose series live. The caller holds t.mu.
func (t *tracked) admit(h *Handle) {
	if t.versions == nil {
		t.versions = map[int]*Handle{}
	}
	t.versions[h.id.Version] = h
	t.budget.keep(t.promise.objectives)
	if len(t.versions) > maxUnnamed {
		t.crowdOut(h)
	}
	t.publish()
}

// crowdOut keeps the versions without alias within bounds: the one idle for
// longest ends, and the one asleep for longest is forgotten. The caller holds t.mu.
func (t *tracked) crowdOut(but *Handle) {
	var idlest, sleepiest *Handle
	awake, asleep := 0, 0
	for _, h := range t.versions {
		switch {
		case h.asleep.Load():
			if h.aliased {
				continue
			}
			asleep++
			if sleepiest == nil || h.idleAt.Before(sleepiest.idleAt) {
				sleepiest = h
			}
		case !h.aliased:
			awake++
			if h != but && h.inFlight.Load() == 0 && (idlest == nil || h.idleAt.Before(idlest.idleAt)) {
				idlest = h
			}
		}
	}
	if awake > maxUnnamed && idlest != nil {
		t.sleep(idlest)
	}
	if asleep > maxAsleep {
		delete(t.versions, sleepiest.id.Version)
	}
}

// sleep ends a version's series; one that nobody holds is forgotten. The caller holds
// t.mu and publishes.
func (t *tracked) sleep(h *Handle) {
	h.asleep.Store(true)
	t.budget.retire(*h.slo.Load())
	t.dirty = true
	if !h.held {
		delete(t.versions, h.id.Version)
	}
}

// wake brings back a version that is called after its series had ended; its new
// series begin at 0.
func (t *tracked) wake(h *Handle) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h.asleep.Load() && t.versions[h.id.Version] == h {
		t.rouse(h)
	}
}

// rouse is wake with t.mu held.
func (t *tracked) rouse(h *Handle) {
	h.reset()
	h.setObjectives(t.promise.objectives)
	h.born = t.now()
	h.idleAt = h.born
	h.asleep.Store(false)
	t.admit(h)
}

func (t *tracked) publish() {
	if len(t.versions) == 0 {
		t.versions = nil
		t.handles.Store(noHandles)
		return
	}
	list := make([]*Handle, 0, len(t.versions))
	for _, h := range t.versions {
		if !h.asleep.Load() {
			list = append(list, h)
		}
	}
	slices.SortFunc(list, func(a, b *Handle) int { return cmp.Compare(a.id.Version, b.id.Version) })
	t.handles.Store(&list)
}

// sweep ends the versions that had neither alias nor call for an hour, and on a
// crowded node those that only had no call, but for one that failed: its alerts end
// by its series. It reports whether the function itself may go: nobody registered
// it, and no version is left.
func (t *tracked) sweep(now time.Time, crowded bool) (gone, changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	moved := t.forgetMoves(now)
	awake := 0
	for _, h := range t.versions {
		if h.asleep.Load() {
			continue
		}
		awake++
		total := h.invocations()
		kept := h.aliased && (!crowded || h.failed())
		if kept || total != h.total || h.inFlight.Load() > 0 {
			h.idleAt, h.total = now, total
			continue
		}
		if now.Sub(h.idleAt) >= linger {
			t.sleep(h)
			awake--
			changed = true
		}
	}
	if changed {
		t.publish()
	}
	return !t.applied && awake == 0 && now.Sub(t.since) >= linger, changed || moved
}

// rest ends the series of versions that nobody called in this process.
func (t *tracked) rest() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, h := range *t.handles.Load() {
		if h.invocations() == 0 && h.inFlight.Load() == 0 {
			t.sleep(h)
		}
	}
	t.publish()
}

// failed reports whether the version broke an objective since its series began.
func (h *Handle) failed() bool {
	return slices.ContainsFunc(*h.slo.Load(), func(o *objective) bool { return o.bad.Load() > 0 })
}

// setObjectives makes the handle count the function's objectives. Counters of an
// objective that keeps its name go on; a new threshold holds from now.
func (h *Handle) setObjectives(objectives []function.Objective) {
	old := *h.slo.Load()
	next := make([]*objective, 0, len(objectives))
	same := len(objectives) == len(old)
	for i, o := range objectives {
		at := slices.IndexFunc(old, func(b *objective) bool { return b.name == o.Name })
		if at >= 0 && old[at].ratio == o.Ratio && old[at].threshold == o.Threshold {
			same = same && at == i
			next = append(next, old[at])
			continue
		}
		same = false
		made := &objective{name: o.Name, ratio: o.Ratio, threshold: o.Threshold}
		if at >= 0 {
			made.tally = old[at].tally
		} else {
			made.tally = new(tally)
		}
		next = append(next, made)
	}
	if same {
		return
	}
	h.owner.budget.retire(slices.DeleteFunc(slices.Clone(old), func(o *objective) bool {
		return slices.ContainsFunc(next, func(n *objective) bool { return n.tally == o.tally })
	}))
	h.slo.Store(&next)
}

// labels are the pairs that every series of this function has.
func (t *tracked) labels(node string) []string {
	return []string{
		metric.Job, metric.JobValue, metric.Instance, node,
		metric.Team, t.name.Team(), metric.Project, t.name.Project(), metric.Function, t.name.Base(),
	}
}
