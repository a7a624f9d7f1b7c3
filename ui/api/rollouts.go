package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/delivery"
	"hadron/runtime/function"
	"hadron/runtime/registry"
	"hadron/ui/wire"
)

const deploymentPath = Prefix + "/deployments/{id}"

func (a *api) addRollouts() {
	add(a, route{
		method: http.MethodPost, path: functionPath + "/deployments", id: "beginDeployment", tag: "deployments",
		summary: "Deploy a version that is there",
		detail: "By the strategy given, else that of the version's manifest. 409 deployment_active while another deployment of the alias is under way, " +
			"alias_split where the alias's traffic is split by hand, 423 frozen. Where the alias points at the version already, the answer is 200 and has no rollout.",
		action: access.Deploy, scope: ofFunction, body: wire.Deploy{},
		status: http.StatusCreated, also: map[int]string{http.StatusOK: "The alias points at the version already"},
	}, a.deploy)
	add(a, route{
		method: http.MethodGet, path: deploymentPath, id: "getDeployment", tag: "deployments",
		summary: "Get a deployment", detail: "With its rollout, where it has one, and its events, oldest first.",
		action: access.Read, scope: ofEach,
	}, a.getDeployment)
	for _, cmd := range []struct {
		verb, summary, detail string
		body                  any
		read                  func(*call, *delivery.Command) error
	}{
		{"pause", "Pause a deployment", "It stays at its step. A new version that is shown to be worse is rolled back all the same.", nil, nil},
		{"resume", "Resume a paused deployment", "", nil, nil},
		{"promote", "Promote a deployment", "To its next step, or with full all the way, whatever its analysis says. 423 frozen while its team is.", wire.Promote{}, readPromote},
		{"abort", "Abort a deployment", "All traffic goes back to the old version.", wire.Abort{}, readAbort},
	} {
		add(a, route{
			method: http.MethodPost, path: deploymentPath + "/" + cmd.verb, id: cmd.verb + "Deployment", tag: "deployments",
			summary: cmd.summary, detail: cmd.detail + " 409 deployment_ended or not_now where its state does not allow it.",
			action: access.Deploy, scope: ofEach, body: cmd.body, status: http.StatusOK,
		}, func(ctx context.Context, c *call, in *deploymentIn) (*jsonOut[wire.Deployment], error) {
			asked := delivery.Command{Verb: delivery.Verb(cmd.verb), By: c.principal.Name}
			if cmd.read != nil {
				if err := cmd.read(c, &asked); err != nil && !errors.Is(err, io.EOF) {
					return nil, err
				}
			}
			return a.command(ctx, c, in.ID, asked)
		})
	}
}

type deploymentIn struct {
	ID int64 `path:"id" minimum:"1" doc:"The deployment's id."`
}

func readPromote(c *call, cmd *delivery.Command) error {
	var body wire.Promote
	err := decode(c, smallBody, &body)
	if body.Full {
		cmd.Verb = delivery.Finish
	}
	return err
}

func readAbort(c *call, cmd *delivery.Command) error {
	var body wire.Abort
	err := decode(c, smallBody, &body)
	if len(body.Reason) > registry.MaxMessage {
		return refuse(http.StatusBadRequest, "invalid_request", "A reason holds at most %d bytes.", registry.MaxMessage)
	}
	cmd.Reason = body.Reason
	return err
}

func (a *api) command(ctx context.Context, c *call, id int64, cmd delivery.Command) (*jsonOut[wire.Deployment], error) {
	r, err := a.rollout(ctx, c, id, access.Deploy)
	if err != nil {
		return nil, err
	}
	if (cmd.Verb == delivery.Promote || cmd.Verb == delivery.Finish) && r.Override == "" && a.cfg.Freezes != nil {
		if err := a.cfg.Freezes.Permit(ctx, r.Function, c.principal.Name, ""); err != nil {
			return nil, err
		}
	}
	if r, err = a.cfg.Deliveries.Command(ctx, id, cmd); err != nil {
		return nil, err
	}
	return a.shown(ctx, r)
}

// rollout reads one that the caller may do this to; others are not there for them.
func (a *api) rollout(ctx context.Context, c *call, id int64, action access.Action) (delivery.Rollout, error) {
	none := delivery.Rollout{}
	if err := available(a.cfg.Deliveries != nil); err != nil {
		return none, err
	}
	found, err := a.cfg.Deliveries.Rollouts(ctx, id)
	if err != nil {
		return none, err
	}
	if len(found) == 0 || !c.may(access.Read, found[0].Function) {
		return none, fmt.Errorf("deployment %d: %w", id, delivery.ErrNotFound)
	}
	if !c.may(action, found[0].Function) {
		return none, refuse(http.StatusForbidden, "forbidden", "%s, as %s, may not %s on %s.", c.principal.Name, c.principal.Grants, actionWords[action], found[0].Function)
	}
	return found[0], nil
}

