package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"hadron/collector/slo"
	"hadron/ui/client"
	"hadron/ui/wire"
)

const (
	shopName = "shop/web/cart"
	shopPath = "/api/v1/functions/" + shopName
)

// shop is a version of the function that answers with n; bad ones fail half of their calls.
func shop(n int, bad bool, delivery string) wire.Register {
	source := fmt.Sprintf("let n = 0;\nexport default () => new Response(%q);\n", fmt.Sprint(n))
	if bad {
		source = fmt.Sprintf("let n = 0;\nexport default () => { if (n++ %% 2 === 0) throw new Error(\"broken in %d\"); return new Response(\"ok\"); };\n", n)
	}
	// No objective can be broken, so that it is the analysis that decides.
	manifest := `{"slo":{"availability":50,"latency":[],"window":"1h"}`
	if delivery != "" {
		manifest += `,"delivery":` + delivery
	}
	manifest += "}"
	return wire.Register{Source: source, Manifest: json.RawMessage(manifest), Message: fmt.Sprintf("version %d", n)}
}

// generous passes on few calls, so that a test need not wait for many.
const generous = `{"strategy":"canary","steps":[20,50],"interval":"1s","probe":{"path":"/"},"analysis":{"sample":10,"patience":100,"errors":50,"latency":50}}`

func (p *process) deployment(id int64) wire.Deployment {
	p.t.Helper()
	var d wire.Deployment
	p.want(http.StatusOK, http.MethodGet, fmt.Sprintf("/api/v1/deployments/%d", id), nil, &d)
	return d
}

// quick are settings with which a test need not wait.
func quick(t *testing.T, dir string) *process {
	t.Helper()
	return startServer(t, dir, "--dev")
}

// register deploys a version and returns its rollout.
func (p *process) register(v wire.Register) *wire.Rollout {
	p.t.Helper()
	var got wire.Registered
	p.want(http.StatusCreated, http.MethodPost, shopPath+"/versions?alias=live", v, &got)
	return got.Rollout
}

func (p *process) awaitState(id int64, within time.Duration, states ...string) wire.Deployment {
	p.t.Helper()
	var d wire.Deployment
	eventually(p.t, "the deployment is "+strings.Join(states, " or "), within, func() (bool, string) {
		d = p.deployment(id)
		for _, s := range states {
			if d.Rollout.State == s {
				return true, s
			}
		}
		return false, d.Rollout.State + ": " + d.Rollout.Reason
	})
	return d
}

// A version of which half the calls fail, by canary and under load: it is out within its
// first two steps, by itself, and says why, to Grafana and PagerDuty too.
func TestABadCanaryIsRolledBack(t *testing.T) {
	t.Parallel()
	o := newOperated(t)
	o.start(t)
	if r := o.register(shop(1, false, "")); r != nil {
		t.Fatalf("the first version has a rollout: %+v", r)
	}
	eventually(t, "the function is operable", 20*time.Second, func() (bool, string) {
		var op wire.Operability
		o.want(http.StatusOK, http.MethodGet, shopPath+"/operability", nil, &op)
		return op.Dashboard.State == wire.Ready && op.PagerDuty.State == wire.Ready, fmt.Sprintf("%+v", op)
	})
	current := newCurrent(o.process)
	for range 3 {
		callers(t, func() string { return "/fn/" + shopName }, current.get)
	}
	r := o.register(shop(2, true, `{"strategy":"canary","steps":[20,50,80],"interval":"30s"}`))
	if r == nil {
		t.Fatal("no rollout")
	}
	d := o.awaitState(r.ID, 90*time.Second, wire.RolloutRolledBack, wire.RolloutCompleted, wire.RolloutStopped)
	if d.Rollout.State != wire.RolloutRolledBack || d.Rollout.Step > 2 || !strings.Contains(d.Rollout.Reason, "errors") {
		t.Fatalf("%s at step %d: %s", d.Rollout.State, d.Rollout.Step, d.Rollout.Reason)
	}
	t.Logf("after %s: %s", d.Rollout.EndedAt.Sub(d.Rollout.StartedAt), d.Rollout.Reason)
	var alias wire.Alias
	o.want(http.StatusOK, http.MethodGet, shopPath+"/aliases/live", nil, &alias)
	if len(alias.Weights) != 1 || alias.Weights[0].Version != 1 {
		t.Errorf("live is %+v", alias)
	}
	eventually(t, "a ticket tells of it", 40*time.Second, func() (bool, string) {
		var alerts wire.List[wire.Alert]
		o.want(http.StatusOK, http.MethodGet, "/api/v1/alerts", nil, &alerts)
		for _, a := range alerts.Items {
			if a.SLO == slo.Rollout && a.Class == "ticket" && strings.Contains(a.Reason, "version 2 was taken back") {
				return true, ""
			}
		}
		return false, fmt.Sprintf("%+v", alerts.Items)
	})
	eventually(t, "each change is told once", 30*time.Second, func() (bool, string) {
		var all wire.List[wire.Deployment]
		o.want(http.StatusOK, http.MethodGet, shopPath+"/deployments", nil, &all)
		marks := o.grafana.Annotations()
		changes := 0
		for _, e := range o.pager.Events() {
			if e.Change {
				changes++
			}
		}
		seen := fmt.Sprintf("%d changes, %d annotations, %d change events", len(all.Items), len(marks), changes)
		// The second version's registration pointed at nothing, and is no news.
		return len(marks) == len(all.Items)-1 && changes == len(marks), seen
	})
	if v := o.pager.Violations(); len(v) > 0 {
		t.Errorf("PagerDuty's descriptions do not allow: %v", v)
	}
}

