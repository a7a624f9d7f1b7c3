package alerting

import (
	"context"
	"time"

	"hadron/runtime/function"
)

// Store keeps alerts, incidents and the outbox.
type Store interface {
	// Load returns all alerts that are not inactive, all open incidents, and those that
	// ended since.
	Load(ctx context.Context, since time.Time) (Snapshot, error)
	// Commit stores a change whole or not at all. A message without a routing key
	// goes by that of its incident, as Bind last set it.
	Commit(ctx context.Context, c Change) error
	// Hands returns what people did about open incidents.
	Hands(ctx context.Context) (map[Objective]Hand, error)
}

// Snapshot is everything that an Evaluator begins with.
type Snapshot struct {
	Alerts    map[Key]Status
	Incidents map[Objective]Incident
	Ended     []Ended
}

// Change is what one evaluation changes, in one transaction: alerts and incidents
// first, then messages in their order, then the incidents that ended.
type Change struct {
	Alerts    map[Key]Status // Inactive: forget it
	Incidents []Incident     // opened or changed
	Messages  []Message      // a trigger takes the place of one of the same incident and target that waits
	Closed    []Ended
	// Withdrawn are dedup keys whose messages never found a routing key and are
	// not to wait for one: nobody has heard of them.
	Withdrawn []string
	At        time.Time
}

func (c Change) empty() bool {
	return len(c.Alerts) == 0 && len(c.Incidents) == 0 && len(c.Messages) == 0 && len(c.Closed) == 0 && len(c.Withdrawn) == 0
}

// Message is an event on its way.
type Message struct {
	ID       int64 // rises in the order of writing; the store's
	Function function.Name
	Event    Event // with its target and routing key, the latter empty while not known
	Attempts int
	Created  time.Time
	Next     time.Time // not to be tried before
	Reason   string    // of the last failure
}

// Outbox is the deliverer's side of the Store. Every message is in a lane, that of
// its target and routing key, and leaves it in the order in which it was written. The
// routing key of any target but PagerDuty is the target's name.
type Outbox interface {
	// Heads returns the first message of each lane that is due, oldest first, at most
	// limit, and when the next of the others is due (zero: none waits).
	Heads(ctx context.Context, now time.Time, limit int) ([]Message, time.Time, error)
	// Waiting returns the oldest message of each function that has messages without
	// routing key, at most limit.
	Waiting(ctx context.Context, limit int) ([]Message, error)
	// Bind gives the routing key to the function's messages and incidents that have none.
	Bind(ctx context.Context, name function.Name, routingKey string) error
	// Delivered forgets a message.
	Delivered(ctx context.Context, id int64) error
	// Postpone notes a failed attempt.
	Postpone(ctx context.Context, id int64, attempts int, next time.Time, reason string) error
	// Bury takes a message out of its lane for good and keeps it with the reason; of
	// dead letters the newest MaxDead are kept.
	Bury(ctx context.Context, id int64, at time.Time, reason string) error
	// Dead returns dead letters, newest first; Next is when they were buried.
	Dead(ctx context.Context, limit int) ([]Message, error)
	// Depth counts the messages that wait, and the dead letters.
	Depth(ctx context.Context) (waiting, dead int, err error)
}

// MaxDead bounds the dead letters kept.
const MaxDead = 1000
