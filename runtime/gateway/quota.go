package gateway

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hadron/runtime/function"
)

// Quota is what a team or a project may ask of one node, all its functions together.
// Zero is no bound.
type Quota struct {
	Requests    int // a second, and as many at once after a second's rest
	Concurrency int // calls at once
}

// share is what is in use of one team's or project's quota. Calls read and add to it
// without a lock.
type share struct {
	team        *share       // of a project; nil: it is a team's
	interval    atomic.Int64 // nanoseconds for each request at the quota's rate; 0: no bound
	concurrency atomic.Int64 // 0: no bound
	inFlight    atomic.Int64
	spent       atomic.Int64 // up to when, on the gateway's clock, requests have used the rate
}

func (s *share) set(q Quota) {
	interval := int64(0)
	if q.Requests > 0 {
		interval = max(1, int64(time.Second)/int64(q.Requests))
	}
	s.interval.Store(interval)
	s.concurrency.Store(int64(q.Concurrency))
}

// enter takes a place for one call more, unless the quota has none.
func (s *share) enter() bool {
	n, most := s.inFlight.Add(1), s.concurrency.Load()
	if most > 0 && n > most {
		s.inFlight.Add(-1)
		return false
	}
	return true
}

// take spends one request of the rate: a token bucket of a second's requests, kept
// as the one time at which it is full again.
func (s *share) take(clock func() int64) bool {
	interval := s.interval.Load()
	if interval == 0 {
		return true
	}
	now := clock()
	for {
		spent := s.spent.Load()
		next := max(spent, now) + interval
		if next-now > int64(time.Second) {
			return false
		}
		if s.spent.CompareAndSwap(spent, next) {
			return true
		}
	}
}

// shares are those of all teams and projects whose functions were seen here.
type shares struct {
	quota func(scope string) Quota
	mu    sync.Mutex
	by    map[string]*share
}

func newShares(quota func(string) Quota) *shares {
	return &shares{quota: quota, by: map[string]*share{}}
}

// of returns the share of a function's project, with that of its team.
func (s *shares) of(name function.Name) *share {
	full := string(name)
	return s.get(full[:max(0, strings.LastIndexByte(full, '/'))])
}

func (s *shares) get(scope string) *share {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made(scope)
}

func (s *shares) made(scope string) *share {
	sh := s.by[scope]
	if sh != nil {
		return sh
	}
	sh = &share{}
	if s.quota != nil {
		sh.set(s.quota(scope))
	}
	if team, _, project := strings.Cut(scope, "/"); project {
		sh.team = s.made(team)
	}
	s.by[scope] = sh
	return sh
}

// SetQuota changes what a team or a project may ask of this node, for calls that
// begin from now on.
func (g *Gateway) SetQuota(scope string, q Quota) { g.shares.get(scope).set(q) }

// InFlightOf returns how many calls of a team or a project are admitted and not
// answered yet.
func (g *Gateway) InFlightOf(scope string) int { return int(g.shares.get(scope).inFlight.Load()) }

// bound is a limit that a call ran into.
type bound int

const (
	ofFunction bound = iota + 1
	ofProject
	ofTeam
	ofProjectRate
	ofTeamRate
	ofNode
)

// busy says which limit is in the way of a call of v.
func busy(v *version, project *share, why bound) string {
	name := v.meta.ID.Name
	switch why {
	case ofFunction:
		return fmt.Sprintf("%s runs its %d calls at once already (limits.concurrency). Try again.", v.meta.ID, v.limits.Concurrency)
	case ofProject:
		return fmt.Sprintf("The project %s/%s runs its %d calls at once already (its quota). Try again.", name.Team(), name.Project(), project.concurrency.Load())
	case ofTeam:
		return fmt.Sprintf("The team %s runs its %d calls at once already (its quota). Try again.", name.Team(), project.team.concurrency.Load())
	case ofProjectRate:
		return fmt.Sprintf("The project %s/%s has had its %d requests of this second (its quota). Try again.", name.Team(), name.Project(), project.rate())
	case ofTeamRate:
		return fmt.Sprintf("The team %s has had its %d requests of this second (its quota). Try again.", name.Team(), project.team.rate())
	case ofNode:
	}
	return "This server takes no more calls at the moment. Try again."
}

func (s *share) rate() int64 {
	if n := s.interval.Load(); n > 0 {
		return int64(time.Second) / n
	}
	return 0
}

// RemovedError is what Resolve returns for a version of which only metadata is left.
// It is ErrNotFound, too.
type RemovedError struct{ Reason string }

func (e *RemovedError) Error() string { return e.Reason }

// Is makes it ErrNotFound.
func (e *RemovedError) Is(target error) bool { return target == ErrNotFound }

// missing says what a reference does not mean.
func missing(t target, err error) string {
	var removed *RemovedError
	if errors.As(err, &removed) {
		return fmt.Sprintf("%s@%s is gone: %s.", t.name, clip(t.ref), removed.Reason)
	}
	return fmt.Sprintf("%s has no version or alias %q.", t.name, clip(t.ref))
}
