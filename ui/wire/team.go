package wire

import "time"

// TeamSettings are what people say of a team or a project; the body that sets them
// replaces them all. What a project leaves out is its team's, what a team leaves out
// the server's.
type TeamSettings struct {
	Description      string     `json:"description,omitempty"`
	Owners           []string   `json:"owners,omitempty"`           // people or tokens, in words
	Contact          string     `json:"contact,omitempty"`          // where they are reached
	EscalationPolicy string     `json:"escalationPolicy,omitempty"` // PagerDuty's, of functions whose manifest names none
	Retention        *Retention `json:"retention,omitempty"`
	Quota            *Quota     `json:"quota,omitempty"`
}

// Retention says which versions are kept: the newest of each function, and all that
// are younger. What is in use is always kept.
type Retention struct {
	Keep *int `json:"keep,omitempty"` // 0: all
	Days *int `json:"days,omitempty"`
}

// Quota bounds what a team or a project may hold and do; 0 is no bound.
type Quota struct {
	Functions   *int    `json:"functions,omitempty"`
	Versions    *int    `json:"versions,omitempty"`
	Requests    *int    `json:"requests,omitempty"`    // a second, on each node
	Concurrency *int    `json:"concurrency,omitempty"` // calls at once, on each node
	Secrets     *int    `json:"secrets,omitempty"`
	Memory      *string `json:"memory,omitempty"` // of the team's worker, such as 512MiB; teams only
}

// Team is a team, or a project of one.
type Team struct {
	Team      string       `json:"team"`
	Project   string       `json:"project,omitempty"` // empty: the team itself
	Settings  TeamSettings `json:"settings"`
	InEffect  InEffect     `json:"inEffect"`
	Usage     []QuotaUse   `json:"usage"`
	CreatedAt time.Time    `json:"createdAt"`
	UpdatedAt time.Time    `json:"updatedAt"`
	UpdatedBy string       `json:"updatedBy"`
}

// InEffect is what counts where settings are left out.
type InEffect struct {
	EscalationPolicy string `json:"escalationPolicy,omitempty"`
	Keep             int    `json:"keep"` // versions of each function; 0: all
	Days             int    `json:"days"` // below which a version is kept
}

// QuotaUse is one quota: what is used of it and what is allowed.
type QuotaUse struct {
	Name    string  `json:"name"` // functions, versions, requests, concurrency, memory or secrets
	Used    float64 `json:"used"`
	Allowed float64 `json:"allowed"`        // 0: no bound
	Unit    string  `json:"unit,omitempty"` // bytes, or /s
	Node    bool    `json:"node,omitempty"` // of this node
}

// Secret is a secret without its value, which is never shown.
type Secret struct {
	Scope     string    `json:"scope"` // team or team/project
	Name      string    `json:"name"`
	Version   int       `json:"version"` // one more at each rotation
	KeyID     string    `json:"keyId"`   // of the key that it is sealed with
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
	UpdatedBy string    `json:"updatedBy"`
}

// PutSecret is the body that sets or rotates a secret.
type PutSecret struct {
	Value string `json:"value"`
}

// Rekeyed is the receipt of sealing all secrets with the current key.
type Rekeyed struct {
	KeyID string `json:"keyId"`
	Moved int    `json:"moved"` // secrets that another key had sealed
}

// Origin says what registered a version and of which commit.
type Origin struct {
	Tool   string `json:"tool,omitempty"`
	Commit string `json:"commit,omitempty"`
	Dirty  bool   `json:"dirty,omitempty"` // the working tree held more than the commit
}

// VersionDiff is what changed from one version to another, as unified diffs.
type VersionDiff struct {
	Function string     `json:"function"`
	From     int        `json:"from"`
	To       int        `json:"to"`
	Files    []FileDiff `json:"files"`         // the author's, where the versions say which; else the module as it was uploaded
	Cut      bool       `json:"cut,omitempty"` // there is more than is shown
}

// FileDiff is one file's part of a VersionDiff.
type FileDiff struct {
	Path    string `json:"path"`
	State   string `json:"state"` // changed, added or removed
	Added   int    `json:"added"` // lines
	Removed int    `json:"removed"`
	Diff    string `json:"diff"` // empty where it is too large to compare, or has no text
}
