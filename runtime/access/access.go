// Package access says who may do what to which function: principals, what they
// were granted, and one pure decision. It is a leaf.
package access

import (
	"time"

	"hadron/runtime/function"
)

// Principal is who a request comes from. The zero value is nobody. It is
// compared and copied by value.
type Principal struct {
	Name   string // "ada", "token:ci"; what audit rows and receipts show
	Grants Grants
	Until  time.Time // UTC; from then on it is nobody. Zero: no such time
}

// Same reports whether two are the same person with the same rights, however long.
func (p Principal) Same(other Principal) bool {
	return p.Name == other.Name && p.Grants == other.Grants
}

// Action is what is being done.
type Action string

// The actions.
const (
	Read       Action = "read"
	ReadSource Action = "read_source" // messages, stacks and logs included
	Invoke     Action = "invoke"
	Deploy     Action = "deploy"
	Administer Action = "administer"
)

// Can reports whether p may do this to the function; an empty name means the
// whole installation.
func Can(p Principal, action Action, name function.Name) bool {
	for g := range p.Grants.All() {
		if g.Role.may(action) && (name != "" || g.Scope == Everything) && g.Scope.Covers(name) {
			return true
		}
	}
	return false
}

// CanIn reports whether p may do this to everything in the scope.
func CanIn(p Principal, action Action, scope Scope) bool {
	for g := range p.Grants.All() {
		if g.Role.may(action) && g.Scope.Holds(scope) {
			return true
		}
	}
	return false
}

// Touches reports whether p may do this to anything in the scope: a team shows
// itself to those who may read one of its projects.
func Touches(p Principal, action Action, scope Scope) bool {
	for g := range p.Grants.All() {
		if g.Role.may(action) && (g.Scope.Holds(scope) || scope.Holds(g.Scope)) {
			return true
		}
	}
	return false
}
