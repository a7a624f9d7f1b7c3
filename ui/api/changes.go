package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/tenant"
	"hadron/ui/wire"
)

// Changes is the audit log.
type Changes interface {
	// Changes lists those that by may read, newest first.
	Changes(ctx context.Context, by access.Principal, f tenant.ChangeFilter) ([]tenant.Change, error)
}

func (a *api) addChanges() {
	add(a, route{
		method: http.MethodGet, path: Prefix + "/changes", id: "listChanges", tag: "audit",
		summary: "List who changed what",
		detail: "The audit log, newest first: functions, tokens, teams, secrets, with what was before and after. " +
			"Where a change came from (address, agent) is told to those who administer what changed, and of one's own.",
		action: access.Read, scope: ofEach,
	}, a.listChanges)
}

type changesIn struct {
	Cursor   string `query:"cursor" maxLength:"400" doc:"Where to go on: the next of the page before."`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" doc:"Items at most; 100 unless given."`
	Function string `query:"function" maxLength:"200" doc:"Only of this function."`
	Team     string `query:"team" maxLength:"63" doc:"Only of this team."`
	Author   string `query:"author" maxLength:"200" doc:"Only by this one: ada@example.com, token:growth/ci."`
	Kind     string `query:"kind" maxLength:"63" doc:"Only of this kind: deployed, rolled_back, token_created, …"`
	Since    string `query:"since" maxLength:"64" doc:"A time (RFC 3339) or a duration before now, such as 1d."`
}

func (a *api) listChanges(ctx context.Context, c *call, in *changesIn) (*jsonOut[wire.List[wire.Change]], error) {
	if err := available(a.cfg.Changes != nil); err != nil {
		return nil, err
	}
	before, err := cursorNumber(in.Cursor)
	if err != nil {
		return nil, err
	}
	limit := page{Limit: in.Limit}.limit()
	f := tenant.ChangeFilter{Team: in.Team, By: in.Author, Kind: in.Kind, Before: before, Limit: limit + 1}
	if in.Function != "" {
		if f.Function, err = function.ParseName(in.Function); err != nil {
			return nil, err
		}
	}
	if f.Since, err = moment("since", in.Since, time.Now()); err != nil {
		return nil, err
	}
	list, err := a.cfg.Changes.Changes(ctx, c.principal, f)
	if err != nil {
		return nil, err
	}
	out := wire.List[wire.Change]{Items: make([]wire.Change, 0, len(list))}
	if len(list) > limit {
		list = list[:limit]
		out.Next = strconv.FormatInt(list[len(list)-1].Cursor, 10)
	}
	for _, ch := range list {
		out.Items = append(out.Items, wire.Change{
			ID: ch.Cursor, Time: ch.Time, Author: ch.By, Kind: ch.Kind, Did: wordsOf(ch.Kind), Function: string(ch.Function), Subject: ch.Subject, Scope: string(ch.Scope),
			Message: ch.Message, Origin: ch.Origin.Kind, Address: ch.Origin.Address, Agent: ch.Origin.Agent, Before: ch.Before, After: ch.After,
		})
	}
	return ok(out)
}
