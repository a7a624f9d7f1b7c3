package promapi

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"hadron/collector/contract"
	"hadron/collector/metric"
)

type ingestBudget struct {
	Function int `json:"function"`
	Team     int `json:"team"`
	Node     int `json:"node"`
}

type ingestContract struct {
	Labels    int `json:"labels"`
	Name      int `json:"nameBytes"`
	LabelName int `json:"labelNameBytes"`
	Value     int `json:"labelValueBytes"`
	Bytes     int `json:"seriesBytes"`
}

type ingestTeam struct {
	Team    string            `json:"team"`
	Series  int               `json:"series"`
	Folded  int               `json:"folded"`
	Dropped map[string]uint64 `json:"dropped"`
	Past    []ingestPast      `json:"pastBudget"`
	// Functions are those that are past their own budget.
	Functions []ingestFunction `json:"functions"`
}

type ingestFunction struct {
	Project  string            `json:"project"`
	Function string            `json:"function"`
	Series   int               `json:"series"`
	Folded   int               `json:"folded"`
	Dropped  map[string]uint64 `json:"dropped"`
}

type ingestPast struct {
	Metric string `json:"metric"`
	// Project and Function are whose budget it went past; left out: the team's.
	Project  string `json:"project,omitempty"`
	Function string `json:"function,omitempty"`
	Series   uint64 `json:"series"`
	Label    string `json:"label"`
	Values   int    `json:"values"`
}

// ingestStatus says what senders and targets may write, what each team that the
// caller sees has of its budget, and which metric and label went past it.
func (a *api) ingestStatus(r *http.Request) (result, error) {
	v := sees(r.Context())
	usage, budget, series := a.Intake.Usage(v.showsTeam)
	bounds := a.Intake.Contract()
	answer := struct {
		Budget   ingestBudget   `json:"budget"`
		Contract ingestContract `json:"contract"`
		Series   *int           `json:"series,omitempty"` // of all teams, for those who see all
		Teams    []ingestTeam   `json:"teams"`
	}{
		Budget:   ingestBudget{budget.OfFunction(), budget.Team, budget.Node},
		Contract: ingestContract{bounds.Labels, bounds.Name, bounds.LabelName, bounds.Value, bounds.Bytes},
		Teams:    []ingestTeam{},
	}
	if v.all {
		answer.Series = &series
	}
	for _, u := range usage {
		past := make([]ingestPast, len(u.Past))
		for i, c := range u.Past {
			past[i] = ingestPast{c.Metric, c.Past.Project, c.Past.Function, c.Series, c.Label, min(c.Values, contract.MostValues)}
		}
		functions := make([]ingestFunction, len(u.Functions))
		for i, f := range u.Functions {
			functions[i] = ingestFunction{f.Project, f.Function, f.Series, f.Folded, f.Dropped}
		}
		answer.Teams = append(answer.Teams, ingestTeam{u.Team, u.Series, u.Folded, u.Dropped, past, functions})
	}
	return result{data: answer}, nil
}

// showsTeam reports whether all of a team's series are visible.
func (v visibility) showsTeam(team string) bool {
	return v.all || team != "" && v.shows(metric.Labels{{Name: metric.Team, Value: team}})
}

// withSenders adds what senders said of the metrics of teams that the caller sees.
func (a *api) withSenders(ctx context.Context, known map[string][]Metadata) map[string][]Metadata {
	sent := a.Intake.Metadata(sees(ctx).showsTeam)
	if len(sent) == 0 {
		return known
	}
	out := maps.Clone(known)
	if out == nil {
		out = map[string][]Metadata{}
	}
	for name, list := range sent {
		for _, m := range list {
			if entry := (Metadata{Type: m.Type, Help: m.Help, Unit: m.Unit}); !slices.Contains(out[name], entry) {
				out[name] = append(slices.Clip(out[name]), entry)
			}
		}
	}
	return out
}
