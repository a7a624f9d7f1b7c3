package contract

import "hadron/collector/metric"

// Owner is whose a series is, by its labels: a function's where it bears one with its team
// and project, else a team's, or the operator's where that is empty too.
type Owner struct{ Team, Project, Function string }

// OwnerOf returns whose a series is.
func OwnerOf(series metric.Labels) Owner {
	o := Owner{series.Get(metric.Team), series.Get(metric.Project), series.Get(metric.Function)}
	if o.Team == "" || o.Project == "" || o.Function == "" {
		return o.team()
	}
	return o
}

func (o Owner) team() Owner { return Owner{Team: o.Team} }
