package wire

import "time"

// Silence keeps incidents of a scope from being told while it lasts.
type Silence struct {
	ID        int64      `json:"id"`
	Scope     string     `json:"scope"`           // team, team/project or team/project/name; empty: everything
	SLO       string     `json:"slo,omitempty"`   // one objective; none: all
	Class     string     `json:"class,omitempty"` // page or ticket; none: both
	Kind      string     `json:"kind"`            // silence or maintenance
	Starts    time.Time  `json:"starts"`
	Ends      time.Time  `json:"ends"`
	Owner     string     `json:"owner"`
	Reason    string     `json:"reason"`
	CreatedAt time.Time  `json:"createdAt"`
	State     string     `json:"state"`             // pending, active or over
	EndedAt   *time.Time `json:"endedAt,omitempty"` // before its time
	EndedBy   string     `json:"endedBy,omitempty"`
}

// CreateSilence is the body that makes one.
type CreateSilence struct {
	Scope  string     `json:"scope"`
	SLO    string     `json:"slo,omitempty"`
	Class  string     `json:"class,omitempty"`
	Kind   string     `json:"kind,omitempty"`   // silence unless given
	Starts *time.Time `json:"starts,omitempty"` // now unless given
	Ends   time.Time  `json:"ends"`
	Reason string     `json:"reason"`
}

// Incident is what targets are told of one objective of a function, open or over.
type Incident struct {
	ID             int64          `json:"id,omitempty"` // of one that is over
	Function       string         `json:"function"`
	SLO            string         `json:"slo"`
	Test           bool           `json:"test,omitempty"` // nothing is wrong: somebody tries the way to the targets
	Class          string         `json:"class"`          // page or ticket: the worst that fires
	Window         string         `json:"window,omitempty"`
	DedupKey       string         `json:"dedupKey"`
	OpenedAt       time.Time      `json:"openedAt"`
	ClosedAt       *time.Time     `json:"closedAt,omitempty"`
	Why            string         `json:"why,omitempty"`      // it ended, or waits to end
	Told           []string       `json:"told"`               // targets
	Silenced       string         `json:"silenced,omitempty"` // why nobody is told
	AcknowledgedAt *time.Time     `json:"acknowledgedAt,omitempty"`
	AcknowledgedBy string         `json:"acknowledgedBy,omitempty"`
	Via            string         `json:"via,omitempty"` // where it was acknowledged: hadron or pagerduty
	Assignee       string         `json:"assignee,omitempty"`
	PagerURL       string         `json:"pagerUrl,omitempty"`
	DashboardURL   string         `json:"dashboardUrl,omitempty"` // of an open one, over its time; Grafana's
	Runbook        string         `json:"runbook,omitempty"`      // of an open one: what the manifest names
	Notes          []IncidentNote `json:"notes,omitempty"`
}

// IncidentNote is what somebody wrote about an incident.
type IncidentNote struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Text string    `json:"text"`
}

// AskAlertTest is the body that asks for a test.
type AskAlertTest struct {
	Class string `json:"class,omitempty"` // page or ticket; page unless given
}

// AlertTest is a marked alert that was sent the whole way to its targets, and its hops so far.
type AlertTest struct {
	Function    string            `json:"function"`
	Class       string            `json:"class"`
	State       string            `json:"state"` // waiting, sending, resolving, passed or failed
	By          string            `json:"by"`
	AskedAt     time.Time         `json:"askedAt"`
	EvaluatedAt *time.Time        `json:"evaluatedAt,omitempty"` // the evaluation that made it an alert began
	StoredAt    *time.Time        `json:"storedAt,omitempty"`    // state, incident and messages
	EndedAt     *time.Time        `json:"endedAt,omitempty"`     // its end was stored
	Why         string            `json:"why,omitempty"`         // it failed, or nobody was told
	Targets     []AlertTestTarget `json:"targets"`
}

// AlertTestTarget is how one target took a test.
type AlertTestTarget struct {
	Name       string     `json:"name"`
	State      string     `json:"state"`            // queued, retrying, accepted, refused
	SentAt     *time.Time `json:"sentAt,omitempty"` // the first time
	Attempts   int        `json:"attempts"`
	AcceptedAt *time.Time `json:"acceptedAt,omitempty"`
	ResolvedAt *time.Time `json:"resolvedAt,omitempty"` // it took the end
	Error      string     `json:"error,omitempty"`
}

// Acknowledge is the body of an acknowledgement.
type Acknowledge struct {
	Note string `json:"note,omitempty"`
}

// Received is the answer to a webhook.
type Received struct {
	Received bool `json:"received"`
}

// PagerServices is how far all services at PagerDuty are.
type PagerServices struct {
	State        string `json:"state"`              // ok, degraded or disabled
	Services     string `json:"services,omitempty"` // what has one of its own: function, project or team
	Installation string `json:"installation,omitempty"`
	Total        int    `json:"total"` // that functions want
	Ready        int    `json:"ready"`
	Pending      int    `json:"pending"`
	Failed       int    `json:"failed"`
	Disabled     int    `json:"disabled"`
	Leaving      int    `json:"leaving"`  // that no function wants any more
	Held         int    `json:"held"`     // disablings and deletions that wait to be confirmed
	Business     int    `json:"business"` // business services of teams
	// BusinessError says why there are none, or not all.
	BusinessError  string     `json:"businessError,omitempty"`
	Running        bool       `json:"running"` // more is to be done at once
	Done           int        `json:"done"`    // of the pass under way, in services
	Of             int        `json:"of"`
	LastPass       *time.Time `json:"lastPass,omitempty"`
	Error          string     `json:"error,omitempty"` // of the last pass
	CallsPerMinute int        `json:"callsPerMinute"`  // of the last minute
	LimitPerMinute int        `json:"limitPerMinute"`  // by PagerDuty's word; 0: it gave none yet
	LimitLeft      int        `json:"limitLeft"`
	Limited        int        `json:"limited"` // calls since the start that were one too many
}

// ApplyPagerServices has a pass begin now.
type ApplyPagerServices struct {
	ConfirmDeletes int `json:"confirmDeletes,omitempty"` // lets it disable and delete as many, where it asks
}
