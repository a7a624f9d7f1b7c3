package wire

import (
	"encoding/json"
	"time"
)

// Delivery says how a version gets an alias's traffic. What is left out comes from
// the version's manifest; with nothing there either, the alias points at it at once.
type Delivery struct {
	Strategy string `json:"strategy,omitempty"` // all-at-once, canary, blue-green or manual
	Steps    []int  `json:"steps,omitempty"`    // percent of the traffic, rising, each under 100
	Interval string `json:"interval,omitempty"` // the least that a step lasts, such as "2m"
	Override string `json:"override,omitempty"` // why a freeze of the team does not hold; admins only, recorded
}

// Deploy is the body that starts a rollout of a version that is there already.
type Deploy struct {
	Version  int       `json:"version"`
	Alias    string    `json:"alias,omitempty"` // live unless given
	Message  string    `json:"message,omitempty"`
	Delivery *Delivery `json:"delivery,omitempty"`
}

// The states of a rollout. Those from completed on are its ends.
const (
	RolloutPending     = "pending"
	RolloutPrewarming  = "prewarming"
	RolloutProbing     = "probing"
	RolloutRunning     = "running"
	RolloutPaused      = "paused"
	RolloutPromoting   = "promoting"    // the alias points at the new version; the old one's calls end
	RolloutRollingBack = "rolling_back" // the alias points at the old version; the new one's calls end
	RolloutCompleted   = "completed"
	RolloutRolledBack  = "rolled_back" // by analysis, a page or quarantine
	RolloutAborted     = "aborted"     // by somebody
	RolloutFailed      = "failed"      // before it had any traffic
	RolloutStopped     = "stopped"     // inconclusive for too long
)

// Rollout is how a version comes to have an alias's traffic: one deployment.
type Rollout struct {
	ID        int64      `json:"id"`
	Function  string     `json:"function"`
	Alias     string     `json:"alias"`
	From      int        `json:"from"` // the version that had the traffic
	To        int        `json:"to"`
	Strategy  string     `json:"strategy"`
	Steps     []int      `json:"steps"`    // percent; empty where the strategy has none
	Step      int        `json:"step"`     // the step it is at, from 1; 0 before the first
	Interval  float64    `json:"interval"` // seconds
	State     string     `json:"state"`
	Active    bool       `json:"active"`
	Reason    string     `json:"reason"` // the state in words
	Weights   []Weight   `json:"weights"`
	Author    string     `json:"author"`
	Message   string     `json:"message,omitempty"`
	StartedAt time.Time  `json:"startedAt"`
	UpdatedAt time.Time  `json:"updatedAt"`
	StepAt    *time.Time `json:"stepAt,omitempty"`  // when the step began
	EndedAt   *time.Time `json:"endedAt,omitempty"` // of ends
	Analysis  *Analysis  `json:"analysis,omitempty"`
}

// Analysis is the comparison of the new version with a baseline of the old one.
type Analysis struct {
	Verdict  string    `json:"verdict"` // pass, fail or inconclusive
	Reason   string    `json:"reason"`
	Canary   Arm       `json:"canary"`
	Baseline Arm       `json:"baseline"`
	Findings []Finding `json:"findings"`
	At       time.Time `json:"at"`
}

// Arm is what one side of a comparison counted.
type Arm struct {
	Version int    `json:"version"`
	Calls   uint64 `json:"calls"`
	Errors  uint64 `json:"errors"`
}

// Finding is the comparison of one measure: a share of calls on either side.
type Finding struct {
	Measure  string  `json:"measure"` // errors, "slower than 300ms", a metric's name
	Verdict  string  `json:"verdict"`
	Canary   float64 `json:"canary"` // ratio of calls
	Baseline float64 `json:"baseline"`
	Evidence float64 `json:"evidence"` // of harm; at 1 it fails
	Text     string  `json:"text"`
}

// DeploymentEvent is one thing that happened to a deployment.
type DeploymentEvent struct {
	Time time.Time       `json:"time"`
	Kind string          `json:"kind"` // started, state, step, verdict, command, freeze, ended
	Text string          `json:"text"`
	By   string          `json:"by,omitempty"` // empty: Hadron itself
	Data json.RawMessage `json:"data,omitempty" tstype:"unknown"`
}

// Promote is the body that moves a rollout on: to its next step, or all the way.
type Promote struct {
	Full bool `json:"full,omitempty"`
}

// Abort is the body that ends a rollout with its traffic back at the old version.
type Abort struct {
	Reason string `json:"reason,omitempty"`
}

// PutFreeze is the body that freezes a team's deployments.
type PutFreeze struct {
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// Freeze is a team's deployment freeze, and what was done about it of late.
type Freeze struct {
	Team   string        `json:"team"`
	Frozen bool          `json:"frozen"`
	Reason string        `json:"reason,omitempty"`
	By     string        `json:"by,omitempty"`
	Since  *time.Time    `json:"since,omitempty"`
	Until  *time.Time    `json:"until,omitempty"`
	Log    []FreezeEntry `json:"log"` // newest first
}

// FreezeEntry is one thing that was done about a team's freeze.
type FreezeEntry struct {
	Time     time.Time `json:"time"`
	Kind     string    `json:"kind"` // frozen, lifted or overridden
	By       string    `json:"by"`
	Function string    `json:"function,omitempty"` // of an override
	Text     string    `json:"text"`
}
