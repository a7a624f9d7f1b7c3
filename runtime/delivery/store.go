package delivery

import (
	"context"

	"hadron/runtime/function"
)

// Store keeps rollouts, their events and freezes. Values are not modified by either side.
type Store interface {
	// Active reads the rollouts that have not ended, oldest first.
	Active(ctx context.Context) ([]Rollout, error)
	// Rollouts reads those of the ids that there are.
	Rollouts(ctx context.Context, ids ...int64) ([]Rollout, error)
	// Find reads rollouts, newest first.
	Find(ctx context.Context, f Filter) ([]Rollout, error)
	// Events reads those of a rollout, oldest first, the last MaxEvents of them.
	Events(ctx context.Context, id int64) ([]Event, error)
	// Save writes a rollout that is there. It returns ErrConflict where its revision is
	// not that of w.Rollout.
	Save(ctx context.Context, w Write) error

	// Freeze reads a team's, nil where there is none.
	Freeze(ctx context.Context, team string) (*Freeze, error)
	PutFreeze(ctx context.Context, f Freeze, e FreezeEntry) error
	DeleteFreeze(ctx context.Context, team string, e FreezeEntry) error
	LogFreeze(ctx context.Context, e FreezeEntry) error
	// FreezeLog reads a team's entries, newest first.
	FreezeLog(ctx context.Context, team string, limit int) ([]FreezeEntry, error)

	// Cursor reads how far a feed is; false where it never was anywhere.
	Cursor(ctx context.Context, feed string) (int64, bool, error)
	PutCursor(ctx context.Context, feed string, cursor int64) error
}

// MaxEvents bounds the events that one answer holds.
const MaxEvents = 500

// Filter selects rollouts. Zero fields do not.
type Filter struct {
	Function function.Name
	Alias    string
	Active   bool
	Before   int64 // ids under it
	Limit    int   // over 0
}

// Write is a rollout as it is to be, with what happened. A rollout without id is new
// and gets that of the change it is written with. Its revision is the one it was read
// with; the store's is one more afterwards.
type Write struct {
	Rollout Rollout
	Events  []Event
	// Points says that the change sets the alias: the rollout's AliasRevision follows.
	Points bool
}

// Point is a change of the index with a rollout written beside it, both or neither.
type Point struct {
	Name    function.Name
	Alias   string
	Weights []function.Weight // nil: the alias stays as it is
	// Revision is the one that the alias must still have.
	Revision int64
	// Settle says that live means the version now: objectives and the way back follow.
	Settle  bool
	Kind    string // of the change: "rollout", "repointed", "deployed", "rolled_back"
	By      string
	Message string
	Write   Write
}
