package tenant

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
)

// The kinds of change to tokens.
const (
	KindTokenCreated = "token_created"
	KindTokenRevoked = "token_revoked"
)

// Change is one row of the log of changes, as people read it.
type Change struct {
	Cursor   int64
	Kind     string
	Function function.Name // empty where the change is of a subject
	Subject  string        // "token:growth/ci", "team:growth"
	Scope    access.Scope  // whose it is
	By       string
	Message  string
	Origin   access.Origin
	Before   json.RawMessage
	After    json.RawMessage
	Time     time.Time
}

// ChangeFilter selects changes, newest first. Zero fields do not filter.
type ChangeFilter struct {
	Function function.Name
	Team     string
	By       string
	Kind     string
	Since    time.Time // inclusive
	Before   int64     // cursor: only those before it
	Limit    int       // over 0
}

// Log of changes.
type Log interface {
	// Changes reads those of the scopes.
	Changes(ctx context.Context, scopes []access.Scope, f ChangeFilter) ([]Change, error)
}

// Changes lists the changes that by may read. Where they came from is told to
// those who administer what changed, and of one's own.
func (t *Tenants) Changes(ctx context.Context, by access.Principal, f ChangeFilter) ([]Change, error) {
	scopes := by.Grants.Scopes(access.Read)
	if t.cfg.Log == nil || len(scopes) == 0 {
		return nil, nil
	}
	list, err := t.cfg.Log.Changes(ctx, scopes, f)
	if err != nil {
		return nil, fmt.Errorf("list changes: %w", err)
	}
	for i, c := range list {
		if c.By != by.Name && !access.CanIn(by, access.Administer, c.Scope) {
			list[i].Origin = access.Origin{Kind: c.Origin.Kind}
		}
	}
	return list, nil
}
