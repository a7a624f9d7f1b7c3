package tenant

import (
	"fmt"

	"hadron/runtime/function"
)

// Quota bounds what a team or a project may hold and do. Nil means what the server's
// default says for a team, and nothing of its own for a project; zero is no bound.
type Quota struct {
	Functions   *int           `json:"functions,omitempty"`
	Versions    *int           `json:"versions,omitempty"`    // that were not removed, of all functions together
	Requests    *int           `json:"requests,omitempty"`    // a second, on each node
	Concurrency *int           `json:"concurrency,omitempty"` // calls at once, on each node
	Secrets     *int           `json:"secrets,omitempty"`
	Memory      *function.Size `json:"memory,omitempty"` // of the team's worker, on each node; not of projects
}

// Bounds are a Quota with the defaults filled in; zero is no bound.
type Bounds struct {
	Functions, Versions, Requests, Concurrency, Secrets int
	Memory                                              function.Size
}

// Most is the largest number that a quota takes.
const Most = 1_000_000_000

// minMemory is the least with which a worker is of use.
const minMemory = 32 << 20

func (q Quota) over(d Bounds) Bounds {
	pick(&d.Functions, q.Functions)
	pick(&d.Versions, q.Versions)
	pick(&d.Requests, q.Requests)
	pick(&d.Concurrency, q.Concurrency)
	pick(&d.Secrets, q.Secrets)
	pick(&d.Memory, q.Memory)
	return d
}

func pick[T any](v, own *T) {
	if own != nil {
		*v = *own
	}
}

func (q Quota) validate(s Scope) error {
	for _, n := range []struct {
		key   string
		value *int
	}{
		{"functions", q.Functions}, {"versions", q.Versions}, {"requests", q.Requests}, {"concurrency", q.Concurrency}, {"secrets", q.Secrets},
	} {
		if n.value != nil && (*n.value < 0 || *n.value > Most) {
			return fmt.Errorf("%w: quota.%s is %d; give 0 for no bound, or up to %d", ErrSettings, n.key, *n.value, Most)
		}
	}
	switch m := q.Memory; {
	case m == nil:
	case s.IsProject():
		return fmt.Errorf("%w: quota.memory is of a team: its functions share a worker, those of all its projects", ErrSettings)
	case *m != 0 && (*m < minMemory || *m > 1<<40):
		return fmt.Errorf("%w: quota.memory is %s; give 32MiB to 1TiB, or 0 for the server's own", ErrSettings, *m)
	}
	return nil
}

// QuotaError refuses what would go over a quota.
type QuotaError struct {
	Scope   Scope
	What    string // functions, versions or secrets
	Used    int
	Allowed int
}

func (e *QuotaError) Error() string {
	who := "an admin of this installation"
	if e.Scope.IsProject() {
		who = "an admin of the team " + string(e.Scope.Team())
	}
	return fmt.Sprintf("the %s %s has %d of %d %s, its quota; %s can raise it: hadron %ss set %s --%s %d",
		e.Scope.word(), e.Scope, e.Used, e.Allowed, e.What, who, e.Scope.word(), e.Scope, e.What, e.Allowed*2)
}

func exceeded(s Scope, what string, used, allowed int) error {
	if allowed == 0 || used < allowed {
		return nil
	}
	return &QuotaError{Scope: s, What: what, Used: used, Allowed: allowed}
}
