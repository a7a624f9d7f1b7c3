package pagerduty

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"hadron/alerting"
	"hadron/runtime/function"
)

// Grouping says what has a service of its own.
type Grouping string

// The groupings.
const (
	ByFunction Grouping = "function"
	ByProject  Grouping = "project"
	ByTeam     Grouping = "team"
)

func (g Grouping) valid() error {
	if !slices.Contains([]Grouping{ByFunction, ByProject, ByTeam}, g) {
		return fmt.Errorf("pagerduty: services are per %s, %s or %s, not per %q", ByFunction, ByProject, ByTeam, oneLine(string(g), 50))
	}
	return nil
}

// of is the scope whose service takes the function's events.
func (g Grouping) of(name function.Name) alerting.Scope {
	switch g {
	case ByProject:
		return alerting.Scope(name.Team() + "/" + name.Project())
	case ByTeam:
		return alerting.Scope(name.Team())
	case ByFunction:
	}
	return alerting.Scope(name)
}

// everyScope lists the scopes that a function is in, the narrowest first.
func everyScope(name function.Name) []alerting.Scope {
	return []alerting.Scope{ByFunction.of(name), ByProject.of(name), ByTeam.of(name)}
}

// unit is a scope that is to have a service, with the functions that it is for.
type unit struct {
	scope     alerting.Scope
	functions []*function.Function // at least one, by name
}

// units sorts functions into those of a grouping.
func (g Grouping) units(want []*function.Function) map[alerting.Scope]*unit {
	out := map[alerting.Scope]*unit{}
	for _, f := range want {
		s := g.of(f.Name)
		if out[s] == nil {
			out[s] = &unit{scope: s}
		}
		out[s].functions = append(out[s].functions, f)
	}
	for _, u := range out {
		slices.SortFunc(u.functions, func(a, b *function.Function) int { return strings.Compare(string(a.Name), string(b.Name)) })
	}
	return out
}

// muted reports that none of the functions wants to page.
func (u *unit) muted() bool {
	return !slices.ContainsFunc(u.functions, func(f *function.Function) bool { return !f.Spec.Alerts.Disabled })
}

// manifestPolicy is the escalation policy that the manifests name: all that page the same,
// or none counts. A service has one.
func (u *unit) manifestPolicy() string {
	named := map[string]bool{}
	for _, f := range u.functions {
		if !f.Spec.Alerts.Disabled {
			named[f.Spec.Alerts.EscalationPolicy] = true
		}
	}
	if len(named) != 1 {
		return ""
	}
	return slices.Collect(maps.Keys(named))[0]
}

// kind says what a scope is.
func kind(s alerting.Scope) string {
	switch strings.Count(string(s), "/") {
	case 0:
		return "team"
	case 1:
		return "project"
	}
	return "function"
}
