package access

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"hadron/runtime/function"
)

// Role is what a principal may do within a scope.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"   // read metadata, health, logs, metrics
	Invoker  Role = "invoker"  // call functions
	Deployer Role = "deployer" // both, and register, repoint, roll back, delete
	Admin    Role = "admin"    // everything within its scope, tokens and secrets included
)

// Roles lists them, least powerful first.
var Roles = []Role{Viewer, Invoker, Deployer, Admin}

// Valid reports whether there is such a role.
func (r Role) Valid() bool { return r == Viewer || r == Invoker || r == Deployer || r == Admin }

func (r Role) may(action Action) bool {
	switch action {
	case Read, ReadSource:
		return r == Viewer || r == Deployer || r == Admin
	case Invoke:
		return r == Invoker || r == Deployer || r == Admin
	case Deploy:
		return r == Deployer || r == Admin
	case Administer:
		return r == Admin
	}
	return false
}

// within reports whether each action of r is one of other.
func (r Role) within(other Role) bool {
	return r == other || other == Admin || other == Deployer && (r == Viewer || r == Invoker)
}

// Scope is a part of the installation: everything, a "team", or "team/project".
type Scope string

// Everything is the whole installation.
const Everything Scope = ""

// ParseScope reads a scope; its error says what one looks like.
func ParseScope(text string) (Scope, error) {
	team, project, both := strings.Cut(text, "/")
	if text == "" || function.ValidPart(team) && (!both || function.ValidPart(project)) {
		return Scope(text), nil
	}
	return "", fmt.Errorf("%q is no scope: it is empty for everything, a team, or team/project", text)
}

// Team is the scope's team, empty for Everything.
func (s Scope) Team() string {
	team, _, _ := strings.Cut(string(s), "/")
	return team
}

// Project is the scope's project, empty where it is a team or Everything.
func (s Scope) Project() string {
	_, project, _ := strings.Cut(string(s), "/")
	return project
}

// Covers reports whether the function lies in the scope.
func (s Scope) Covers(name function.Name) bool {
	return s == Everything || len(name) > len(s) && name[len(s)] == '/' && string(name[:len(s)]) == string(s)
}

// Holds reports whether all of other lies in the scope.
func (s Scope) Holds(other Scope) bool { return s == other || s.Covers(function.Name(other)) }

// Grant is one role over one scope.
type Grant struct {
	Role  Role
	Scope Scope
}

// Within reports whether the grants allow all that g does.
func (g Grant) Within(grants Grants) bool {
	for other := range grants.All() {
		if g.Role.within(other.Role) && other.Scope.Holds(g.Scope) {
			return true
		}
	}
	return false
}

// MaxGrants bounds what one principal holds.
const MaxGrants = 64

// Grants are what a principal holds, in one canonical text: "admin: viewer:pay
// deployer:growth/signup". As a text they are copied, compared and kept as they
// are, and looking one up allocates nothing.
type Grants string

// Granted is one role over one scope.
func Granted(role Role, scope Scope) Grants { return NewGrants(Grant{role, scope}) }

// NewGrants sorts grants and leaves out those that others hold already, those
// that name no role or scope, and those beyond MaxGrants, the widest of which stay.
func NewGrants(grants ...Grant) Grants {
	kept := make([]Grant, 0, len(grants))
	for _, g := range grants {
		if _, err := ParseScope(string(g.Scope)); err == nil && g.Role.Valid() {
			kept = append(kept, g)
		}
	}
	slices.SortFunc(kept, func(a, b Grant) int { // wider before narrower
		return cmp.Or(cmp.Compare(strings.Count(string(a.Scope), "/"), strings.Count(string(b.Scope), "/")),
			cmp.Compare(min(len(a.Scope), 1), min(len(b.Scope), 1)),
			cmp.Compare(slices.Index(Roles, b.Role), slices.Index(Roles, a.Role)), cmp.Compare(a.Scope, b.Scope))
	})
	var out strings.Builder
	n := 0
	for _, g := range kept {
		if n == MaxGrants || g.Within(Grants(out.String())) {
			continue
		}
		if n++; n > 1 {
			out.WriteByte(' ')
		}
		out.WriteString(string(g.Role) + ":" + string(g.Scope))
	}
	return Grants(out.String())
}

// ParseGrants reads what String printed, or a person wrote: role:scope, separated
// by blanks.
func ParseGrants(text string) (Grants, error) {
	var list []Grant
	for _, part := range strings.Fields(text) {
		role, scope, _ := strings.Cut(part, ":")
		if !Role(role).Valid() {
			return "", fmt.Errorf("%q names no role: a grant is viewer, invoker, deployer or admin, and behind a colon a team or team/project", part)
		}
		s, err := ParseScope(scope)
		if err != nil {
			return "", err
		}
		list = append(list, Grant{Role(role), s})
	}
	return NewGrants(list...), nil
}

// All yields each grant.
func (g Grants) All() iter.Seq[Grant] {
	return func(yield func(Grant) bool) {
		for rest := string(g); rest != ""; {
			var one string
			one, rest, _ = strings.Cut(rest, " ")
			role, scope, ok := strings.Cut(one, ":")
			if ok && !yield(Grant{Role(role), Scope(scope)}) {
				return
			}
		}
	}
}

// Scopes lists where the action is allowed, each scope once and none inside
// another, in order. One of them being Everything, it is the only one.
func (g Grants) Scopes(action Action) []Scope {
	var out []Scope
	for grant := range g.All() {
		if grant.Role.may(action) {
			out = append(out, grant.Scope)
		}
	}
	slices.Sort(out)
	all := slices.Compact(out)
	out = nil
	for _, s := range all {
		if !slices.ContainsFunc(all, func(other Scope) bool { return other != s && other.Holds(s) }) {
			out = append(out, s)
		}
	}
	return out
}

// String names the grants for people: "deployer of growth, viewer of everything".
func (g Grants) String() string {
	var out []string
	for grant := range g.All() {
		of := string(grant.Scope)
		if grant.Scope == Everything {
			of = "everything"
		}
		out = append(out, string(grant.Role)+" of "+of)
	}
	if out == nil {
		return "nobody"
	}
	return strings.Join(out, ", ")
}
