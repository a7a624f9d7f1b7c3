package alerting

import (
	"time"

	"hadron/collector/slo"
	"hadron/runtime/function"
)

// State is where an alert stands.
type State string

// The states.
const (
	Inactive State = "inactive"
	Pending  State = "pending"  // holds, and not yet for long enough
	Firing   State = "firing"   // holds, or was last seen to
	Resolved State = "resolved" // fired and was seen to end, a little while ago
	Disabled State = "disabled" // the manifest asks for no alerts
)

// Objective names one promise of one function: what an incident is about.
type Objective struct {
	Function function.Name
	SLO      string // "availability", "latency-p99"
}

// Key names one alert: a pair of alert windows over an objective. Its parts are
// the labels of the alert.
type Key struct {
	Objective
	SLOWindow string    // "30d"
	Class     slo.Class // page or ticket
	Window    string    // "1h/5m"
}

// Status is an alert's durable state. Times are zero where the state has none.
type Status struct {
	State      State
	ActiveAt   time.Time // since when it holds: what ALERTS_FOR_STATE shows
	FiredAt    time.Time
	ResolvedAt time.Time
	Why        string // it came into this state
}

// Since is when the state began.
func (s Status) Since() time.Time {
	switch s.State {
	case Pending:
		return s.ActiveAt
	case Firing:
		return s.FiredAt
	case Resolved:
		return s.ResolvedAt
	case Inactive, Disabled:
	}
	return time.Time{}
}

// active reports whether Prometheus would show the alert.
func (s Status) active() bool { return s.State == Pending || s.State == Firing }

// Alert is an alert as people see it.
type Alert struct {
	Key
	State    State
	Since    time.Time // of the state; zero where inactive
	ActiveAt time.Time // since when it holds
	Value    float64   // burn rate over the long window, as last seen; 0 where unknown
	Reason   string    // why it is in this state, in words
	// Inhibited says that a page of the same objective fires, so that this ticket
	// tells nobody.
	Inhibited bool
	Silenced  string // why nobody is told; empty where they are
}

// Definition is an alert that guards a function, and its state now.
type Definition struct {
	Alert
	Objective function.Objective
	Rule      slo.Rule
}

// Filter chooses alerts. The zero value is all that are not inactive.
type Filter struct {
	Function function.Name // empty: any
	Team     string        // empty: any
}

func (f Filter) matches(o Objective) bool {
	return (f.Function == "" || f.Function == o.Function) && (f.Team == "" || f.Team == o.Function.Team())
}