// All traffic is at a version that fails, which no baseline can tell: the page does, and
// the version that stayed ready is back. Meanwhile objectives are the old version's.
func TestAPageRollsBlueGreenBack(t *testing.T) {
	t.Parallel()
	o := newOperated(t)
	o.start(t)
	first, second := shop(1, false, ""), shop(2, true, "")
	first.Manifest = json.RawMessage(`{"slo":{"availability":99.5,"window":"1h"}}`)
	second.Manifest = json.RawMessage(`{"slo":{"availability":50,"window":"1h"},"delivery":{"strategy":"blue-green","interval":"10m"}}`)
	o.register(first)
	current := newCurrent(o.process)
	callers(t, func() string { return "/fn/" + shopName }, current.get)
	eventually(t, "calls are counted", 20*time.Second, func() (bool, string) {
		got, _ := o.query(`sum(faas_invocations_total{function="cart"})`, time.Time{})
		return got > 20, sprint(got)
	})
	r := o.register(second)
	o.awaitState(r.ID, 30*time.Second, wire.RolloutRunning)
	var f wire.Function
	o.want(http.StatusOK, http.MethodGet, shopPath, nil, &f)
	if f.Live.Weights[0].Version != 2 || f.Spec.SLO.Objectives[0].Ratio != 0.995 {
		t.Errorf("live %+v with objectives %+v", f.Live, f.Spec.SLO)
	}
	d := o.awaitState(r.ID, 90*time.Second, wire.RolloutRolledBack, wire.RolloutCompleted)
	if d.Rollout.State != wire.RolloutRolledBack || !strings.Contains(d.Rollout.Reason, "pages") {
		t.Errorf("%s: %s", d.Rollout.State, d.Rollout.Reason)
	}
}

// The server ends with kill -9 at each event of a deployment; the next one goes on, and
// no step is lost or done twice.
func TestKilledAtEachStep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := quick(t, dir)
	current := newCurrent(p)
	p.register(shop(1, false, ""))
	callers(t, func() string { return "/fn/" + shopName }, current.get)
	callers(t, func() string { return "/fn/" + shopName }, current.get)
	r := p.register(shop(2, false, generous))
	for events := 1; ; events++ {
		var d wire.Deployment
		eventually(t, fmt.Sprintf("it has %d events", events), 60*time.Second, func() (bool, string) {
			d = p.deployment(r.ID)
			return len(d.Events) >= events || !d.Rollout.Active, fmt.Sprintf("%+v", d)
		})
		if !d.Rollout.Active {
			break
		}
		events = len(d.Events)
		p.kill()
		p = quick(t, dir)
		current.set(p)
	}
	d := p.deployment(r.ID)
	if d.Rollout.State != wire.RolloutCompleted {
		t.Fatalf("%s: %s", d.Rollout.State, d.Rollout.Reason)
	}
	var steps []string
	for _, e := range d.Events {
		if e.Kind == "step" {
			steps = append(steps, e.Text)
		}
	}
	if len(steps) != 3 || !strings.HasPrefix(steps[0], "step 1 of 2") || !strings.HasPrefix(steps[1], "step 2 of 2") || !strings.HasPrefix(steps[2], "all traffic is at version 2") {
		t.Errorf("steps %q", steps)
	}
	var alias wire.Alias
	p.want(http.StatusOK, http.MethodGet, shopPath+"/aliases/live", nil, &alias)
	if len(alias.Weights) != 1 || alias.Weights[0].Version != 2 {
		t.Errorf("live is %+v", alias)
	}
}

