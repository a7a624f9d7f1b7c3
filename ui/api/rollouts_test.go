package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"hadron/runtime/delivery"
	"hadron/runtime/function"
	"hadron/ui/api"
	"hadron/ui/client"
	"hadron/ui/wire"
)

// deliveries stands for the controller: one rollout, and what was asked of it.
type deliveries struct {
	api.Deliveries
	r     delivery.Rollout
	asked []delivery.Command
}

func (d *deliveries) Rollouts(_ context.Context, ids ...int64) ([]delivery.Rollout, error) {
	for _, id := range ids {
		if id == d.r.ID {
			return []delivery.Rollout{d.r}, nil
		}
	}
	return nil, nil
}

func (d *deliveries) Find(_ context.Context, f delivery.Filter) ([]delivery.Rollout, error) {
	if f.Function != "" && f.Function != d.r.Function || f.Before != 0 && f.Before <= d.r.ID {
		return nil, nil
	}
	return []delivery.Rollout{d.r}, nil
}

func (d *deliveries) Events(context.Context, int64) ([]delivery.Event, error) {
	return []delivery.Event{{Time: d.r.StartedAt, Kind: delivery.EventStarted, Text: "it began", By: "ada"}}, nil
}

func (d *deliveries) Command(_ context.Context, _ int64, cmd delivery.Command) (delivery.Rollout, error) {
	if err := delivery.Allowed(d.r, cmd.Verb); err != nil {
		return delivery.Rollout{}, err
	}
	d.asked = append(d.asked, cmd)
	return d.r, nil
}

func (d *deliveries) Busy(context.Context, function.Name, string) error {
	return &delivery.ActiveError{Rollout: d.r}
}

// A deployment is not there for whoever may not read its function, and is steered by its
// deployers alone.
func TestRolloutsAreTheirTeams(t *testing.T) {
	t.Parallel()
	const name = "growth/signup/greeting"
	d := &deliveries{r: delivery.Rollout{
		ID: 99, Function: name, Alias: "live", From: 1, To: 2, State: delivery.Running, Step: 1, StartedAt: time.Now(),
		Plan: function.Delivery{Strategy: "canary"}.WithDefaults(), Verdict: &delivery.Verdict{Outcome: delivery.Inconclusive, Reason: "too few calls"},
	}}
	s := serve(t, func(c *api.Config) { c.Deliveries = d })
	s.register(t, name, "export default () => 1", "")
	for token, want := range map[string]struct{ read, act int }{
		"hdn_admin": {200, 200}, "hdn_growth": {200, 200}, "hdn_signup": {200, 200}, "hdn_viewer": {200, 403}, "hdn_payments": {404, 403}, "hdn_invoker": {403, 403}, "": {401, 401},
	} {
		if resp, body := s.do(t, http.MethodGet, "/api/v1/deployments/99", token, ""); resp.StatusCode != want.read {
			t.Errorf("%q reads: %d %s", token, resp.StatusCode, body)
		}
		if resp, body := s.do(t, http.MethodPost, "/api/v1/deployments/99/pause", token, ""); resp.StatusCode != want.act {
			t.Errorf("%q pauses: %d %s", token, resp.StatusCode, body)
		}
	}
	c := s.client(t, "hdn_growth")
	got, err := c.Deployment(t.Context(), 99)
	if err != nil || got.Kind != "rollout" || got.Rollout.Analysis.Verdict != "inconclusive" || len(got.Events) != 1 || got.From[0].Version != 1 || got.To[0].Version != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	// What was in effect at once is a deployment with one event.
	first, err := c.Deployment(t.Context(), 1)
	if err != nil || first.Rollout != nil || len(first.Events) != 1 || first.Kind != "registered" && first.Kind != "deployed" {
		t.Errorf("%+v, %v", first, err)
	}
	if _, err := c.Deployment(t.Context(), 7777); client.Code(err) != "deployment_not_found" {
		t.Errorf("%v", err)
	}
	if _, err := c.Promote(t.Context(), 99, true); err != nil || d.asked[len(d.asked)-1].Verb != delivery.Finish {
		t.Errorf("%v, %+v", err, d.asked)
	}
	if _, err := c.Abort(t.Context(), 99, "not today"); err != nil || d.asked[len(d.asked)-1] != (delivery.Command{Verb: delivery.Abort, By: "gus", Reason: "not today"}) {
		t.Errorf("%v, %+v", err, d.asked)
	}
	if _, err := c.Resume(t.Context(), 99); client.Code(err) != "not_now" {
		t.Errorf("%v", err)
	}
	if _, err := c.Register(t.Context(), name, "live", wire.Register{Source: "export default () => 2"}); client.Code(err) != "deployment_active" || !strings.Contains(err.Error(), "rollouts abort 99") {
		t.Errorf("%v", err)
	}
	for token, want := range map[string]int{"hdn_growth": 1, "hdn_payments": 0} {
		list, err := s.client(t, token).Rollouts(t.Context(), "", true, client.Page{})
		if err != nil || len(list.Items) != want {
			t.Errorf("%s lists %+v, %v", token, list.Items, err)
		}
	}
}
