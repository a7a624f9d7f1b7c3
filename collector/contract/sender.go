package contract

import (
	"slices"
	"strings"

	"hadron/collector/metric"
	"hadron/runtime/access"
)

// Sender says who writes: the operator, whose series may bear any team or none, or
// somebody of some scopes, whose series bear one of them.
type Sender struct {
	operator bool
	every    bool // team, of which each series must bear one
	scopes   []access.Scope
}

// Operator is who may write for everybody.
var Operator = Sender{operator: true}

// SenderOf is who may write within the scopes; of none, nobody.
func SenderOf(scopes []access.Scope) Sender {
	return Sender{scopes: scopes, every: slices.Contains(scopes, access.Everything)}
}

// Nobody reports whether the sender may write nothing at all.
func (s Sender) Nobody() bool { return !s.operator && len(s.scopes) == 0 }

// Key tells senders apart, as far as their bounds go.
func (s Sender) Key() string {
	if len(s.scopes) == 0 {
		return ""
	}
	return s.scopes[0].Team()
}

// Free reports whether a series of this sender may be as it is, whatever its team.
func (s Sender) Free() bool { return s.operator }

// Own is what a series of this sender bears: the team and the project it was
// given, each set where the sender has no choice. A series of another team is
// refused, never renamed: its sender means something else by the label.
func (s Sender) Own(team, project string) (ownTeam, ownProject string, refused *Refusal) {
	if s.operator || s.every && team != "" {
		return team, project, nil
	}
	if s.every {
		return "", "", refuse(metric.Team, "is missing: only an admin writes series of no team")
	}
	if team == "" && len(s.scopes) > 0 {
		team = s.scopes[0].Team()
		for _, scope := range s.scopes[1:] {
			if scope.Team() != team {
				return "", "", refuse(metric.Team, "is missing, and this token writes for several teams: set it")
			}
		}
	}
	only, several := "", false
	for _, scope := range s.scopes {
		switch {
		case scope.Team() != team:
		case scope.Project() == "", scope.Project() == project:
			return team, project, nil
		case only != "":
			several = true
		default:
			only = scope.Project()
		}
	}
	switch {
	case only == "":
		return "", "", refuse(metric.Team, "is %s, which this token does not write for; leave the label out, or rename it before sending", quoted(team))
	case project == "" && !several:
		return team, only, nil
	case project == "":
		return "", "", refuse(metric.Project, "is missing, and this token writes for several projects: set it")
	}
	return "", "", refuse(metric.Project, "is %s, which this token does not write for", quoted(project))
}

// Reserved returns why a series has a name that only Hadron writes: a sender of a
// team has no such series at all, the operator none of Hadron's own job, so that
// what one Hadron counted may be kept by another, or by a Prometheus in between.
func (s Sender) Reserved(name, job string) *Refusal {
	if !strings.HasPrefix(name, "faas_") && !strings.HasPrefix(name, "hadron_") {
		return nil
	}
	if s.operator && job != metric.JobValue {
		return nil
	}
	return refuse(metric.Name, "%s begins with faas_ or hadron_, which only Hadron itself writes", quoted(name))
}
