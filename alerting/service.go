package alerting

import (
	"time"

	"hadron/runtime/function"
)

// Service is the place at the pager where a function's incidents open, as it is
// remembered here between restarts.
type Service struct {
	Function    function.Name
	ID          string // the pager's; empty while it is being made
	Name        string
	URL         string
	Integration string // the id of that through which events come in
	RoutingKey  string // secret: whoever has it can page
	Policy      string // the name of the escalation policy
	State       string // the adapter's word
	Hash        string // of what was last applied
	DeletedAt   time.Time
}
