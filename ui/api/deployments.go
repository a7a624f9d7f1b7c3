package api

import (
	"context"
	"net/http"
	"strconv"

	"hadron/runtime/access"
	"hadron/runtime/delivery"
	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/ui/wire"
)

func (a *api) addDeployments() {
	add(a, route{
		method: http.MethodGet, path: functionPath + "/deployments", id: "listFunctionDeployments", tag: "deployments",
		summary: "List what changed of a function", detail: "Newest first. It answers for a deleted function too.",
		action: access.Read, scope: ofFunction,
	}, func(ctx context.Context, c *call, in *deploymentsIn) (*jsonOut[wire.List[wire.Deployment]], error) {
		return a.deployments(ctx, c, c.name, in)
	})
	add(a, route{
		method: http.MethodGet, path: Prefix + "/deployments", id: "listDeployments", tag: "deployments",
		summary: "List what changed", detail: "Newest first.",
		action: access.Read, scope: ofEach,
	}, func(ctx context.Context, c *call, in *deploymentsIn) (*jsonOut[wire.List[wire.Deployment]], error) {
		return a.deployments(ctx, c, "", in)
	})
}

type deploymentsIn struct { // a page's fields are here again: what is embedded must be exported for huma
	Cursor   string `query:"cursor" maxLength:"400" doc:"Where to go on: the next of the page before."`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" doc:"Items at most; 100 unless given."`
	Rollouts bool   `query:"rollouts" doc:"Only deployments that move an alias step by step."`
	Active   bool   `query:"active" doc:"Only those of them that have not ended."`
}

func (d *deploymentsIn) limit() int { return page{Cursor: d.Cursor, Limit: d.Limit}.limit() }

// maxScan bounds how many changes one page looks through for those that the
// caller may see.
const maxScan = 10 * registry.MaxPage

func (a *api) deployments(ctx context.Context, c *call, name function.Name, in *deploymentsIn) (*jsonOut[wire.List[wire.Deployment]], error) {
	before, err := cursorNumber(in.Cursor)
	if err != nil {
		return nil, err
	}
	if in.Rollouts || in.Active {
		return a.rollouts(ctx, c, name, before, in)
	}
	if before == 0 {
		before = registry.Newest
	}
	out := wire.List[wire.Deployment]{Items: []wire.Deployment{}}
	for scanned := 0; scanned < maxScan; {
		batch := min(in.limit()+1, registry.MaxPage)
		changes, err := a.cfg.Registry.Changes(ctx, registry.ChangeFilter{Name: name, Kinds: registry.Deployments(), Before: before, Limit: batch})
		if err != nil {
			return nil, err
		}
		shown, err := a.withRollouts(ctx, changes)
		if err != nil {
			return nil, err
		}
		for i, change := range changes {
			if len(out.Items) == in.limit() {
				out.Next = strconv.FormatInt(before, 10)
				return ok(out)
			}
			before = change.Cursor
			if c.may(access.Read, change.Function) {
				out.Items = append(out.Items, shown[i])
			}
		}
		if len(changes) < batch {
			return ok(out)
		}
		scanned += len(changes)
	}
	out.Next = strconv.FormatInt(before, 10)
	return ok(out)
}

// Deployment is a change of the index as the API shows it.
func Deployment(change registry.Change) wire.Deployment {
	from, to, _ := change.Live()
	return wire.Deployment{
		ID: change.Cursor, Function: string(change.Function), Kind: string(change.Kind),
		From: weights(from), To: weights(to),
		Author: change.By, Message: change.Message, Time: change.Time,
	}
}

// Deployments are changes as the API shows them, with the rollouts that they began.
func Deployments(ctx context.Context, changes []registry.Change, find func(context.Context, ...int64) ([]delivery.Rollout, error)) ([]wire.Deployment, error) {
	out := make([]wire.Deployment, len(changes))
	at := map[int64]int{}
	var ids []int64
	for i, c := range changes {
		out[i] = Deployment(c)
		if c.Kind == registry.KindRollout {
			at[c.Cursor] = i
			ids = append(ids, c.Cursor)
		}
	}
	if len(ids) == 0 {
		return out, nil
	}
	found, err := find(ctx, ids...)
	if err != nil {
		return nil, err
	}
	for _, r := range found {
		i := at[r.ID]
		view := Rollout(r)
		out[i].Rollout, out[i].From, out[i].To = &view, whole(r.From), whole(r.To)
	}
	return out, nil
}

func whole(version int) []wire.Weight { return []wire.Weight{{Version: version, Weight: 100}} }

func (a *api) withRollouts(ctx context.Context, changes []registry.Change) ([]wire.Deployment, error) {
	if a.cfg.Deliveries == nil {
		return Deployments(ctx, changes, func(context.Context, ...int64) ([]delivery.Rollout, error) { return nil, nil })
	}
	return Deployments(ctx, changes, a.cfg.Deliveries.Rollouts)
}

func weights(in []function.Weight) []wire.Weight {
	out := make([]wire.Weight, 0, len(in))
	for _, w := range in {
		out = append(out, wire.Weight(w))
	}
	return out
}
