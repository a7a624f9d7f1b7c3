package contract

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Budget bounds the series that live at a time. Those past it are folded.
type Budget struct {
	Function int // of one function, where series bear one; 0: as many as its team
	Team     int // of one team
	Node     int // of all together, and of those that bear no team: they are the operator's
}

// DefaultBudget is the budget where the operator sets no other.
var DefaultBudget = Budget{Function: 10_000, Team: 100_000, Node: 1_000_000}

// Validate reports a bound that cannot be, as a sentence.
func (b Budget) Validate() error {
	if b.Team < 1 || b.Node < b.Team {
		return fmt.Errorf("a team's budget of series is at least 1, and the node's at least a team's")
	}
	if b.Function < 0 || b.Function > b.Team {
		return fmt.Errorf("a function's budget of series is at least 1, and at most its team's; 0 is as many as its team's")
	}
	return nil
}

// Of is the budget of a team, or of a function.
func (b Budget) Of(o Owner) int {
	switch {
	case o.Function != "":
		return b.OfFunction()
	case o.Team == "":
		return b.Node
	}
	return b.Team
}

// OfFunction is the budget of each function.
func (b Budget) OfFunction() int { return cmp.Or(b.Function, b.Team) }

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

// Ledger counts the series of each team and function. Its methods may be called at once.
type Ledger struct {
	budget Budget
	mu     sync.Mutex
	kept   int
	teams  map[string]*account
}

type account struct {
	kept, folded, sums int
	functions          map[Owner]*share // those that have series
}

// share is what a function has of its team's account.
type share struct{ kept, folded int }

// NewLedger makes an empty ledger.
func NewLedger(budget Budget) *Ledger {
	return &Ledger{budget: budget, teams: map[string]*account{}}
}

// Admit decides about a new series and counts it until Release. Past is whose budget is
// spent, the function's or the team's, where the series is not kept. A team that is within its share of
// the node is not folded because others fill it: the node may hold up to twice its
// budget for that.
func (l *Ledger) Admit(o Owner) (v Verdict, past Owner) {
	l.mu.Lock()
	defer l.mu.Unlock()
	team := o.team()
	a := l.teams[o.Team]
	if a == nil {
		if len(l.teams) >= MaxTeams {
			return Lost, team
		}
		a = &account{}
		l.teams[o.Team] = a
	}
	has := share{}
	if known := a.functions[o]; known != nil {
		has = *known
	}
	switch {
	case o.Function != "" && has.kept >= l.budget.Of(o):
		past = o
	case a.kept < l.budget.Of(team) && (l.kept < l.budget.Node || a.kept < l.budget.Node/len(l.teams)):
		a.add(o, 1, 0)
		l.kept++
		return Kept, Owner{}
	default:
		past = team
	}
	if a.folded < l.budget.Folded() && (o.Function == "" || has.folded < l.budget.Of(o)) {
		a.add(o, 0, 1)
		return Folded, past
	}
	if a.folded < l.budget.Folded() {
		past = o // so that one function does not spend what its team may fold
	}
	l.forget(o.Team, a)
	return Lost, past
}

// add counts series of an owner, or fewer of them.
func (a *account) add(o Owner, kept, folded int) {
	a.kept, a.folded = a.kept+kept, a.folded+folded
	if o.Function == "" {
		return
	}
	s := a.functions[o]
	if s == nil {
		if a.functions == nil {
			a.functions = map[Owner]*share{}
		}
		s = &share{}
		a.functions[o] = s
	}
	if s.kept, s.folded = s.kept+kept, s.folded+folded; *s == (share{}) {
		delete(a.functions, o)
	}
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
func (l *Ledger) Release(o Owner, was Verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.teams[o.Team]
	if a == nil {
		return
	}
	switch was {
	case Kept:
		a.add(o, -1, 0)
		l.kept--
	case Folded:
		a.add(o, 0, -1)
	case Lost:
	}
	l.forget(o.Team, a)
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
	if a.kept == 0 && a.folded == 0 && a.sums == 0 {
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

// Function is what a function has.
func (l *Ledger) Function(o Owner) (kept, folded int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.teams[o.Team]; a != nil && a.functions[o] != nil {
		return a.functions[o].kept, a.functions[o].folded
	}
	return 0, 0
}

// Names lists the teams, in no order.
func (l *Ledger) Names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.teams))
}
