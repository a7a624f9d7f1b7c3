// Package delivery brings a new version of a function to an alias's traffic and
// judges it on the way. A Rollout is one such deployment; Next moves it by a pure
// function of (rollout, observation, now), and a Controller owns the clock: it looks
// at every active rollout, and writes the rollout and the alias's weights in one
// transaction, so that a process that ends anywhere leaves a step either done or not.
//
// docs/delivery.md says what each strategy does and how a canary is judged.
package delivery

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hadron/runtime/function"
)

// State is where a rollout stands.
type State string

// The states.
const (
	Pending     State = "pending"
	Prewarming  State = "prewarming"
	Probing     State = "probing"
	Running     State = "running"      // at a step
	Paused      State = "paused"       // at a step, until somebody resumes or promotes
	Promoting   State = "promoting"    // the alias points at the new version; the old one's calls end
	RollingBack State = "rolling_back" // the alias points at the old version; the new one's calls end

	Completed  State = "completed"
	RolledBack State = "rolled_back" // by analysis, a page or quarantine
	Aborted    State = "aborted"     // by somebody
	Failed     State = "failed"      // before it had any traffic
	Stopped    State = "stopped"     // inconclusive for too long
)

// Ended reports whether the rollout does nothing more.
func (s State) Ended() bool {
	switch s {
	case Completed, RolledBack, Aborted, Failed, Stopped:
		return true
	default:
		return false
	}
}

// live reports whether the new version has a part of the traffic, to be judged.
func (s State) live() bool { return s == Running || s == Paused }

// Rollout is one deployment.
type Rollout struct {
	ID       int64             `json:"-"` // cursor of the change that began it
	Function function.Name     `json:"function"`
	Alias    string            `json:"alias"`
	From     int               `json:"from"` // version that has the traffic
	To       int               `json:"to"`   // version that is to have it
	Plan     function.Delivery `json:"plan"` // defaults filled in
	By       string            `json:"by"`
	Message  string            `json:"message,omitempty"`
	Override string            `json:"override,omitempty"` // why a freeze of the team does not hold it

	State      State              `json:"state"`
	Reason     string             `json:"reason"`           // the state in words
	Step       int                `json:"step"`             // of Plan.Steps, from 1; 0 before the first
	Ending     State              `json:"ending,omitempty"` // what RollingBack comes to
	Weights    []function.Weight  `json:"weights"`          // of the alias, as the rollout last set or found them
	Extensions int                `json:"extensions"`       // intervals added to the step
	Mark       Mark               `json:"mark"`             // counts when the step began
	Bounds     map[string][]Bound `json:"bounds,omitempty"` // what counts as slow, once fixed
	Verdict    *Verdict           `json:"verdict,omitempty"`

	StartedAt time.Time `json:"started_at"`
	UpdatedAt time.Time `json:"updated_at"`
	StateAt   time.Time `json:"state_at"` // since when it is in its state
	StepAt    time.Time `json:"step_at"`  // since when it is at its step; zero before the first

	AliasRevision int64 `json:"-"` // of the alias, as the rollout last set or found it; the store's
	Revision      int64 `json:"-"` // grows with each write; the store's
}

// Active reports whether the rollout goes on.
func (r Rollout) Active() bool { return !r.State.Ended() }

// percent is the new version's share at the step it is at.
func (r Rollout) percent() int {
	if r.Step < 1 || r.Step > len(r.Plan.Steps) {
		return 0
	}
	return r.Plan.Steps[r.Step-1]
}

// whole are weights that give one version everything.
func whole(version int) []function.Weight { return []function.Weight{{Version: version, Weight: 100}} }

// split are the weights of a step. The old version comes first at every step, so
// that a visitor who is recognised changes versions at most once on the way.
func (r Rollout) split(percent int) []function.Weight {
	return []function.Weight{{Version: r.From, Weight: 100 - percent}, {Version: r.To, Weight: percent}}
}

// Event is one thing that happened to a rollout. Events are only added.
type Event struct {
	Seq  int64 // the store's
	Time time.Time
	Kind EventKind
	Text string
	By   string          // empty: Hadron itself
	Data json.RawMessage // of a verdict
}

// EventKind is what an event is about.
type EventKind string

// The kinds.
const (
	EventStarted EventKind = "started"
	EventState   EventKind = "state"   // it goes on to another state
	EventStep    EventKind = "step"    // weights were set
	EventVerdict EventKind = "verdict" // a step passed, failed or was given more time
	EventCommand EventKind = "command" // somebody asked for something
	EventFreeze  EventKind = "freeze"  // held, let go, or overridden
	EventEnded   EventKind = "ended"
)

// What is refused.
var (
	ErrNotFound = errors.New("no such deployment")
	// ErrConflict is a Store's word for a rollout, or an alias, that was written since
	// it was read.
	ErrConflict = errors.New("the deployment is being changed by others; try again")
	ErrEnded    = errors.New("the deployment has ended")
	ErrNotNow   = errors.New("not in this state")
	ErrSplit    = errors.New("the alias's traffic is split by hand; point it at one version first")
	ErrInvalid  = errors.New("invalid delivery")
)

// ActiveError says that the alias has a rollout already.
type ActiveError struct{ Rollout Rollout }

func (e *ActiveError) Error() string {
	r := e.Rollout
	return fmt.Sprintf("deployment %d of %s@%d to %s is %s; wait for its end, or abort it first: hadron rollouts abort %d",
		r.ID, r.Function, r.To, r.Alias, r.State, r.ID)
}

// FrozenError says that the team's deployments are frozen.
type FrozenError struct{ Freeze Freeze }

func (e *FrozenError) Error() string {
	f := e.Freeze
	return fmt.Sprintf("deployments of team %s are frozen until %s by %s: %s. Rollbacks stay possible; an admin can override it",
		f.Team, f.Until.UTC().Format(time.RFC3339), f.By, f.Reason)
}
