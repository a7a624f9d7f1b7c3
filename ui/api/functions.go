package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/http"
	"slices"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/ui/wire"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

// page is what every list takes.
type page struct {
	Cursor string `query:"cursor" maxLength:"400" doc:"Where to go on: the next of the page before."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" doc:"Items at most; 100 unless given."`
}

func (p page) limit() int {
	if p.Limit == 0 {
		return defaultPage
	}
	return min(p.Limit, maxPage)
}

type listFunctions struct {
	Cursor  string `query:"cursor" maxLength:"400" doc:"Where to go on: the next of the page before."`
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" doc:"Items at most; 100 unless given."`
	Team    string `query:"team" maxLength:"63" doc:"Only of this team."`
	Project string `query:"project" maxLength:"63" doc:"Only of this project of the team."`
	Query   string `query:"q" maxLength:"200" doc:"Only with this in name, owner or description."`
}

func (a *api) addFunctions() {
	add(a, route{
		method: http.MethodGet, path: Prefix + "/functions", id: "listFunctions", tag: "functions",
		summary: "List functions", detail: "By name. Those that the token may not read are left out.",
		action: access.Read, scope: ofEach,
	}, a.listFunctions)
	add(a, route{
		method: http.MethodGet, path: functionPath, id: "getFunction", tag: "functions",
		summary: "Get a function", action: access.Read, scope: ofFunction,
	}, a.getFunction)
	add(a, route{
		method: http.MethodDelete, path: functionPath, id: "deleteFunction", tag: "functions",
		summary: "Delete a function", detail: "Its versions, aliases and series end; its version numbers are never used again.",
		action: access.Deploy, scope: ofFunction, status: http.StatusNoContent,
	}, a.deleteFunction)
}

func (a *api) listFunctions(ctx context.Context, c *call, in *listFunctions) (*jsonOut[wire.List[wire.Function]], error) {
	after, err := cursorName(in.Cursor)
	if err != nil {
		return nil, err
	}
	limit := page{Limit: in.Limit}.limit()
	f := registry.Filter{Team: in.Team, Project: in.Project, Query: in.Query, After: after, Limit: limit + 1}
	if f.Project != "" && f.Team == "" {
		return nil, refuse(http.StatusBadRequest, "invalid_request", "A project belongs to a team: give team with project.")
	}
	out := wire.List[wire.Function]{Items: []wire.Function{}}
	functions, err := a.visible(ctx, c, f)
	if err != nil {
		return nil, err
	}
	if len(functions) > limit {
		functions = functions[:limit]
		out.Next = nameCursor(functions[limit-1].Name)
	}
	for _, fn := range functions {
		out.Items = append(out.Items, a.function(fn))
	}
	return ok(out)
}

// visible lists the functions of a filter that the caller may read, by name. The
// filter is narrowed to each part of the installation that it may see, so that
// pages stay full.
func (a *api) visible(ctx context.Context, c *call, f registry.Filter) ([]function.Function, error) {
	var out []function.Function
	for _, scope := range c.principal.Grants.Scopes(access.Read) {
		narrow, some := within(f, scope)
		if !some {
			continue
		}
		found, err := a.cfg.Registry.List(ctx, narrow)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	slices.SortFunc(out, func(x, y function.Function) int { return cmp.Compare(x.Name, y.Name) })
	return out[:min(len(out), f.Limit)], nil
}

// within limits a filter to a scope; false when nothing is left.
func within(f registry.Filter, scope access.Scope) (registry.Filter, bool) {
	team, project := scope.Team(), scope.Project()
	if team != "" && f.Team != "" && f.Team != team || project != "" && f.Project != "" && f.Project != project {
		return f, false
	}
	f.Team, f.Project = cmp.Or(f.Team, team), cmp.Or(f.Project, project)
	return f, true
}

func nameCursor(name function.Name) string {
	return base64.RawURLEncoding.EncodeToString([]byte(name))
}

func cursorName(cursor string) (function.Name, error) {
	if cursor == "" {
		return "", nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		if name, err := function.ParseName(string(text)); err == nil {
			return name, nil
		}
	}
	return "", badCursor()
}

func badCursor() error {
	return refuse(http.StatusBadRequest, "invalid_request", "This cursor is none of this server's; start again without one.")
}

func (a *api) getFunction(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.Function], error) {
	fn, err := a.cfg.Registry.Get(ctx, c.name)
	if err != nil {
		return nil, err
	}
	return ok(a.function(fn))
}

func (a *api) deleteFunction(ctx context.Context, c *call, _ *empty) (*empty, error) {
	if err := a.cfg.Registry.Delete(ctx, c.principal.Name, c.name); err != nil {
		return nil, err
	}
	return &empty{}, nil
}

// functionURL is where a function is called.
func (a *api) functionURL(name function.Name) string {
	return a.cfg.ExternalURL + "/fn/" + string(name)
}

func (a *api) function(fn function.Function) wire.Function {
	out := wire.Function{
		Function: string(fn.Name), URL: a.functionURL(fn.Name), Latest: fn.Latest,
		Aliases: make([]wire.Alias, 0, len(fn.Aliases)), Spec: manifestOf(fn.Spec),
		CreatedAt: fn.CreatedAt, UpdatedAt: fn.UpdatedAt, UpdatedBy: fn.UpdatedBy,
	}
	for _, alias := range fn.Aliases {
		w := aliasOf(alias)
		out.Aliases = append(out.Aliases, w)
		if alias.Name == function.Live {
			out.Live = &w
		}
	}
	return out
}

func aliasOf(alias function.Alias) wire.Alias {
	out := wire.Alias{Name: alias.Name, Weights: make([]wire.Weight, 0, len(alias.Weights))}
	for _, w := range alias.Weights {
		out.Weights = append(out.Weights, wire.Weight(w))
	}
	if alias.Sticky != (function.Sticky{}) {
		out.Sticky = new(wire.Sticky(alias.Sticky))
	}
	return out
}

func manifestOf(m function.Manifest) wire.Manifest {
	return wire.Manifest{
		Description: m.Description, Owner: m.Owner, Runbook: m.Runbook,
		Timeout: m.Limits.Timeout.String(), Concurrency: m.Limits.Concurrency, SLO: SLO(m.SLO),
	}
}

// SLO is a manifest's SLO as the API shows it.
func SLO(s function.SLO) wire.SLO {
	out := wire.SLO{Window: s.Window.String(), Objectives: []wire.Objective{}}
	for _, o := range s.Objectives() {
		out.Objectives = append(out.Objectives, wire.Objective{Name: o.Name, Ratio: o.Ratio, Threshold: o.Threshold.Seconds()})
	}
	return out
}
