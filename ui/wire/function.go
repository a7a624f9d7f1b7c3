// Package wire holds the structs of Hadron's management API and live protocol.
// The web app's TypeScript is generated from them. It is a leaf.
package wire

import (
	"encoding/json"
	"time"
)

// List is one page of a listing; Next is the cursor of the page after it, empty on the last.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// Weight is one version's share of an alias.
type Weight struct {
	Version int `json:"version"`
	Weight  int `json:"weight"`
}

// Sticky says what a visitor is recognised by: a header, a cookie, or both together.
type Sticky struct {
	Header string `json:"header,omitempty"`
	Cookie string `json:"cookie,omitempty"`
	Issue  bool   `json:"issue,omitempty"` // who comes without the cookie while traffic is split is given one
}

// Alias is a movable name for versions.
type Alias struct {
	Name    string   `json:"name"`
	Weights []Weight `json:"weights"`
	Sticky  *Sticky  `json:"sticky,omitempty"`
	// Since is when it came to point where it does; told where one alias is asked for.
	Since *time.Time `json:"since,omitempty"`
}

// PutAlias is the body that repoints an alias.
type PutAlias struct {
	Weights []Weight `json:"weights"`
	Sticky  *Sticky  `json:"sticky,omitempty"`
}

// Function is one function's metadata.
type Function struct {
	Function  string    `json:"function"` // team/project/name
	URL       string    `json:"url"`
	Latest    int       `json:"latest"`
	Live      *Alias    `json:"live,omitempty"`
	Aliases   []Alias   `json:"aliases"`
	Spec      Manifest  `json:"spec"` // defaults filled in
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	UpdatedBy string    `json:"updatedBy"`
}

// Manifest is the part of a manifest that people look at.
type Manifest struct {
	Description string `json:"description,omitempty"`
	Owner       string `json:"owner,omitempty"`
	Runbook     string `json:"runbook,omitempty"`
	Timeout     string `json:"timeout"`
	Concurrency int    `json:"concurrency"`
	SLO         SLO    `json:"slo"`
}

// SLO holds objectives over one window.
type SLO struct {
	Window     string      `json:"window"`
	Objectives []Objective `json:"objectives"`
}

// Objective is one promise: the share of events that must be good.
type Objective struct {
	Name      string  `json:"name"`                // availability, latency-p99
	Ratio     float64 `json:"ratio"`               // 0.999
	Threshold float64 `json:"threshold,omitempty"` // seconds; latency only
}

// Register is the body that registers a version.
type Register struct {
	Source    string          `json:"source"`
	SourceMap string          `json:"sourceMap,omitempty"`
	Manifest  json.RawMessage `json:"manifest,omitempty" tstype:"Record<string, unknown>"`
	Message   string          `json:"message,omitempty"`
	Origin    *Origin         `json:"origin,omitempty"`
	Delivery  *Delivery       `json:"delivery,omitempty"` // over what the manifest says
}

// SetObjectives is the body that registers the module of the live version with other objectives.
type SetObjectives struct {
	Version int             `json:"version"`                              // that live points at, as the author of the change saw it
	SLO     json.RawMessage `json:"slo" tstype:"Record<string, unknown>"` // as a manifest has them under slo
	Message string          `json:"message,omitempty"`
}

// Registered is the receipt of a registration.
type Registered struct {
	Function    string      `json:"function"`
	Version     int         `json:"version"`
	Digest      string      `json:"digest"`
	URL         string      `json:"url"`
	Created     bool        `json:"created"` // false: the same source and manifest were there already
	Previous    int         `json:"previous,omitempty"`
	Live        bool        `json:"live"`              // live points at it whole
	Rollout     *Rollout    `json:"rollout,omitempty"` // on its way to the alias's traffic
	Operability Operability `json:"operability"`
	// BacktestURL is where a POST without a body says what the version's objectives would have
	// done of late; only where they are others than those in effect before.
	BacktestURL string `json:"backtestUrl,omitempty"`
}

