package api

import (
	"context"
	"net/http"
	"time"

	"hadron/alerting"
	"hadron/collector/slo"
	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/ui/wire"
)

// Silences is what keeps incidents from being told. Errors: alerting.ErrSilence,
// alerting.ErrNoSilence.
type Silences interface {
	Silences(ctx context.Context, at time.Time, over bool) ([]alerting.Silence, error)
	Silence(ctx context.Context, id int64) (alerting.Silence, error)
	AddSilence(ctx context.Context, s alerting.Silence) (alerting.Silence, error)
	EndSilence(ctx context.Context, id int64, by string, at time.Time) (alerting.Silence, error)
}

const silencePath = Prefix + "/silences"

func (a *api) addSilences() {
	add(a, route{
		method: http.MethodGet, path: silencePath, id: "listSilences", tag: "alerts",
		summary: "List silences", detail: "Those that hold or are to hold, by their end; with over, those of the last 90 days too.",
		action: access.Read, scope: ofEach,
	}, a.listSilences)
	add(a, route{
		method: http.MethodPost, path: silencePath, id: "createSilence", tag: "alerts",
		summary: "Silence a scope",
		detail: "A team, team/project or function; empty for everything, which takes an admin. Incidents that begin or get worse are told to nobody until it ends; " +
			"what still fires then is told then. 422 silence_invalid says what is wrong.",
		action: access.Deploy, scope: ofEach, body: wire.CreateSilence{}, status: http.StatusCreated,
	}, a.createSilence)
	add(a, route{
		method: http.MethodDelete, path: silencePath + "/{id}", id: "endSilence", tag: "alerts",
		summary: "End a silence", detail: "What fires is told at the next evaluation.",
		action: access.Deploy, scope: ofEach, status: http.StatusOK,
	}, a.endSilence)
}

type silencesIn struct {
	Over bool `query:"over" doc:"Those that are over too."`
}

type silenceIn struct {
	ID int64 `path:"id" minimum:"1" doc:"The silence's id."`
}

func (a *api) listSilences(ctx context.Context, c *call, in *silencesIn) (*jsonOut[wire.List[wire.Silence]], error) {
	if err := available(a.cfg.Silences != nil); err != nil {
		return nil, err
	}
	now := time.Now()
	list, err := a.cfg.Silences.Silences(ctx, now, in.Over)
	if err != nil {
		return nil, err
	}
	out := wire.List[wire.Silence]{Items: []wire.Silence{}}
	for _, s := range list {
		if c.mayAbout(access.Read, s.Scope, true) {
			out.Items = append(out.Items, silenceView(s, now))
		}
	}
	return ok(out)
}

func (a *api) createSilence(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.Silence], error) {
	if err := available(a.cfg.Silences != nil); err != nil {
		return nil, err
	}
	var body wire.CreateSilence
	if err := decode(c, smallBody, &body); err != nil {
		return nil, err
	}
	if err := validScope(body.Scope); err != nil {
		return nil, err
	}
	if !c.mayAbout(access.Deploy, body.Scope, false) {
		return nil, c.mayNot(access.Deploy, body.Scope)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	s := alerting.Silence{
		Scope: body.Scope, SLO: body.SLO, Class: slo.Class(body.Class), Kind: body.Kind, Ends: body.Ends.UTC(),
		Owner: c.principal.Name, Reason: body.Reason, Created: now,
	}
	if body.Starts != nil {
		s.Starts = body.Starts.UTC()
	}
	if err := s.Validate(now); err != nil {
		return nil, err
	}
	s, err := a.cfg.Silences.AddSilence(ctx, s)
	if err != nil {
		return nil, err
	}
	return ok(silenceView(s, now))
}

func (a *api) endSilence(ctx context.Context, c *call, in *silenceIn) (*jsonOut[wire.Silence], error) {
	if err := available(a.cfg.Silences != nil); err != nil {
		return nil, err
	}
	s, err := a.cfg.Silences.Silence(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	switch {
	case !c.mayAbout(access.Read, s.Scope, true):
		return nil, alerting.ErrNoSilence
	case !c.mayAbout(access.Deploy, s.Scope, false):
		return nil, c.mayNot(access.Deploy, s.Scope)
	}
	now := time.Now().UTC()
	if s, err = a.cfg.Silences.EndSilence(ctx, in.ID, c.principal.Name, now); err != nil {
		return nil, err
	}
	return ok(silenceView(s, now))
}

// validScope reads a team, team/project or function; empty is everything.
func validScope(text string) error {
	if text == "" {
		return nil
	}
	if _, err := function.ParseName(text); err == nil {
		return nil
	}
	if _, err := access.ParseScope(text); err != nil {
		return refuse(http.StatusUnprocessableEntity, "silence_invalid", "scope %q: write a team, team/project or team/project/name; leave it empty for everything.", text)
	}
	return nil
}

// mayAbout reports whether the caller may do this to all of a scope, or, with some, to
// anything in it.
func (c *call) mayAbout(action access.Action, scope string, some bool) bool {
	name, err := function.ParseName(scope)
	switch {
	case err == nil:
		return access.Can(c.principal, action, name)
	case some:
		return access.Touches(c.principal, action, access.Scope(scope))
	case scope == "" && action == access.Deploy: // everybody's pages
		action = access.Administer
	}
	return access.CanIn(c.principal, action, access.Scope(scope))
}

func (c *call) mayNot(action access.Action, scope string) *problem {
	if scope == "" {
		scope = "the whole installation"
	}
	return refuse(http.StatusForbidden, "forbidden", "%s, as %s, may not %s on %s.", c.principal.Name, c.principal.Grants, actionWords[action], scope)
}

func silenceView(s alerting.Silence, now time.Time) wire.Silence {
	out := wire.Silence{
		ID: s.ID, Scope: s.Scope, SLO: s.SLO, Class: string(s.Class), Kind: s.Kind, Starts: s.Starts, Ends: s.Ends,
		Owner: s.Owner, Reason: s.Reason, CreatedAt: s.Created, EndedBy: s.EndedBy, State: "pending",
	}
	if !s.EndedAt.IsZero() {
		out.EndedAt = &s.EndedAt
	}
	switch {
	case s.Over(now):
		out.State = "over"
	case s.Active(now):
		out.State = "active"
	}
	return out
}
