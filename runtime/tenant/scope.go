package tenant

import (
	"fmt"
	"strings"

	"hadron/runtime/function"
)

// Scope is a team, "growth", or a project of one, "growth/signup".
type Scope string

// ScopeError says that a text is no scope.
type ScopeError struct{ Input string }

func (e *ScopeError) Error() string {
	return fmt.Sprintf("%q is neither a team nor a team/project: each part starts with a lower-case letter and holds at most 63 of a-z, 0-9 and -", e.Input)
}

// ParseScope reads "team" or "team/project". Its error is a *ScopeError.
func ParseScope(s string) (Scope, error) {
	team, project, both := strings.Cut(s, "/")
	if !function.ValidPart(team) || both && !function.ValidPart(project) {
		return "", &ScopeError{s[:min(len(s), 200)]}
	}
	return Scope(s), nil
}

// TeamOf and ProjectOf are the scopes that a function lies in.
func TeamOf(name function.Name) Scope { return Scope(name.Team()) }

// ProjectOf is the project that a function lies in.
func ProjectOf(name function.Name) Scope { return Scope(name.Team() + "/" + name.Project()) }

// Team is the scope of the team that s is or belongs to.
func (s Scope) Team() Scope {
	team, _, _ := strings.Cut(string(s), "/")
	return Scope(team)
}

// path is the team, then the project where s is one.
func (s Scope) path() []Scope {
	if s.IsProject() {
		return []Scope{s.Team(), s}
	}
	return []Scope{s}
}

// IsProject reports whether s is a project.
func (s Scope) IsProject() bool { return strings.Contains(string(s), "/") }

// Name is what access rules are asked about for something of the scope itself.
func (s Scope) Name() function.Name { return function.Name(s) }

// Prefix is what the names of its functions begin with.
func (s Scope) Prefix() string { return string(s) + "/" }

func (s Scope) subject() string { return s.word() + ":" + string(s) }

func (s Scope) word() string {
	if s.IsProject() {
		return "project"
	}
	return "team"
}
