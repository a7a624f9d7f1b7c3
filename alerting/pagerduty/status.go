package pagerduty

import (
	"time"

	"hadron/alerting"
	"hadron/runtime/function"
)

// States of a service.
const (
	Pending  = "pending"  // it is about to be made
	Ready    = "ready"    // it takes events
	Failed   = "failed"   // Error says why, and it is tried again
	Disabled = "disabled" // the manifest, or somebody in PagerDuty, wants no pages
)

// Status is how a function's service stands.
type Status struct {
	ServiceID        string
	URL              string
	EscalationPolicy string // its name
	State            string
	Error            string // one sentence without secrets
}

// member is a function as far as it goes beside the other functions of its service.
type member struct {
	muted bool   // its manifest wants no pages
	note  string // what of its manifest is not followed; empty: all is
}

// Status returns how the function's service stands; it is pending for one that no pass
// has seen yet.
func (t *Target) Status(name function.Name) Status {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s, ok := t.status[t.cfg.Services.of(name)]
	if !ok {
		return Status{State: Pending}
	}
	switch m := t.members[name]; {
	case m.muted:
		s.State, s.Error = Disabled, ""
	case s.Error == "":
		s.Error = m.note
	}
	return s
}

// Routing returns the routing key under which the function's events go; ok is false
// where it has none, or is not to page. The key is a secret. While the service that it is
// to have is being made, events go where they went before.
func (t *Target) Routing(name function.Name) (key string, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	m, wanted := t.members[name]
	if !wanted || m.muted {
		return "", false
	}
	now := t.cfg.Services.of(name)
	if key, ok = t.keys[now]; ok || t.status[now].State == Disabled {
		return key, ok
	}
	for _, before := range everyScope(name) {
		if key, ok = t.keys[before]; ok {
			return key, ok
		}
	}
	return "", false
}

// show publishes what is known of a unit's service.
func (t *Target) show(of alerting.Scope, s Status, key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status[of] = s
	if key == "" || s.State == Disabled {
		delete(t.keys, of)
		return
	}
	t.keys[of] = key
}

func (t *Target) shown(of alerting.Scope) Status {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if s, ok := t.status[of]; ok {
		return s
	}
	return Status{State: Pending}
}

// close stops events from going to a service that is about to be disabled.
func (t *Target) close(of alerting.Scope) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.keys, of)
}

// tell notes what of a function's manifest is not followed.
func (t *Target) tell(name function.Name, note string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.members[name]
	m.note = note
	t.members[name] = m
}

// Progress is how far the target is with all of its services.
type Progress struct {
	Services                                Grouping
	Total, Ready, Pending, Failed, Disabled int // of those that functions want
	Leaving                                 int // that no function wants any more
	// Held is how many a pass would disable or delete, which is more than it does without
	// being told: Confirm tells. Counted says that a pass has looked since the start.
	Held     int
	Counted  bool
	Done, Of int       // of the pass under way, in services
	Running  bool      // a pass is under way, or the next is to begin at once
	LastPass time.Time // its end; zero before the first
	Error    string    // of the last pass
	Business int       // business services
	// BusinessError says why there are none, or not all.
	BusinessError string
	// Limit and Left are PagerDuty's word on calls a minute, 0 before it gave one; Calls is
	// how many there were in the last minute, Limited how often it refused one for it.
	Limit, Left, Calls, Limited int
}

// Progress returns how far the target is.
func (t *Target) Progress() Progress {
	t.mu.RLock()
	out := t.progress
	out.Services = t.cfg.Services
	for _, s := range t.status {
		switch s.State {
		case Ready:
			out.Ready++
		case Failed:
			out.Failed++
		case Disabled:
			out.Disabled++
		case Pending:
			out.Pending++
		}
	}
	out.Total = len(t.status)
	t.mu.RUnlock()
	out.Limit, out.Left, out.Calls, out.Limited = t.wire.rate()
	return out
}

// Confirm lets the next pass disable and delete up to n services, if it would let more go
// than it does unasked.
func (t *Target) Confirm(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.allowed = n
}

// note changes what Progress tells.
func (t *Target) note(change func(*Progress)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.progress)
}
