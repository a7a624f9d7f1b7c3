// Package access says who may do what to which function: principals, roles and
// one pure decision. It is a leaf.
package access

import (
	"slices"

	"hadron/runtime/function"
)

// Role is what a principal may do within its scope; each role holds those below it.
type Role string

// The roles, least powerful first.
const (
	Viewer   Role = "viewer"   // read metadata, health, logs, metrics
	Invoker  Role = "invoker"  // call functions
	Deployer Role = "deployer" // register, repoint, roll back, delete
	Admin    Role = "admin"    // everything, within its scope
)

// Principal is who a request comes from. The zero value is nobody.
type Principal struct {
	Name  string // "ada", "token:ci"; what audit rows and receipts show
	Role  Role
	Scope string // "" for all, "team", or "team/project"
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

var allowed = map[Role][]Action{
	Viewer:   {Read, ReadSource},
	Invoker:  {Invoke},
	Deployer: {Read, ReadSource, Invoke, Deploy},
	Admin:    {Read, ReadSource, Invoke, Deploy, Administer},
}

// Can reports whether p may do this to the function; an empty name means the
// whole installation.
func Can(p Principal, action Action, name function.Name) bool {
	return slices.Contains(allowed[p.Role], action) && p.covers(name)
}

func (p Principal) covers(name function.Name) bool {
	switch p.Scope {
	case "":
		return true
	case name.Team(), name.Team() + "/" + name.Project():
		return name != ""
	}
	return false
}
