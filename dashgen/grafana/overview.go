package grafana

import (
	"context"
	"slices"
	"time"

	"hadron/runtime/function"
)

// Progress is how far a target is with all of its dashboards.
type Progress struct {
	Total, Ready, Pending, Failed, Drifted int
	// Held is how many dashboards a pass would delete, which is more than it deletes
	// without being told: Confirm tells. Counted says that a pass has looked since the start.
	Held     int
	Counted  bool
	LastPass time.Time // its end; zero before the first
	Running  bool      // more is to be done at once
	Error    string    // of the last pass
}

// enter waits until no other pass or plan walks.
func (t *Target) enter(ctx context.Context) error {
	select {
	case t.walking <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t *Target) leave() { <-t.walking }

// begin notes how much a pass has before it.
func (p *pass) begin(todo int, later []*wanted) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.progress.Total = todo + len(later)
	p.progress.Running = todo > 0
	p.fit()
}

// fit counts dashboards by state. The caller holds mu.
func (t *Target) fit() {
	g := &t.progress
	g.Ready, g.Failed, g.Drifted = 0, 0, 0
	for _, s := range t.status {
		switch s.State {
		case Ready:
			g.Ready++
		case Failed:
			g.Failed++
		case Pending, Disabled: // what is neither is still to come
		}
	}
	for _, k := range t.kept {
		if k.Drift != nil {
			g.Drifted++
		}
	}
	g.Pending = max(0, g.Total-g.Ready-g.Failed)
}

func (t *Target) progressed(p *pass, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.progress.Total = len(p.wanted)
	t.progress.LastPass, t.progress.Running, t.progress.Error = time.Now(), p.waiting, ""
	if err != nil {
		t.progress.Error = err.Error()
	}
}

// Progress returns how far the target is.
func (t *Target) Progress() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fit()
	g := t.progress
	g.Held = t.held
	return g
}

// Noteworthy lists the dashboards that failed or were changed by hand, and those of
// many functions, by name and title.
func (t *Target) Noteworthy() []Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Status
	for _, s := range t.status {
		if s.Name == "" || s.State == Failed || s.Drift != nil {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, byTitle)
	return out
}

// Confirm lets the next pass delete up to n dashboards, if it would delete more than
// it does unasked.
func (t *Target) Confirm(n int) { t.confirm(n) }

func (t *Target) confirm(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.allowed = n
}

func (t *Target) confirmed() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.allowed
}

// hold notes that n deletions wait to be confirmed; changed says that it was not so.
func (t *Target) hold(n int) (changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	changed = t.held != n
	t.held, t.progress.Counted = n, true
	return changed
}

// Restore has the next pass overwrite the dashboard of a function, whatever the
// policy says about changes by hand.
func (t *Target) Restore(name function.Name) { t.force(t.blank(name).UID, true) }

func (t *Target) force(uid string, yes bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if delete(t.forced, uid); yes {
		t.forced[uid] = true
	}
}

func (t *Target) isForced(uid string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.forced[uid]
}
