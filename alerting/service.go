package alerting

import (
	"strings"
	"time"
)

// Scope is what a service at the pager is for: a function, "team/project/name", a
// project, "team/project", or a team.
type Scope string

// Team is the team that the scope is, or lies in.
func (s Scope) Team() string {
	team, _, _ := strings.Cut(string(s), "/")
	return team
}

// Service is the place at the pager where the incidents of a scope's functions open, as
// it is remembered here between restarts.
type Service struct {
	Scope       Scope
	ID          string // the pager's; empty while it is being made
	Name        string
	URL         string
	Integration string // the id of that through which events come in
	RoutingKey  string // secret: whoever has it can page
	Policy      string // the name of the escalation policy
	State       string // the adapter's word
	Hash        string // of what was last applied
	// DeletedAt is when it was let go, because no function wants it any more; zero: it is
	// wanted, or waits to be let go. Confirmed says that somebody was asked, and agreed.
	DeletedAt time.Time
	Confirmed bool
}

// BusinessService is what a team's services support at the pager, as it is remembered.
type BusinessService struct {
	Team string
	ID   string // the pager's
	Hash string // of what was last applied
}