// What people do to a deployment: each verb, what is refused meanwhile, and a rollback
// in the middle.
func TestSteeringADeployment(t *testing.T) {
	t.Parallel()
	p := quick(t, t.TempDir())
	p.register(shop(1, false, ""))
	api, err := client.New(p.url, "")
	if err != nil {
		t.Fatal(err)
	}
	live, err := api.Live(t.Context(), wire.TopicDeployments)
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	r := p.register(shop(2, false, `{"strategy":"manual","steps":[10,50],"probe":{"path":"/"}}`))
	d := p.awaitState(r.ID, 30*time.Second, wire.RolloutPaused)
	if d.Rollout.Step != 1 || d.Rollout.Weights[1].Weight != 10 {
		t.Fatalf("%+v", d.Rollout)
	}
	for streamed := false; !streamed; {
		m, err := live.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		items, err := client.Decode[wire.Deployment](m)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			streamed = streamed || item.ID == r.ID && item.Rollout != nil && item.Rollout.State == wire.RolloutPaused
		}
	}
	var problem wire.Problem
	p.want(http.StatusConflict, http.MethodPost, shopPath+"/versions?alias=live", shop(3, false, ""), &problem)
	if problem.Code != "deployment_active" || !strings.Contains(problem.Detail, fmt.Sprintf("rollouts abort %d", r.ID)) {
		t.Errorf("a second deployment: %+v", problem)
	}
	at := fmt.Sprintf("/api/v1/deployments/%d/", r.ID)
	p.want(http.StatusConflict, http.MethodPost, at+"resume", nil, &problem)
	if problem.Code != "not_now" {
		t.Errorf("resume of a manual one: %+v", problem)
	}
	p.want(http.StatusOK, http.MethodPost, at+"promote", nil, &d)
	if d.Rollout.Step != 2 || d.Rollout.State != wire.RolloutPaused {
		t.Errorf("promoted: %+v", d.Rollout)
	}
	p.want(http.StatusOK, http.MethodPost, shopPath+"/rollback", nil, nil)
	d = p.awaitState(r.ID, 30*time.Second, wire.RolloutAborted)
	if !strings.Contains(d.Rollout.Reason, "ended by dev") || !strings.Contains(d.Rollout.Reason, "back at @1") {
		t.Errorf("%s", d.Rollout.Reason)
	}

	// The same version again, all at once, then aborted ones.
	p.want(http.StatusCreated, http.MethodPost, shopPath+"/deployments", wire.Deploy{Version: 2, Delivery: &wire.Delivery{Strategy: "blue-green", Interval: "1s"}}, &d)
	d = p.awaitState(d.ID, 30*time.Second, wire.RolloutCompleted)
	p.want(http.StatusCreated, http.MethodPost, shopPath+"/deployments", wire.Deploy{Version: 1, Delivery: &wire.Delivery{Strategy: "manual"}}, &d)
	p.awaitState(d.ID, 30*time.Second, wire.RolloutPaused)
	p.want(http.StatusOK, http.MethodPost, fmt.Sprintf("/api/v1/deployments/%d/abort", d.ID), wire.Abort{Reason: "not today"}, nil)
	d = p.awaitState(d.ID, 30*time.Second, wire.RolloutAborted)
	if !strings.Contains(d.Rollout.Reason, "not today") || d.Rollout.Weights[0].Version != 2 {
		t.Errorf("%+v", d.Rollout)
	}

	// A version that does not pass its probe gets nothing.
	r = p.register(shop(4, true, `{"strategy":"all-at-once","probe":{"path":"/healthz","expect":204}}`))
	d = p.awaitState(r.ID, 60*time.Second, wire.RolloutFailed)
	if !strings.Contains(d.Rollout.Reason, "probe") || d.Rollout.Weights[0].Version != 2 {
		t.Errorf("%+v", d.Rollout)
	}

	// Nobody calls: a canary is never promoted.
	p.want(http.StatusCreated, http.MethodPost, shopPath+"/deployments", wire.Deploy{Version: 1, Delivery: &wire.Delivery{Strategy: "canary", Interval: "1s"}}, &d)
	if d = p.awaitState(d.ID, 60*time.Second, wire.RolloutStopped); !strings.Contains(d.Rollout.Reason, "too few calls") {
		t.Errorf("%s", d.Rollout.Reason)
	}
}

func TestFreeze(t *testing.T) {
	t.Parallel()
	p := guarded(t)
	p.register(shop(1, false, ""))
	const freeze = "/api/v1/teams/shop/freeze"
	var f wire.Freeze
	p.want(http.StatusOK, http.MethodPut, freeze, wire.PutFreeze{Reason: "peak season", Until: time.Now().Add(time.Hour)}, &f)
	if !f.Frozen || f.By != "admin" {
		t.Errorf("%+v", f)
	}
	var problem wire.Problem
	p.want(http.StatusLocked, http.MethodPost, shopPath+"/versions?alias=live", shop(2, false, ""), &problem)
	if problem.Code != "frozen" || !strings.Contains(problem.Detail, "peak season") || !strings.Contains(problem.Detail, "admin") {
		t.Errorf("%+v", problem)
	}
	p.want(http.StatusCreated, http.MethodPost, shopPath+"/versions", shop(2, false, ""), nil)
	at2 := wire.PutAlias{Weights: []wire.Weight{{Version: 2, Weight: 100}}}
	p.want(http.StatusLocked, http.MethodPut, shopPath+"/aliases/live", at2, nil)
	p.want(http.StatusOK, http.MethodPut, shopPath+"/aliases/live?override=hotfix", at2, nil)
	p.want(http.StatusOK, http.MethodPost, shopPath+"/rollback", nil, nil)
	p.want(http.StatusOK, http.MethodGet, freeze, nil, &f)
	if len(f.Log) != 2 || f.Log[0].Kind != "overridden" || f.Log[0].Text != "hotfix" || f.Log[0].Function != shopName {
		t.Errorf("%+v", f.Log)
	}
	p.want(http.StatusOK, http.MethodDelete, freeze, nil, &f)
	p.want(http.StatusOK, http.MethodPut, shopPath+"/aliases/live", at2, nil)
}
