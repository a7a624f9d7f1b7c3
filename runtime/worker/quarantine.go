package worker

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Quarantine is a version that is not run, because it ended a worker in which it
// ran alone.
type Quarantine = invocation.Quarantine

// Verdicts is told of each quarantine that begins, is renewed after another death,
// or ends. It is called by one goroutine at a time, in order, and must not block
// long. standing is false when the version may run again as all others.
type Verdicts func(q Quarantine, standing bool)

// The steps of a trial.
type standing int

const (
	onProbation standing = iota // runs in a worker of its own
	quarantined                 // is not run, until a time
	cleared                     // runs as all others; its deaths are remembered for a while
)

// trial is what is held against one version.
type trial struct {
	state  standing
	deaths int
	since  time.Time // of the quarantine
	until  time.Time // quarantined: tried again; cleared: forgotten
	began  time.Time // of this probation: when its first call ended well; zero before
	clean  int       // calls of this probation that ended
	reason string
}

// trials keeps the versions that are suspected of ending workers. Most of the time
// there is none, and then a look costs one atomic read.
type trials struct {
	now   func() time.Time
	tell  Verdicts
	first time.Duration // the first quarantine; each further one is twice as long
	most  time.Duration // the longest
	clean time.Duration // a probation ends well after this long and at least one call

	count atomic.Int32
	mu    sync.Mutex
	by    map[function.ID]*trial

	telling sync.Mutex // keeps verdicts in order
}

// Bounds of what is remembered. Versions beyond maxTrials run with the others: a
// team that has so many killers gains nothing from probation.
const (
	maxTrials     = 4096
	enoughCalls   = 50
	rememberClear = 30 * time.Minute
)

func newTrials(cfg Config) *trials {
	t := &trials{
		now: time.Now, tell: cfg.Verdicts, by: map[function.ID]*trial{},
		first: cfg.Quarantine, most: cfg.MaxQuarantine, clean: cfg.Probation,
	}
	for _, q := range cfg.Quarantined {
		t.by[q.Version] = &trial{state: quarantined, deaths: q.Deaths, since: q.Since, until: q.Until, reason: q.Reason}
	}
	t.count.Store(int32(len(t.by)))
	return t
}

// of says how a version is to be run: as all others, alone, or not at all.
func (t *trials) of(id function.ID) (alone bool, q *Quarantine) {
	if t.count.Load() == 0 {
		return false, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	tr := t.by[id]
	switch {
	case tr == nil:
		return false, nil
	case tr.state == quarantined && t.now().Before(tr.until):
		q := tr.quarantine(id)
		return false, &q
	case tr.state == quarantined:
		tr.probation()
	case tr.state == cleared:
		if t.now().After(tr.until) {
			t.forget(id)
		}
		return false, nil
	}
	return true, nil
}

func (tr *trial) probation() { tr.state, tr.began, tr.clean = onProbation, time.Time{}, 0 }

func (tr *trial) quarantine(id function.ID) Quarantine {
	return Quarantine{Version: id, Since: tr.since, Until: tr.until, Deaths: tr.deaths, Reason: tr.reason}
}

func (t *trials) forget(id function.ID) {
	delete(t.by, id)
	t.count.Store(int32(len(t.by)))
}

// suspect puts a version on probation that was running when a worker ended which
// it shared.
func (t *trials) suspect(id function.ID, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr := t.by[id]
	switch {
	case tr == nil && len(t.by) >= maxTrials:
	case tr == nil:
		t.by[id] = &trial{reason: reason}
		t.count.Store(int32(len(t.by)))
	case tr.state == cleared:
		tr.probation()
		tr.reason = reason
	}
}

// guilty puts a version into quarantine that ended a worker in which it was alone.
func (t *trials) guilty(id function.ID, reason string) {
	t.telling.Lock()
	defer t.telling.Unlock()
	t.mu.Lock()
	tr := t.by[id]
	if tr == nil {
		tr = &trial{}
		t.by[id] = tr
		t.count.Store(int32(len(t.by)))
	}
	now := t.now()
	if tr.since.IsZero() {
		tr.since = now
	}
	tr.deaths++
	tr.state, tr.reason, tr.until = quarantined, reason, now.Add(t.term(tr.deaths))
	q := tr.quarantine(id)
	t.mu.Unlock()
	t.tell(q, true)
}

// term is how long a quarantine lasts after so many deaths.
func (t *trials) term(deaths int) time.Duration {
	d := t.first
	for ; deaths > 1 && d < t.most; deaths-- {
		d *= 2
	}
	return min(d, t.most)
}

// survived takes note of a call on probation that ended with its worker alive.
func (t *trials) survived(id function.ID) {
	if t.count.Load() == 0 || !t.passed(id) {
		return
	}
	t.telling.Lock()
	defer t.telling.Unlock()
	t.mu.Lock()
	tr := t.by[id]
	if tr == nil || tr.state != onProbation {
		t.mu.Unlock()
		return
	}
	q, stood := tr.quarantine(id), !tr.since.IsZero()
	tr.state, tr.until, tr.since = cleared, t.now().Add(rememberClear), time.Time{}
	t.mu.Unlock()
	if stood {
		t.tell(q, false)
	}
}

// passed counts a call on probation, and reports whether that is enough.
func (t *trials) passed(id function.ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr := t.by[id]
	if tr == nil || tr.state != onProbation {
		return false
	}
	now := t.now()
	if tr.clean++; tr.began.IsZero() {
		tr.began = now
	}
	return tr.clean >= enoughCalls || now.Sub(tr.began) >= t.clean
}

// release lets a version run as all others, whatever is held against it.
func (t *trials) release(id function.ID) bool {
	t.telling.Lock()
	defer t.telling.Unlock()
	t.mu.Lock()
	tr := t.by[id]
	if tr == nil || tr.state == cleared {
		t.mu.Unlock()
		return false
	}
	q, stood := tr.quarantine(id), !tr.since.IsZero()
	t.forget(id)
	t.mu.Unlock()
	if stood {
		t.tell(q, false)
	}
	return true
}

// drop forgets a deleted function's versions.
func (t *trials) drop(name function.Name) {
	if t.count.Load() == 0 {
		return
	}
	t.telling.Lock()
	defer t.telling.Unlock()
	t.mu.Lock()
	var ended []Quarantine
	for id, tr := range t.by {
		if id.Name != name {
			continue
		}
		if !tr.since.IsZero() {
			ended = append(ended, tr.quarantine(id))
		}
		t.forget(id)
	}
	t.mu.Unlock()
	for _, q := range ended {
		t.tell(q, false)
	}
}

// list returns the standing quarantines, by name and version. One whose time is up
// stands until the version has survived its trial.
func (t *trials) list() []Quarantine {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Quarantine
	for id, tr := range t.by {
		if !tr.since.IsZero() {
			out = append(out, tr.quarantine(id))
		}
	}
	slices.SortFunc(out, func(a, b Quarantine) int {
		return cmp.Or(cmp.Compare(a.Version.Name, b.Version.Name), cmp.Compare(a.Version.Version, b.Version.Version))
	})
	return out
}

// Quarantined returns the versions that ended their worker on their own and have
// not survived a trial since, by name and version.
func (p *Pool) Quarantined() []Quarantine { return p.trials.list() }

// Release lets a version run with the others again at once. It reports whether
// anything was held against it.
func (p *Pool) Release(id function.ID) bool { return p.trials.release(id) }
