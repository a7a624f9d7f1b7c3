package tenant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

var (
	// ErrNoTeam is returned for a team or a project that is not there.
	ErrNoTeam = errors.New("there is no such team or project")
	// ErrTeamExists is returned where one is to be made that is there.
	ErrTeamExists = errors.New("it is there already")
	// ErrTeamStale is returned where it was changed since it was read.
	ErrTeamStale = errors.New("it was changed by somebody else; read it again")
	// ErrNotEmpty is wrapped by refusals to delete what still holds something.
	ErrNotEmpty = errors.New("it is not empty")
	// ErrSettings is wrapped by refusals of a team's or project's settings.
	ErrSettings = errors.New("invalid settings")
)

// Team is a team or a project of one: who owns what is in it, and what it may hold.
type Team struct {
	Scope Scope
	Settings
	Revision  int64 // grows with each change
	CreatedAt time.Time
	UpdatedAt time.Time
	UpdatedBy string
}

// Settings are what people say of a team or a project. What a project leaves empty
// is its team's, and what a team leaves empty is the server's.
type Settings struct {
	Description      string    `json:"description,omitempty"`
	Owners           []string  `json:"owners,omitempty"`           // people or tokens, in words
	Contact          string    `json:"contact,omitempty"`          // where they are reached
	EscalationPolicy string    `json:"escalationPolicy,omitempty"` // PagerDuty's, of functions whose manifest names none
	Retention        Retention `json:"retention,omitzero"`
	Quota            Quota     `json:"quota,omitzero"`
}

// Retention says which versions are kept; see registry.Retention.
type Retention struct {
	Keep *int `json:"keep,omitempty"` // of each function, the newest; 0: all
	Days *int `json:"days,omitempty"` // and all that are younger
}

// TeamChange is one row of the audit trail, written with what it tells of.
type TeamChange struct {
	Subject string // "team:growth", "project:growth/signup" or "secret:growth/API_KEY"
	Kind    string // one of the Kind… words
	By      string
	Message string
	Before  json.RawMessage
	After   json.RawMessage
	Time    time.Time
}

// The kinds of change to teams, projects and secrets.
const (
	KindTeamCreated    = "team_created"
	KindTeamChanged    = "team_changed"
	KindTeamDeleted    = "team_deleted"
	KindProjectCreated = "project_created"
	KindProjectChanged = "project_changed"
	KindProjectDeleted = "project_deleted"
	KindSecretSet      = "secret_set"
	KindSecretRotated  = "secret_rotated"
	KindSecretDeleted  = "secret_deleted"
	KindRekeyed        = "secrets_rekeyed"
)

// kind is the one of its two that fits the scope.
func (s Scope) kind(team, project string) string {
	if s.IsProject() {
		return project
	}
	return team
}

// TeamStore keeps teams and projects.
type TeamStore interface {
	// Teams reads all teams and projects, by scope.
	Teams(ctx context.Context) ([]Team, error)
	// PutTeam stores t where its revision is still expect, 0 for one that is not there,
	// and returns its new revision. Errors: ErrTeamStale, ErrTeamExists, and ErrNoTeam
	// for a project whose team is not there.
	PutTeam(ctx context.Context, t Team, expect int64, c TeamChange) (revision int64, err error)
	// DeleteTeam returns ErrTeamStale, or an error that wraps ErrNotEmpty and says what
	// is in it: functions, projects or secrets.
	DeleteTeam(ctx context.Context, s Scope, expect int64, c TeamChange) error
}

// Bounds of settings.
const (
	maxText   = 500
	maxOwners = 50
	maxOwner  = 200
	maxKeep   = 100_000
	maxDays   = 36_500
)

func (t Settings) validate(s Scope) error {
	for key, text := range map[string]string{"description": t.Description, "contact": t.Contact, "escalationPolicy": t.EscalationPolicy} {
		if len(text) > maxText || !printable(text) {
			return fmt.Errorf("%w: %s is one line of at most %d bytes", ErrSettings, key, maxText)
		}
	}
	if len(t.Owners) > maxOwners {
		return fmt.Errorf("%w: owners are at most %d", ErrSettings, maxOwners)
	}
	for _, o := range t.Owners {
		if o == "" || len(o) > maxOwner || !printable(o) {
			return fmt.Errorf("%w: an owner is one line of 1 to %d bytes", ErrSettings, maxOwner)
		}
	}
	if k := t.Retention.Keep; k != nil && (*k < 0 || *k > maxKeep) {
		return fmt.Errorf("%w: retention.keep is 0 for all versions, or at most %d", ErrSettings, maxKeep)
	}
	if d := t.Retention.Days; d != nil && (*d < 0 || *d > maxDays) {
		return fmt.Errorf("%w: retention.days is 0 to %d", ErrSettings, maxDays)
	}
	return t.Quota.validate(s)
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func (t Settings) encode() json.RawMessage {
	b, err := json.Marshal(t)
	if err != nil { // cannot be: texts and numbers only
		return json.RawMessage("{}")
	}
	return b
}
