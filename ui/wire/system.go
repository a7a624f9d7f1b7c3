package wire

import "time"

// System is how the installation itself is doing: the sum of its parts.
type System struct {
	Version   string    `json:"version"`
	Node      string    `json:"node"`
	Dev       bool      `json:"dev"`
	State     string    `json:"state"` // ok, degraded or down: the worst of the parts
	StartedAt time.Time `json:"startedAt"`
	Parts     []Part    `json:"parts"`
	// The rest is for those who may read everything, and empty for others.
	Facts       []Fact       `json:"facts"` // of the process itself
	Reconcilers []Reconciler `json:"reconcilers"`
	Watchdogs   []Watchdog   `json:"watchdogs"` // by target; none: nobody hears when this installation stops
	Settings    []Setting    `json:"settings"`  // what bounds functions and this node
}

// Part is one part of the installation: the registry, the metric store, Grafana.
type Part struct {
	Name   string     `json:"name"`
	State  string     `json:"state"`            // ok, degraded, down or disabled
	Detail string     `json:"detail,omitempty"` // what is wrong and what is done about it
	Since  *time.Time `json:"since,omitempty"`  // of the state
	Facts  []Fact     `json:"facts"`
}

// Fact is one number that a part knows of itself.
type Fact struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"` // bytes, s, total (since the start) or none
}

// Reconciler is a loop that makes something outside as functions want it.
type Reconciler struct {
	Name        string     `json:"name"`
	Running     bool       `json:"running"`
	LastPass    *time.Time `json:"lastPass,omitempty"`    // its end; none before the first
	LastSuccess *time.Time `json:"lastSuccess,omitempty"` // of the last pass in which nothing failed
	NextAttempt *time.Time `json:"nextAttempt,omitempty"` // at the latest
	LastError   string     `json:"lastError,omitempty"`   // of the last pass
	Failures    int        `json:"failures"`              // passes failed in a row
	Done        int        `json:"done,omitempty"`        // that are as wanted, where it tells
	Of          int        `json:"of,omitempty"`          // how many there are to be; 0: it does not tell
	Waits       string     `json:"waits,omitempty"`       // what waits for somebody to agree, and how
	Created     int        `json:"created"`               // in the last pass, as the rest
	Updated     int        `json:"updated"`
	Deleted     int        `json:"deleted"`
	Unchanged   int        `json:"unchanged"`
	Failed      int        `json:"failed"`
}

// Watchdog is a dead man's switch: what a target is told while alerts are evaluated and
// delivered, so that whoever waits for it raises the alarm when it stops.
type Watchdog struct {
	Target    string     `json:"target"`
	State     string     `json:"state"`             // ok, or degraded: not taken for three periods
	Every     float64    `json:"every"`             // seconds
	HeardAt   *time.Time `json:"heardAt,omitempty"` // when the target last took one; none since the start
	TriedAt   *time.Time `json:"triedAt,omitempty"` // when one was last sent, whatever came of it
	LastError string     `json:"lastError,omitempty"`
}

// Setting is one bound of the configuration, as it is in effect.
type Setting struct {
	Key   string `json:"key"` // as in the configuration file
	Value string `json:"value"`
	Help  string `json:"help"`
}

// The states of a Part.
const (
	PartOK       = "ok"
	PartDegraded = "degraded"
	PartDown     = "down"
	PartDisabled = "disabled"
)