// Version is one immutable version's metadata.
type Version struct {
	Function  string          `json:"function"`
	Version   int             `json:"version"`
	Digest    string          `json:"digest"`
	Author    string          `json:"author"`
	Message   string          `json:"message,omitempty"`
	Size      int             `json:"size"` // bytes of source
	Aliases   []string        `json:"aliases"`
	Manifest  json.RawMessage `json:"manifest,omitempty" tstype:"Record<string, unknown>"`
	Origin    *Origin         `json:"origin,omitempty"`
	CreatedAt time.Time       `json:"createdAt"`
	RemovedAt *time.Time      `json:"removedAt,omitempty"` // when retention removed its source; it cannot be called any more
}

// Upload is what a version was registered with: registered again, anywhere, it has the
// same digest.
type Upload struct {
	Digest    string          `json:"digest"`
	Source    string          `json:"source"`
	SourceMap string          `json:"sourceMap,omitempty"`
	Manifest  json.RawMessage `json:"manifest,omitempty" tstype:"Record<string, unknown>"` // the author's own, without defaults
}

// Rollback is the body of a rollback; no version means the previous one.
type Rollback struct {
	Version int `json:"version,omitempty"`
}

// RolledBack is the receipt of a rollback: live as it is now, and what changed.
type RolledBack struct {
	Name    string   `json:"name"`
	Weights []Weight `json:"weights"`
	Sticky  *Sticky  `json:"sticky,omitempty"`
	From    int      `json:"from"`    // the version that live last pointed at whole
	Version int      `json:"version"` // the one that it points at now
}

// State of a generated thing.
type State string

// The states.
const (
	Pending  State = "pending"
	Ready    State = "ready"
	Failed   State = "failed"
	Disabled State = "disabled"
)

// Operability is what was generated for a function, and how far it is.
type Operability struct {
	Dashboard Dashboard `json:"dashboard"`
	PagerDuty PagerDuty `json:"pagerduty"`
	Alerts    []Alert   `json:"alerts"`
	SLO       SLO       `json:"slo"`
	// Quarantined are the versions that are not run now.
	Quarantined []Quarantine `json:"quarantined,omitempty"`
}

// Quarantine is a version that is not run, since it ended the workers it ran in.
type Quarantine struct {
	Version int       `json:"version"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`  // when it is tried again
	Deaths  int       `json:"deaths"` // workers that it ended
	Reason  string    `json:"reason"` // how the last one ended
}

// Released is the receipt of letting a version run again.
type Released struct {
	Function string `json:"function"`
	Version  int    `json:"version"`
	Released bool   `json:"released"` // false: nothing was held against it
}

// Dashboard is a function's generated dashboard.
type Dashboard struct {
	UID    string `json:"uid"`
	URL    string `json:"url,omitempty"`
	Target string `json:"target,omitempty"` // grafana or files
	State  State  `json:"state"`
	Error  string `json:"error,omitempty"`
	// Drift is the last change by hand.
	Drift *DashboardDrift `json:"drift,omitempty"`
}

// PagerDuty is a function's service there.
type PagerDuty struct {
	ServiceID        string `json:"serviceId,omitempty"`
	URL              string `json:"url,omitempty"`
	EscalationPolicy string `json:"escalationPolicy,omitempty"`
	State            State  `json:"state"`
	Error            string `json:"error,omitempty"`
}

// Alert is one generated alert definition of a function with its state now.
type Alert struct {
	Name     string     `json:"name"`
	Function string     `json:"function,omitempty"`
	SLO      string     `json:"slo,omitempty"`
	Class    string     `json:"class"` // page or ticket
	Window   string     `json:"window,omitempty"`
	State    string     `json:"state"` // inactive, pending, firing
	Since    *time.Time `json:"since,omitempty"`
	Value    float64    `json:"value,omitempty"` // burn rate
	Reason   string     `json:"reason,omitempty"`
	Error    string     `json:"error,omitempty"`
	Silenced string     `json:"silenced,omitempty"` // why nobody is told
}
