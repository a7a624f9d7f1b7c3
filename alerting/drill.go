package alerting

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hadron/collector/slo"
	"hadron/runtime/function"
)

// Test stands in the place of an objective's name in a drill: a marked alert that
// somebody asked for, to see that the whole way to the targets works. It is an alert like
// any other, but for what it does not count as: ALERTS, the history of incidents, what a
// canary is judged by, and the numbers of firing alerts and open incidents.
const Test = "test"

// drillAlert is the name of its alert.
const drillAlert = "AlertTest"

// Bounds of drills.
const (
	maxDrill       = 5 * time.Minute // after it a drill ends whatever its targets say
	drillEvery     = time.Minute     // between two of a function
	maxDrillsAMin  = 10              // begun in a minute, of all functions
	maxDrillsKept  = 200             // finished ones are kept to be looked at
	maxDrillEnding = 2 * time.Minute // how long the ends that targets are told of are waited for
)

var (
	// ErrNoDrill says that a function was not tested since the start of the server.
	ErrNoDrill = errors.New("no test of its alerts was asked for since the server started")
	// ErrNoAlerts says that there is nothing to test.
	ErrNoAlerts = errors.New("there is nobody to tell")
)

// DrillWaitError says when the next drill may begin.
type DrillWaitError struct {
	After time.Duration
	Why   string
}

func (e *DrillWaitError) Error() string { return e.Why + ": try again in " + words(e.After) }

// DrillTarget is how one target took a drill. Times are zero where it did not happen.
type DrillTarget struct {
	Name       string
	SentAt     time.Time // of the first attempt
	Attempts   int
	AcceptedAt time.Time
	Error      string // of the last attempt that failed
	Refused    bool   // for good
	ResolvedAt time.Time
}

func (t DrillTarget) settled() bool { return !t.AcceptedAt.IsZero() || t.Refused }

// Drill is one test and its hops so far.
type Drill struct {
	Function    function.Name
	Class       slo.Class
	By          string
	AskedAt     time.Time
	EvaluatedAt time.Time // the evaluation that made it an alert began
	StoredAt    time.Time // state, incident and messages were committed
	Silenced    string    // why nobody is told
	Targets     []DrillTarget
	EndedAt     time.Time // the end was committed, with what targets are to hear of it
}

// DrillState is how a drill stands.
type DrillState string

// The states, in their order; it ends in one of the last two.
const (
	DrillWaiting   DrillState = "waiting"   // for an evaluation
	DrillSending   DrillState = "sending"   // to its targets
	DrillResolving DrillState = "resolving" // telling them that it is over
	DrillPassed    DrillState = "passed"
	DrillFailed    DrillState = "failed"
)

// State says how the drill stands at that time.
func (d Drill) State(now time.Time) DrillState {
	late := now.Sub(d.AskedAt) >= maxDrill
	switch {
	case d.EvaluatedAt.IsZero() && late, !d.EndedAt.IsZero() && len(d.Targets) == 0:
		return DrillFailed
	case d.EvaluatedAt.IsZero():
		return DrillWaiting
	case d.EndedAt.IsZero() && !d.over(now):
		return DrillSending
	case d.EndedAt.IsZero() && now.Sub(d.AskedAt) < maxDrill+maxDrillEnding:
		return DrillResolving
	}
	passed := !d.EndedAt.IsZero()
	for _, t := range d.Targets {
		switch {
		case t.AcceptedAt.IsZero():
			passed = false
		case t.ResolvedAt.IsZero() && now.Sub(d.EndedAt) < maxDrillEnding:
			return DrillResolving
		case t.ResolvedAt.IsZero():
			passed = false
		}
	}
	if passed {
		return DrillPassed
	}
	return DrillFailed
}

// over reports whether the alert is to end: every target has answered, nobody is told,
// or it took too long.
func (d Drill) over(now time.Time) bool {
	return now.Sub(d.AskedAt) >= maxDrill ||
		!d.StoredAt.IsZero() && !slices.ContainsFunc(d.Targets, func(t DrillTarget) bool { return !t.settled() })
}

func (d Drill) done(now time.Time) bool {
	s := d.State(now)
	return s == DrillPassed || s == DrillFailed
}

func (d Drill) reason() string {
	return fmt.Sprintf("TEST: %s asked for it, nothing is wrong; it ends by itself", oneLine(d.By, maxWho))
}

// Drills are the tests asked for since the start, and how each went: the evaluator makes
// them alerts, the deliverer says what became of their messages. What is lost when the
// process ends is the report: the alert itself ends with the next evaluation. It is safe
// for concurrent use; a nil one has no drill.
type Drills struct {
	now func() time.Time

	mu    sync.Mutex
	drill map[function.Name]*Drill // the last of each function
}

// NewDrills makes an empty Drills; now is the clock of the evaluator, nil the real one.
func NewDrills(now func() time.Time) *Drills {
	if now == nil {
		now = time.Now
	}
	return &Drills{now: now, drill: map[function.Name]*Drill{}}
}

// Begin asks for a drill of a function that exists and has alerts. Its error is a
// *DrillWaitError: one of the function goes on or was a moment ago, or there are too many.
func (d *Drills) Begin(name function.Name, class slo.Class, by string) (Drill, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now().UTC()
	if was := d.drill[name]; was != nil {
		switch since := now.Sub(was.AskedAt); {
		case !was.done(now):
			return Drill{}, &DrillWaitError{drillEvery, "a test of its alerts goes on"}
		case since < drillEvery:
			return Drill{}, &DrillWaitError{drillEvery - since, "its alerts were tested a moment ago"}
		}
	}
	if wait := d.crowded(now); wait > 0 {
		return Drill{}, &DrillWaitError{wait, fmt.Sprintf("%d tests were begun within a minute", maxDrillsAMin)}
	}
	made := &Drill{Function: name, Class: class, By: by, AskedAt: now}
	d.drill[name] = made
	for len(d.drill) > maxDrillsKept {
		oldest := slices.MinFunc(slices.Collect(maps.Values(d.drill)), func(a, b *Drill) int { return a.AskedAt.Compare(b.AskedAt) })
		delete(d.drill, oldest.Function)
	}
	return made.clone(), nil
}