func (a *api) shown(ctx context.Context, r delivery.Rollout) (*jsonOut[wire.Deployment], error) {
	events, err := a.cfg.Deliveries.Events(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	out := rolloutDeployment(r)
	for _, e := range events {
		out.Events = append(out.Events, wire.DeploymentEvent{Time: e.Time, Kind: string(e.Kind), Text: e.Text, By: e.By, Data: e.Data})
	}
	return ok(out)
}

func (a *api) getDeployment(ctx context.Context, c *call, in *deploymentIn) (*jsonOut[wire.Deployment], error) {
	r, err := a.rollout(ctx, c, in.ID, access.Read)
	if err == nil {
		return a.shown(ctx, r)
	}
	if !errors.Is(err, delivery.ErrNotFound) {
		return nil, err
	}
	// It is a change that was in effect at once: its one event is itself.
	changes, failed := a.cfg.Registry.Changes(ctx, registry.ChangeFilter{After: in.ID - 1, Limit: 1})
	if failed != nil {
		return nil, failed
	}
	if len(changes) == 0 || changes[0].Cursor != in.ID || !c.may(access.Read, changes[0].Function) {
		return nil, err
	}
	out := Deployment(changes[0])
	out.Events = []wire.DeploymentEvent{{Time: out.Time, Kind: string(delivery.EventEnded), Text: atOnce(out), By: out.Author}}
	return ok(out)
}

func atOnce(d wire.Deployment) string {
	if len(d.To) == 0 {
		return d.Kind
	}
	return d.Kind + ": live means " + versionsText(d.To)
}

func versionsText(ws []wire.Weight) string {
	text := ""
	for _, w := range ws {
		if w.Weight > 0 {
			if text != "" {
				text += ", "
			}
			text += fmt.Sprintf("version %d by %d", w.Version, w.Weight)
		}
	}
	return text
}

func (a *api) rollouts(ctx context.Context, c *call, name function.Name, before int64, in *deploymentsIn) (*jsonOut[wire.List[wire.Deployment]], error) {
	if err := available(a.cfg.Deliveries != nil); err != nil {
		return nil, err
	}
	out := wire.List[wire.Deployment]{Items: []wire.Deployment{}}
	for scanned := 0; scanned < maxScan; {
		batch := min(in.limit()+1, registry.MaxPage)
		found, err := a.cfg.Deliveries.Find(ctx, delivery.Filter{Function: name, Active: in.Active, Before: before, Limit: batch})
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			if len(out.Items) == in.limit() {
				out.Next = strconv.FormatInt(before, 10)
				return ok(out)
			}
			before = r.ID
			if c.may(access.Read, r.Function) {
				out.Items = append(out.Items, rolloutDeployment(r))
			}
		}
		if len(found) < batch {
			return ok(out)
		}
		scanned += len(found)
	}
	out.Next = strconv.FormatInt(before, 10)
	return ok(out)
}

func rolloutDeployment(r delivery.Rollout) wire.Deployment {
	view := Rollout(r)
	return wire.Deployment{
		ID: r.ID, Function: string(r.Function), Kind: string(registry.KindRollout), From: whole(r.From), To: whole(r.To),
		Author: r.By, Message: r.Message, Time: r.StartedAt, Rollout: &view,
	}
}

// Rollout is one as the API shows it.
func Rollout(r delivery.Rollout) wire.Rollout {
	out := wire.Rollout{
		ID: r.ID, Function: string(r.Function), Alias: r.Alias, From: r.From, To: r.To, Strategy: r.Plan.Strategy,
		Steps: append([]int{}, r.Plan.Steps...), Step: r.Step, Interval: time.Duration(r.Plan.Interval).Seconds(), State: string(r.State), Active: r.Active(),
		Reason: r.Reason, Weights: weights(r.Weights), Author: r.By, Message: r.Message, StartedAt: r.StartedAt, UpdatedAt: r.UpdatedAt,
	}
	if !r.StepAt.IsZero() {
		out.StepAt = &r.StepAt
	}
	if !r.Active() {
		out.EndedAt = &r.StateAt
	}
	if v := r.Verdict; v != nil {
		out.Analysis = &wire.Analysis{
			Verdict: string(v.Outcome), Reason: v.Reason, At: v.At, Findings: []wire.Finding{},
			Canary:   wire.Arm{Version: r.To, Calls: v.Canary.Calls, Errors: v.Canary.Errors},
			Baseline: wire.Arm{Version: r.From, Calls: v.Baseline.Calls, Errors: v.Baseline.Errors},
		}
		for _, f := range v.Findings {
			out.Analysis.Findings = append(out.Analysis.Findings, wire.Finding{
				Measure: f.Measure, Verdict: string(f.Outcome), Canary: f.Canary, Baseline: f.Baseline, Evidence: f.Evidence, Text: f.Text,
			})
		}
	}
	return out
}
