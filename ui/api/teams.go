package api

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/tenant"
	"hadron/ui/wire"
)

func (a *api) addTeams() {
	add(a, route{
		method: http.MethodGet, path: Prefix + "/teams", id: "listTeams", tag: "teams",
		summary: "List teams", detail: "By name, with what each uses of its quota. Those that the token may not read are left out.",
		action: access.Read, scope: ofEach,
	}, func(ctx context.Context, c *call, in *page) (*jsonOut[wire.List[wire.Team]], error) {
		return a.listTeams(ctx, c, "", in)
	})
	add(a, route{
		method: http.MethodGet, path: teamPath + "/projects", id: "listProjects", tag: "teams",
		summary: "List a team's projects", detail: "By name. Those that the token may not read are left out.",
		action: access.Read, scope: ofEach,
	}, func(ctx context.Context, c *call, in *projectsIn) (*jsonOut[wire.List[wire.Team]], error) {
		team, err := tenant.ParseScope(in.Team)
		if err != nil {
			return nil, err
		}
		return a.listTeams(ctx, c, team, &page{Cursor: in.Cursor, Limit: in.Limit})
	})
	for _, of := range []struct{ path, id, word string }{{teamPath, "Team", "team"}, {projectPath, "Project", "project"}} {
		add(a, route{
			method: http.MethodGet, path: of.path, id: "get" + of.id, tag: "teams",
			summary: "Get a " + of.word, detail: "With its ETag.", action: access.Read, scope: ofScope,
		}, a.getTeam)
		add(a, route{
			method: http.MethodPut, path: of.path, id: "put" + of.id, tag: "teams",
			summary: "Create a " + of.word + " or set its settings",
			detail: "The body replaces all settings; in effect on this node before the answer. With If-Match, one that somebody else has changed since is left alone: 412 stale. " +
				"With If-None-Match: *, one that is there is left alone: 409 team_exists. A team's quota is set by admins of the installation, a project's by those of the team.",
			action: access.Administer, scope: ofScope, body: wire.TeamSettings{}, status: http.StatusOK,
		}, a.putTeam)
		add(a, route{
			method: http.MethodDelete, path: of.path, id: "delete" + of.id, tag: "teams",
			summary: "Delete an empty " + of.word, detail: "409 not_empty says what it still holds.",
			action: access.Administer, scope: ofScope, status: http.StatusNoContent,
		}, a.deleteTeam)
	}
}

type projectsIn struct {
	Team   string `path:"team" maxLength:"200"`
	Cursor string `query:"cursor" maxLength:"400" doc:"Where to go on: the next of the page before."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" doc:"Items at most; 100 unless given."`
}

type teamOut struct {
	ETag string `header:"ETag"`
	Body wire.Team
}

func (a *api) listTeams(ctx context.Context, c *call, of tenant.Scope, in *page) (*jsonOut[wire.List[wire.Team]], error) {
	if err := available(a.cfg.Teams != nil); err != nil {
		return nil, err
	}
	after, err := base64.RawURLEncoding.DecodeString(in.Cursor)
	if err != nil {
		return nil, badCursor()
	}
	limit := in.limit()
	teams := a.cfg.Teams.Teams(of, tenant.Scope(after), limit+1, func(s tenant.Scope) bool { return access.Touches(c.principal, access.Read, access.Scope(s)) })
	out := wire.List[wire.Team]{Items: []wire.Team{}}
	if len(teams) > limit {
		teams = teams[:limit]
		out.Next = base64.RawURLEncoding.EncodeToString([]byte(teams[limit-1].Scope))
	}
	for _, t := range teams {
		item, err := a.team(ctx, t)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, item)
	}
	return ok(out)
}

func (a *api) getTeam(ctx context.Context, c *call, _ *empty) (*teamOut, error) {
	if err := available(a.cfg.Teams != nil); err != nil {
		return nil, err
	}
	t, err := a.cfg.Teams.Team(c.of())
	if err != nil {
		return nil, err
	}
	return a.teamOut(ctx, t)
}

func (a *api) teamOut(ctx context.Context, t tenant.Team) (*teamOut, error) {
	body, err := a.team(ctx, t)
	if err != nil {
		return nil, err
	}
	return &teamOut{ETag: `"` + strconv.FormatInt(t.Revision, 10) + `"`, Body: body}, nil
}

type putTeamIn struct {
	IfMatch     string `header:"If-Match" maxLength:"200" doc:"The ETag that it must still have."`
	IfNoneMatch string `header:"If-None-Match" maxLength:"200" doc:"* where it must not be there."`
}