// crowded returns how long it is until one more may begin; 0: now.
func (d *Drills) crowded(now time.Time) time.Duration {
	n, first := 0, now
	for _, one := range d.drill {
		if now.Sub(one.AskedAt) < time.Minute {
			if n++; one.AskedAt.Before(first) {
				first = one.AskedAt
			}
		}
	}
	if n < maxDrillsAMin {
		return 0
	}
	return first.Add(time.Minute).Sub(now)
}

// Last returns the last drill of a function. Errors: ErrNoDrill.
func (d *Drills) Last(name function.Name) (Drill, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if one := d.drill[name]; one != nil {
		return one.clone(), nil
	}
	return Drill{}, ErrNoDrill
}

func (d *Drill) clone() Drill {
	out := *d
	out.Targets = slices.Clone(d.Targets)
	return out
}

// standing are the drills that are to be alerts now.
func (d *Drills) standing(now time.Time) map[function.Name]Drill {
	out := map[function.Name]Drill{}
	if d == nil {
		return out
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, one := range d.drill {
		if one.EndedAt.IsZero() && !one.over(now) {
			out[name] = one.clone()
		}
	}
	return out
}

// stored notes what an evaluation committed.
func (d *Drills) stored(began time.Time, c Change, hushed func(Objective, slo.Class) string) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now().UTC()
	for _, in := range c.Incidents {
		one := d.drill[in.Function]
		if in.SLO != Test || one == nil || !one.StoredAt.IsZero() {
			continue
		}
		one.EvaluatedAt, one.StoredAt, one.Silenced = began, now, hushed(in.Objective, in.Class)
		for _, name := range strings.FieldsFunc(in.Told, func(r rune) bool { return r == ',' }) {
			one.target(name)
		}
	}
	for _, ended := range c.Closed {
		if one := d.drill[ended.Function]; ended.SLO == Test && one != nil && one.EndedAt.IsZero() && !one.StoredAt.IsZero() {
			one.EndedAt = now
		}
	}
}

// Observe notes what came of sending a message; those of other alerts change nothing.
func (d *Drills) Observe(m Message, a Attempt) {
	if d == nil || !m.Event.Test {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	one := d.drill[m.Function]
	if one == nil || m.Created.Before(one.AskedAt.Truncate(time.Microsecond)) {
		return // of one before
	}
	t := one.target(m.Event.Target)
	if a.Err != nil {
		t.Error = oneLine(a.Err.Error(), maxReason)
	}
	switch {
	case m.Event.Action == Resolve && a.Outcome == Delivered:
		t.ResolvedAt = a.Ended.UTC()
	case m.Event.Action == Trigger:
		t.Attempts++
		if t.SentAt.IsZero() {
			t.SentAt = a.Began.UTC()
		}
		if a.Outcome == Delivered {
			t.AcceptedAt, t.Error = a.Ended.UTC(), ""
		}
		t.Refused = a.Outcome == Dead
	}
}

// target is the one of that name. It may answer before the evaluator says that it is told.
func (d *Drill) target(name string) *DrillTarget {
	i := slices.IndexFunc(d.Targets, func(t DrillTarget) bool { return t.Name == name })
	if i < 0 {
		i, d.Targets = len(d.Targets), append(d.Targets, DrillTarget{Name: name})
	}
	return &d.Targets[i]
}

// drills makes the drills that stand alerts, and ends the alerts of those that do not,
// also of one that was asked for before the last start.
func (r *round) drills() {
	asked := r.e.cfg.Drills.standing(r.now)
	of := map[Key]bool{}
	for k := range r.e.alerts {
		of[k] = k.SLO == Test
	}
	for name, d := range asked {
		of[drillKey(name, d.Class)] = true
	}
	for k, is := range of {
		if !is {
			continue
		}
		was := r.e.alerts[k].Status
		if was.State == "" {
			was.State = Inactive
		}
		d, on := asked[k.Function]
		if s := r.specs[k.Function]; !on || d.Class != k.Class || s == nil || s.disabled {
			r.settleOn(k, was, verdict{Status: Status{State: Inactive}})
			continue
		}
		v := verdict{Status: was, reason: d.reason()}
		if was.State != Firing {
			v.Status = Status{State: Firing, ActiveAt: r.now, FiredAt: r.now}
		}
		r.settleOn(k, was, v)
	}
}

func drillKey(name function.Name, class slo.Class) Key {
	return Key{Objective: Objective{name, Test}, Class: class}
}

// drillEvent is what targets hear of one.
func (p page) drillEvent(e Event) Event {
	e.Test, e.Alert = true, drillAlert
	e.Summary = oneLine(fmt.Sprintf("TEST of how %s is told of: %s.", oneLine(p.incident.Function.Base(), maxWho), p.why), MaxSummary)
	e.Details = []Field{
		{"test", p.why},
		{"what users feel", "nothing: no call failed for this"},
		{"what to do", "nothing; it ends when every target has answered, or after " + words(maxDrill)},
	}
	if p.action == Resolve {
		e.Details = e.Details[:1]
	}
	return e
}
