package contract

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Budget bounds the series that live at a time. Those past it are folded.
type Budget struct {
	Team int // of one team
	Node int // of all together, and of those that bear no team: they are the operator's
}

// DefaultBudget is the budget where the operator sets no other.
var DefaultBudget = Budget{Team: 100_000, Node: 1_000_000}

// Validate reports a bound that cannot be, as a sentence.
func (b Budget) Validate() error {
	if b.Team < 1 || b.Node < b.Team {
		return fmt.Errorf("a team's budget of series is at least 1, and the node's at least a team's")
	}
	return nil
}

// Of is the budget of a team.
func (b Budget) Of(team string) int {
	if team == "" {
		return b.Node
	}
	return b.Team
}

// Folded is the most folded series of one team whose last values are remembered;
// those past it are lost, which is counted too.
func (b Budget) Folded() int { return b.Team }

// Sums is the most series that stand for folded ones, of one team.
func (b Budget) Sums() int { return 100 + b.Team/10 }

// MaxTeams is the most values of the label team.
const MaxTeams = 10_000

// Verdict is what becomes of a series.
type Verdict int

// The verdicts.
const (
	Kept   Verdict = iota // under its own labels
	Folded                // into the series that stands for those past the budget
	Lost                  // nowhere: that is full, too
)

// Ledger counts the series of each team. Its methods may be called at once.
type Ledger struct {
	budget Budget
	mu     sync.Mutex
	kept   int
	teams  map[string]*account
}

type account struct{ kept, folded, sums int }

// NewLedger makes an empty ledger.
func NewLedger(budget Budget) *Ledger {
	return &Ledger{budget: budget, teams: map[string]*account{}}
}

// Admit decides about a new series of a team and counts it until Release. A team
// that is within its share of the node is not folded because others fill it: the
// node may hold up to twice its budget for that.
func (l *Ledger) Admit(team string) Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.teams[team]
	if a == nil {
		if len(l.teams) >= MaxTeams {
			return Lost
		}
		a = &account{}
		l.teams[team] = a
	}
	if a.kept < l.budget.Of(team) && (l.kept < l.budget.Node || a.kept < l.budget.Node/len(l.teams)) {
		a.kept++
		l.kept++
		return Kept
	}
	if a.folded < l.budget.Folded() {
		a.folded++
		return Folded
	}
	return Lost
}

// AdmitSum decides about a series that stands for folded ones.
func (l *Ledger) AdmitSum(team string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.teams[team]
	if a == nil || a.sums >= l.budget.Sums() {
		return false
	}
	a.sums++
	return true
}

// Release takes a series that Admit counted out again.
func (l *Ledger) Release(team string, was Verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.teams[team]
	if a == nil {
		return
	}
	switch was {
	case Kept:
		a.kept--
		l.kept--
	case Folded:
		a.folded--
	case Lost:
	}
	l.forget(team, a)
}

// ReleaseSum takes a series that AdmitSum counted out again.
func (l *Ledger) ReleaseSum(team string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.teams[team]; a != nil {
		a.sums--
		l.forget(team, a)
	}
}

func (l *Ledger) forget(team string, a *account) {
	if *a == (account{}) {
		delete(l.teams, team)
	}
}

// Account is what a team has.
type Account struct {
	Team         string
	Kept, Folded int
}

// Accounts lists the teams by name, and the number of series kept in all.
func (l *Ledger) Accounts() (teams []Account, kept int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, a := range l.teams {
		teams = append(teams, Account{name, a.kept, a.folded})
	}
	slices.SortFunc(teams, func(a, b Account) int { return strings.Compare(a.Team, b.Team) })
	return teams, l.kept
}

// Names lists the teams, in no order.
func (l *Ledger) Names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.teams))
}
