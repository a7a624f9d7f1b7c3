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
}

// Part is one part of the installation: the registry, the metric store, Grafana.
type Part struct {
	Name   string     `json:"name"`
	State  string     `json:"state"`            // ok, degraded, down or disabled
	Detail string     `json:"detail,omitempty"` // what is wrong and what is done about it
	Since  *time.Time `json:"since,omitempty"`  // of the state
}

// The states of a Part.
const (
	PartOK       = "ok"
	PartDegraded = "degraded"
	PartDown     = "down"
	PartDisabled = "disabled"
)
