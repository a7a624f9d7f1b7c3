package wire

import (
	"encoding/json"
	"time"
)

// Health is how one function is doing now. Durations are seconds, shares are
// ratios; a null means that there was nothing to measure.
type Health struct {
	Function        string         `json:"function"`
	State           string         `json:"state"`  // healthy, degraded, failing, idle, unknown
	Reason          string         `json:"reason"` // the state in words
	Since           time.Time      `json:"since"`  // of the state
	Rate            float64        `json:"rate"`   // invocations a second
	ErrorRatio      *float64       `json:"errorRatio"`
	P50             *float64       `json:"p50"`
	P95             *float64       `json:"p95"`
	P99             *float64       `json:"p99"`
	InFlight        int            `json:"inFlight"`
	Errors          []CodeShare    `json:"errors"`     // by code, those that there were
	ColdStarts      float64        `json:"coldStarts"` // a second
	Throttled       float64        `json:"throttled"`  // calls refused for want of room, a second
	CPU             float64        `json:"cpu"`        // time inside the VM, seconds a second
	BudgetLeft      *float64       `json:"budgetLeft"` // share of the worst objective's error budget; under 0 when overspent
	Burns           []Burn         `json:"burns"`      // over 1 h, 6 h, 1 d and 3 d as far as the SLO's window; empty until known
	Availability    float64        `json:"availability"`
	LatencyTarget   float64        `json:"latencyTarget,omitempty"` // seconds, of the strictest latency objective
	LatencyQuantile float64        `json:"latencyQuantile,omitempty"`
	Window          string         `json:"window"` // of the SLO
	Versions        []VersionShare `json:"versions"`
	Trend           []float64      `json:"trend"` // invocations a second, one value per 5 s, oldest first, at most 24
	DeployedAt      time.Time      `json:"deployedAt"`
	DeployedBy      string         `json:"deployedBy"`
	UpdatedAt       time.Time      `json:"updatedAt"`
}

// CodeShare is how much of all invocations failed in one way.
type CodeShare struct {
	Code  string  `json:"code"`
	Ratio float64 `json:"ratio"`
}

// Burn is how many times faster than sustainable the error budget was spent over a
// window, of the objective that burns fastest.
type Burn struct {
	Window string  `json:"window"` // 1h
	Rate   float64 `json:"rate"`
}

// VersionShare is one version's share of live.
type VersionShare struct {
	Version int     `json:"version"`
	Share   float64 `json:"share"`
}

// ErrorGroup is failures of the same mapped stack.
type ErrorGroup struct {
	Fingerprint string    `json:"fingerprint"`
	Code        string    `json:"code"`
	Message     string    `json:"message"`
	Stack       []Frame   `json:"stack"`
	Count       int64     `json:"count"`
	FirstSeen   time.Time `json:"firstSeen"`
	LastSeen    time.Time `json:"lastSeen"`
	Versions    []int     `json:"versions"`
	Since       int       `json:"since"`   // the version that showed it first
	New         bool      `json:"new"`     // that is the one that live last moved to, and not the function's first
	Request     string    `json:"request"` // a sample request id
}

// Frame is one line of a mapped stack.
type Frame struct {
	Function string `json:"function,omitempty"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
}

// LogRecord is one log line of a function.
type LogRecord struct {
	Time     time.Time       `json:"time"`
	Level    string          `json:"level"` // debug, info, warn, error
	Message  string          `json:"message"`
	Function string          `json:"function"`
	Version  int             `json:"version,omitempty"`
	Request  string          `json:"request,omitempty"`
	Trace    string          `json:"trace,omitempty"`
	Fields   json.RawMessage `json:"fields,omitempty" tstype:"Record<string, unknown>"`
}

// Deployment is one change of what live means.
type Deployment struct {
	ID       int64     `json:"id"`
	Function string    `json:"function"`
	Kind     string    `json:"kind"` // registered, deployed, rolled_back, repointed, deleted, rollout
	From     []Weight  `json:"from"`
	To       []Weight  `json:"to"`
	Author   string    `json:"author"`
	Message  string    `json:"message,omitempty"`
	Time     time.Time `json:"time"`
	// Rollout is there for kind rollout: its id is the deployment's.
	Rollout *Rollout `json:"rollout,omitempty"`
	// Events are those of one deployment that was asked for by id, oldest first.
	Events []DeploymentEvent `json:"events,omitempty"`
}