func (a *api) putTeam(ctx context.Context, c *call, in *putTeamIn) (*teamOut, error) {
	if err := available(a.cfg.Teams != nil); err != nil {
		return nil, err
	}
	var body wire.TeamSettings
	if err := decode(c, smallBody, &body); err != nil {
		return nil, err
	}
	settings, err := settingsOf(body)
	if err != nil {
		return nil, err
	}
	old, err := a.cfg.Teams.Team(c.of())
	if err != nil && !errors.Is(err, tenant.ErrNoTeam) {
		return nil, err
	}
	if above := access.Everything; !sameQuota(old.Quota, settings.Quota) {
		on := "the whole installation, which a team's quota is set for"
		if c.of().IsProject() {
			above, on = access.Scope(c.of().Team()), "the team "+string(c.of().Team())
		}
		if refused := c.permit(access.Administer, access.CanIn(c.principal, access.Administer, above), on, above, nil); refused != nil {
			return nil, refused
		}
	}
	match, err := ifMatch(in.IfMatch, old.Revision)
	if err != nil {
		return nil, err
	}
	t, err := a.cfg.Teams.Put(ctx, c.principal.Name, c.of(), settings, match, strings.TrimSpace(in.IfNoneMatch) == "*")
	if err != nil {
		return nil, err
	}
	return a.teamOut(ctx, t)
}

// ifMatch reads If-Match; nil where there is none. now is the revision that "*" means.
func ifMatch(header string, now int64) (*int64, error) {
	text := strings.TrimSpace(header)
	switch {
	case text == "":
		return nil, nil
	case text == "*" && now > 0:
		return &now, nil
	}
	text, opened := strings.CutPrefix(text, `"`)
	text, closed := strings.CutSuffix(text, `"`)
	n, err := strconv.ParseInt(text, 10, 64)
	if !opened || !closed || err != nil {
		return nil, refuse(http.StatusPreconditionFailed, "stale", "It is not as If-Match says; read it again.")
	}
	return &n, nil
}

type deleteTeamIn struct {
	IfMatch string `header:"If-Match" maxLength:"200" doc:"The ETag that it must still have."`
}

func (a *api) deleteTeam(ctx context.Context, c *call, in *deleteTeamIn) (*empty, error) {
	if err := available(a.cfg.Teams != nil); err != nil {
		return nil, err
	}
	old, err := a.cfg.Teams.Team(c.of())
	if err != nil {
		return nil, err
	}
	match, err := ifMatch(in.IfMatch, old.Revision)
	if err != nil {
		return nil, err
	}
	if err := a.cfg.Teams.Delete(ctx, c.principal.Name, c.of(), match); err != nil {
		return nil, err
	}
	return &empty{}, nil
}

// day is what retention counts in.
const day = 24 * time.Hour

func (a *api) team(ctx context.Context, t tenant.Team) (wire.Team, error) {
	now := a.cfg.Teams.InEffect(t.Scope)
	out := wire.Team{
		Team: string(t.Scope.Team()), Settings: settingsView(t.Settings), Usage: []wire.QuotaUse{},
		InEffect:  wire.InEffect{EscalationPolicy: now.EscalationPolicy, Keep: now.Keep, Days: int(now.Age / day)},
		CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt, UpdatedBy: t.UpdatedBy,
	}
	if t.Scope.IsProject() {
		out.Project = strings.TrimPrefix(string(t.Scope), out.Team+"/")
	}
	if a.cfg.Usage == nil {
		return out, nil
	}
	var err error
	out.Usage, err = a.cfg.Usage(ctx, t.Scope)
	return out, err
}

func settingsView(s tenant.Settings) wire.TeamSettings {
	out := wire.TeamSettings{Description: s.Description, Owners: s.Owners, Contact: s.Contact, EscalationPolicy: s.EscalationPolicy}
	if s.Retention != (tenant.Retention{}) {
		out.Retention = &wire.Retention{Keep: s.Retention.Keep, Days: s.Retention.Days}
	}
	if q := s.Quota; q != (tenant.Quota{}) {
		out.Quota = &wire.Quota{Functions: q.Functions, Versions: q.Versions, Requests: q.Requests, Concurrency: q.Concurrency, Secrets: q.Secrets}
		if q.Memory != nil {
			text := q.Memory.String()
			out.Quota.Memory = &text
		}
	}
	return out
}

func settingsOf(w wire.TeamSettings) (tenant.Settings, error) {
	out := tenant.Settings{Description: w.Description, Owners: w.Owners, Contact: w.Contact, EscalationPolicy: w.EscalationPolicy}
	if len(out.Owners) == 0 {
		out.Owners = nil
	}
	if r := w.Retention; r != nil {
		out.Retention = tenant.Retention{Keep: r.Keep, Days: r.Days}
	}
	if q := w.Quota; q != nil {
		out.Quota = tenant.Quota{Functions: q.Functions, Versions: q.Versions, Requests: q.Requests, Concurrency: q.Concurrency, Secrets: q.Secrets}
		if q.Memory != nil {
			var size function.Size
			if err := size.UnmarshalText([]byte(*q.Memory)); err != nil {
				return out, refuse(http.StatusUnprocessableEntity, "settings_invalid", "quota.memory: %v", err)
			}
			out.Quota.Memory = &size
		}
	}
	return out, nil
}

func sameQuota(a, b tenant.Quota) bool {
	return same(a.Functions, b.Functions) && same(a.Versions, b.Versions) && same(a.Requests, b.Requests) &&
		same(a.Concurrency, b.Concurrency) && same(a.Secrets, b.Secrets) && same(a.Memory, b.Memory)
}

func same[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
