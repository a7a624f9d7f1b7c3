package registry

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"hadron/runtime/function"
)

// Kind is what a change did.
type Kind string

// The kinds of change.
const (
	KindRegistered Kind = "registered"  // a new version that live does not point at
	KindDeployed   Kind = "deployed"    // a registration that pointed live at its version
	KindRolledBack Kind = "rolled_back" // live went back to an earlier version
	KindRepointed  Kind = "repointed"   // an alias was set
	KindDeleted    Kind = "deleted"
	KindRetired    Kind = "retired" // old versions were removed by the team's retention
	KindRollout    Kind = "rollout" // a deployment began that moves an alias step by step
)

// Change is one write to the index: the watch, the audit trail and the source of
// annotations in one row. Before and After hold a State as JSON, null for none.
type Change struct {
	Cursor   int64
	Kind     Kind
	Function function.Name
	By       string
	Message  string
	Before   json.RawMessage
	After    json.RawMessage
	Time     time.Time
}

// Deployments lists the kinds of change to functions that people look at as
// deployments; the others are of teams, secrets and the like, for the audit.
func Deployments() []Kind {
	return []Kind{KindRegistered, KindDeployed, KindRolledBack, KindRepointed, KindRollout, KindDeleted}
}

// State is the part of a function that a change touched.
type State struct {
	Version int          `json:"version,omitempty"` // the one the change made or pointed at whole
	Removed []int        `json:"removed,omitempty"` // versions that retention removed
	Digest  string       `json:"digest,omitempty"`
	Aliases []AliasState `json:"aliases,omitempty"`
}

// AliasState is one alias in a State.
type AliasState struct {
	Name    string            `json:"name"`
	Weights []function.Weight `json:"weights"`
	Sticky  *function.Sticky  `json:"sticky,omitempty"`
}

// Live returns what live meant before and after, and whether the change touched it.
func (c Change) Live() (from, to []function.Weight, touched bool) {
	var before, after State
	if json.Unmarshal(c.Before, &before) != nil || json.Unmarshal(c.After, &after) != nil {
		return nil, nil, false
	}
	from, was := before.weights(function.Live)
	to, is := after.weights(function.Live)
	return from, to, was || is
}

// removed lists the versions that the change removed.
func (c Change) removed() []int {
	var after State
	if c.Kind != KindRetired || json.Unmarshal(c.After, &after) != nil {
		return nil
	}
	return after.Removed
}

// Moved returns an alias that the change set, live before others, and what it meant
// before and after; empty where it set none.
func (c Change) Moved() (alias string, from, to []function.Weight) {
	if from, to, touched := c.Live(); touched {
		return function.Live, from, to
	}
	var before, after State
	if json.Unmarshal(c.Before, &before) != nil || json.Unmarshal(c.After, &after) != nil || len(after.Aliases) == 0 {
		return "", nil, nil
	}
	alias = after.Aliases[0].Name
	from, _ = before.weights(alias)
	return alias, from, after.Aliases[0].Weights
}

func (s State) weights(alias string) ([]function.Weight, bool) {
	for _, a := range s.Aliases {
		if a.Name == alias {
			return a.Weights, true
		}
	}
	return nil, false
}

// Newest as ChangeFilter.Before starts at the latest change.
const Newest = math.MaxInt64

// ChangeFilter selects changes. Without Before they come oldest first, those
// after After; with Before newest first, those between the two.
type ChangeFilter struct {
	Name   function.Name // empty: of all functions
	Kinds  []Kind        // empty: of every kind, those of teams and secrets included
	After  int64
	Before int64
	Limit  int // 100 unless given, at most MaxPage
}

// stateOf picks the named aliases out of f; aliases it lacks are left out.
func stateOf(f function.Function, version int, digest string, names []string) State {
	s := State{Version: version, Digest: digest}
	for _, a := range f.Aliases {
		if !slices.Contains(names, a.Name) {
			continue
		}
		as := AliasState{Name: a.Name, Weights: a.Weights}
		if a.Sticky != (function.Sticky{}) {
			as.Sticky = &a.Sticky
		}
		s.Aliases = append(s.Aliases, as)
	}
	return s
}

var jsonNull = json.RawMessage("null")

func (s State) encode() (json.RawMessage, error) {
	if s.Version == 0 && len(s.Aliases) == 0 && len(s.Removed) == 0 {
		return jsonNull, nil
	}
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return b, nil
}
