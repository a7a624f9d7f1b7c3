package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

// Incidents is what people are told of. Errors: alerting.ErrNoIncident.
type Incidents interface {
	// Open lists the open incidents.
	Open(ctx context.Context) ([]wire.Incident, error)
	// Ended lists those that are over, newest first, older than before where it is not 0.
	Ended(ctx context.Context, scope string, before int64, limit int) ([]wire.Incident, error)
	// Acknowledge notes that somebody has an open incident, and tells the targets.
	Acknowledge(ctx context.Context, by string, name function.Name, slo, note string) (wire.Incident, error)
}

func (a *api) addIncidents() {
	add(a, route{
		method: http.MethodGet, path: Prefix + "/incidents", id: "listIncidents", tag: "alerts",
		summary: "List incidents",
		detail: "Open ones, with whoever acknowledged them, here or at the pager, and why nobody was told where that is so. " +
			"With state=ended those that ended in the last 90 days, newest first; a page may hold fewer than asked for and have a next all the same.",
		action: access.Read, scope: ofEach,
	}, a.listIncidents)
	add(a, route{
		method: http.MethodGet, path: functionPath + "/incidents", id: "listFunctionIncidents", tag: "alerts",
		summary: "List a function's incidents", detail: "Open ones first, then those that ended in the last 90 days, newest first.",
		action: access.Read, scope: ofFunction,
	}, a.listFunctionIncidents)
	add(a, route{
		method: http.MethodPost, path: functionPath + "/incidents/{slo}/acknowledge", id: "acknowledgeIncident", tag: "alerts",
		summary: "Acknowledge an open incident",
		detail:  "Says here and at the pager that somebody has it. It is not told again when it gets better; when it gets worse it is. Again, it adds the note.",
		action:  access.Deploy, scope: ofFunction, body: wire.Acknowledge{}, status: http.StatusOK,
	}, a.acknowledge)
}

type incidentIn struct {
	SLO string `path:"slo" maxLength:"63" doc:"The objective: availability, latency-p99, quarantine."`
}

type incidentsIn struct {
	State  string `query:"state" enum:"open,ended" doc:"open, unless given, or ended."`
	Scope  string `query:"scope" maxLength:"200" doc:"Only of this team, team/project or function."`
	Cursor string `query:"cursor" maxLength:"400" doc:"Of ended ones: where to go on, the next of the page before."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" doc:"Ended ones at most; 100 unless given."`
}

func (a *api) listIncidents(ctx context.Context, c *call, in *incidentsIn) (*jsonOut[wire.List[wire.Incident]], error) {
	if err := available(a.cfg.Incidents != nil); err != nil {
		return nil, err
	}
	if in.State == "ended" {
		return a.listEnded(ctx, c, in)
	}
	open, err := a.cfg.Incidents.Open(ctx)
	if err != nil {
		return nil, err
	}
	out := wire.List[wire.Incident]{Items: []wire.Incident{}}
	for _, one := range open {
		if c.may(access.Read, function.Name(one.Function)) && liesIn(one.Function, in.Scope) {
			out.Items = append(out.Items, one)
		}
	}
	return ok(out)
}

func liesIn(name, scope string) bool {
	return scope == "" || name == scope || strings.HasPrefix(name, scope+"/")
}

// How many ended incidents one request looks at, at a time and in all, for those that
// the caller may read.
const (
	endedAtATime = 500
	endedReads   = 10
)

func (a *api) listEnded(ctx context.Context, c *call, in *incidentsIn) (*jsonOut[wire.List[wire.Incident]], error) {
	before, err := cursorNumber(in.Cursor)
	if err != nil {
		return nil, err
	}
	limit := page{Limit: in.Limit}.limit()
	out := wire.List[wire.Incident]{Items: []wire.Incident{}}
	for range endedReads {
		list, err := a.cfg.Incidents.Ended(ctx, in.Scope, before, endedAtATime)
		if err != nil {
			return nil, err
		}
		for _, one := range list {
			if len(out.Items) == limit {
				out.Next = strconv.FormatInt(before, 10)
				return ok(out)
			}
			before = one.ID
			if c.may(access.Read, function.Name(one.Function)) {
				out.Items = append(out.Items, one)
			}
		}
		if len(list) < endedAtATime {
			return ok(out)
		}
	}
	out.Next = strconv.FormatInt(before, 10)
	return ok(out)
}

func (a *api) listFunctionIncidents(ctx context.Context, c *call, in *page) (*jsonOut[wire.List[wire.Incident]], error) {
	if err := available(a.cfg.Incidents != nil); err != nil {
		return nil, err
	}
	before, err := cursorNumber(in.Cursor)
	if err != nil {
		return nil, err
	}
	out := wire.List[wire.Incident]{Items: []wire.Incident{}}
	if before == 0 {
		open, err := a.cfg.Incidents.Open(ctx)
		if err != nil {
			return nil, err
		}
		for _, one := range open {
			if one.Function == string(c.name) {
				out.Items = append(out.Items, one)
			}
		}
	}
	limit := in.limit()
	ended, err := a.cfg.Incidents.Ended(ctx, string(c.name), before, limit+1)
	if err != nil {
		return nil, err
	}
	if len(ended) > limit {
		ended = ended[:limit]
		out.Next = strconv.FormatInt(ended[limit-1].ID, 10)
	}
	out.Items = append(out.Items, ended...)
	return ok(out)
}

func (a *api) acknowledge(ctx context.Context, c *call, in *incidentIn) (*jsonOut[wire.Incident], error) {
	if err := available(a.cfg.Incidents != nil); err != nil {
		return nil, err
	}
	var body wire.Acknowledge
	if err := decode(c, smallBody, &body); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	out, err := a.cfg.Incidents.Acknowledge(ctx, c.principal.Name, c.name, in.SLO, body.Note)
	if err != nil {
		return nil, err
	}
	return ok(out)
}
