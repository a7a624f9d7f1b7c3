package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

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
		summary: "List open incidents", detail: "With whoever acknowledged them, here or at the pager, and why nobody was told where that is so.",
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

func (a *api) listIncidents(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.List[wire.Incident]], error) {
	if err := available(a.cfg.Incidents != nil); err != nil {
		return nil, err
	}
	open, err := a.cfg.Incidents.Open(ctx)
	if err != nil {
		return nil, err
	}
	out := wire.List[wire.Incident]{Items: []wire.Incident{}}
	for _, in := range open {
		if c.may(access.Read, function.Name(in.Function)) {
			out.Items = append(out.Items, in)
		}
	}
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
