package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hadron/alerting/pagerduty/pagerdutytest"
	"hadron/dashgen"
	"hadron/dashgen/grafana/grafanatest"
	"hadron/ui/wire"
)

// operated is a server with the two outside systems that it provisions.
type operated struct {
	*process
	dir     string
	grafana *grafanatest.Server
	pager   *pagerdutytest.Server
}

func newOperated(t *testing.T) *operated {
	t.Helper()
	o := &operated{dir: t.TempDir(), grafana: grafanatest.New(t), pager: pagerdutytest.New(t)}
	return o
}

func (o *operated) start(t *testing.T, args ...string) {
	t.Helper()
	o.process = startServer(t, o.dir, append(args,
		"--metrics.interval", "1s", "--alerting.interval", "1s",
		"--grafana.url", o.grafana.URL, "--grafana.token", o.grafana.Token,
		"--pagerduty.token", o.pager.Token, "--pagerduty.from", "oncall@example.com",
		"--pagerduty.api-url", o.pager.URL, "--pagerduty.events-url", o.pager.URL)...)
	o.adopt(o.dir)
}

func (o *operated) operability() wire.Operability {
	o.t.Helper()
	var op wire.Operability
	o.want(http.StatusOK, http.MethodGet, payPath+"/operability", nil, &op)
	return op
}

// pages are the events that are no change events.
func (o *operated) pages() []pagerdutytest.Event {
	return slices.DeleteFunc(o.pager.Events(), func(e pagerdutytest.Event) bool { return e.Change })
}

// open counts the incidents that are not resolved.
func (o *operated) open() int {
	n := 0
	for _, in := range o.pager.Incidents() {
		if in.Status != pagerdutytest.Resolved {
			n++
		}
	}
	return n
}

const (
	payName = "pay/core/charge"
	payPath = "/api/v1/functions/" + payName
)

// An hour's window makes alert windows of five evaluations, so that the test does
// not wait for days.
var payment = wire.Register{
	Source: `
function charge(cents: number): number {
  if (Number.isNaN(cents)) throw new RangeError("cannot charge that");
  return cents;
}
export default {
  fetch(request: Request): Response {
    return Response.json({ charged: charge(Number(new URL(request.url).searchParams.get("cents"))) });
  },
};
`,
	Manifest: json.RawMessage(`{"runbook":"https://wiki.example.com/charge","slo":{"window":"1h"},"limits":{"timeout":"1m"}}`),
	Message:  "charge in cents",
}

// callers call a function until stopped; good says how.
func callers(t *testing.T, path func() string, at func() *process) {
	t.Helper()
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(40 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			p := at()
			req, err := http.NewRequest(http.MethodGet, p.url+path(), nil)
			if err != nil {
				return
			}
			req.Header.Set("Authorization", "Bearer "+p.token)
			if resp, err := http.DefaultClient.Do(req); err == nil { // it is refused while the server restarts
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
}

// The walk of issue 3: what is generated, what it says, and that it goes away.
func TestFunctionIsBornOperable(t *testing.T) {
	t.Parallel()
	o := newOperated(t)
	foreignDashboard := o.grafana.AddForeignDashboard("", "Somebody else's")
	foreignService := o.pager.AddForeignService("Somebody else's", "not ours")
	o.start(t)

	began := time.Now()
	var receipt wire.Registered
	o.want(http.StatusCreated, http.MethodPost, payPath+"/versions", payment, &receipt)
	eventually(t, "the dashboard is ready", 10*time.Second, func() (bool, string) {
		op := o.operability()
		return op.Dashboard.State == wire.Ready, fmt.Sprintf("%+v", op)
	})
	t.Logf("registration to dashboard in %s", time.Since(began))
	eventually(t, "everything is ready", 10*time.Second, func() (bool, string) {
		op := o.operability()
		return op.Dashboard.State == wire.Ready && op.PagerDuty.State == wire.Ready, fmt.Sprintf("%+v", op)
	})
	t.Logf("operable in %s", time.Since(began))
	op := o.operability()
	if len(op.Alerts) != 8 || op.Dashboard.Target != "grafana" || !strings.HasPrefix(op.Dashboard.URL, o.grafana.URL) || op.PagerDuty.ServiceID == "" {
		t.Errorf("operability %+v", op)
	}

	failing := newSwitch(false)
	current := newCurrent(o.process)
	callers(t, func() string {
		if failing.on() {
			return "/fn/" + payName + "?cents=x"
		}
		return "/fn/" + payName + "?cents=7"
	}, current.get)
	eventually(t, "calls are counted", 20*time.Second, func() (bool, string) {
		got, _ := o.query(`sum(faas_invocations_total{function="charge"})`, time.Time{})
		return got > 20, sprint(got)
	})

	failing.set(true)
	eventually(t, "PagerDuty has one incident", 60*time.Second, func() (bool, string) {
		return o.open() == 1, fmt.Sprint(o.pager.Incidents())
	})
	trigger := o.pages()[0]
	text := string(trigger.Raw)
	for _, want := range []string{payName, "index.ts:3", "function_error", "RangeError", "wiki.example.com/charge", "/f/" + payName, "/f/" + payName + "?trace=", op.Dashboard.URL, "charge in cents", "page"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q: %s", want, text)
		}
	}
	if strings.Contains(text, o.token) || strings.Contains(o.log(), trigger.RoutingKey) || strings.Contains(o.log(), o.grafana.Token) {
		t.Error("a secret is in the page or in the log")
	}
	everyPanelDraws(t, o)
	var drawn wire.DashboardModel
	o.want(http.StatusOK, http.MethodGet, payPath+"/dashboard", nil, &drawn)
	if drawn.UID != op.Dashboard.UID || len(drawn.Rows) < 5 || len(drawn.Rows[0].Panels) == 0 {
		t.Errorf("the built-in UI's dashboard has %d rows under %q", len(drawn.Rows), drawn.UID)
	}

	// Restart in the middle: nothing is paged twice.
	o.kill()
	o.start(t)
	current.set(o.process)
	eventually(t, "the alert is known after the restart", 20*time.Second, func() (bool, string) {
		var alerts wire.List[wire.Alert]
		o.want(http.StatusOK, http.MethodGet, "/api/v1/alerts", nil, &alerts)
		return len(alerts.Items) > 0 && alerts.Items[0].State == "firing", fmt.Sprintf("%+v", alerts.Items)
	})
	failing.set(false)
	eventually(t, "the incident is resolved", 90*time.Second, func() (bool, string) {
		return o.open() == 0, fmt.Sprint(o.pager.Incidents())
	})
	opened, resolved := 0, 0
	for _, e := range o.pages() {
		if e.DedupKey != trigger.DedupKey || e.RoutingKey != trigger.RoutingKey {
			t.Errorf("an event under other keys: %+v", e)
		}
		switch e.Action {
		case "trigger":
			opened++
		case "resolve":
			resolved++
		}
	}
	if resolved != 1 || opened < 1 {
		t.Errorf("%d triggers and %d resolves", opened, resolved)
	}

	// Deleting removes what was made, and nothing else.
	o.want(http.StatusNoContent, http.MethodDelete, payPath, nil, nil)
	eventually(t, "the dashboard and its folder are gone, the service is disabled", 20*time.Second, func() (bool, string) {
		dashboards, folders := o.grafana.Dashboards(), o.grafana.Folders()
		disabled := 0
		for _, s := range o.pager.Services() {
			if s.Status == "disabled" {
				disabled++
			}
		}
		// What is left is somebody else's, and what tells of the whole installation.
		return len(dashboards) == 1+2 && len(folders) == 1 && disabled == 1, fmt.Sprintf("%d dashboards, %d folders, services %+v", len(dashboards), len(folders), o.pager.Services())
	})
	if d, ok := o.grafana.Dashboard(foreignDashboard); !ok || d.Version != 1 {
		t.Errorf("the foreign dashboard was touched: %+v", d)
	}
	if v := o.pager.Violations(); len(v) > 0 {
		t.Errorf("PagerDuty's descriptions do not allow: %v", v)
	}
	for _, s := range o.pager.Services() {
		if s.ID == foreignService && (s.Status != "active" || s.Name != "Somebody else's") {
			t.Errorf("the foreign service was touched: %+v", s)
		}
	}
}

// everyPanelDraws runs every query of every panel as Grafana would: with the data
// source's own address and header.
func everyPanelDraws(t *testing.T, o *operated) {
	t.Helper()
	sources := o.grafana.Datasources()
	if len(sources) != 1 || sources[0].Type != "prometheus" {
		t.Fatalf("data sources %+v", sources)
	}
	d, ok := o.grafana.Dashboard(o.operability().Dashboard.UID)
	if !ok || d.FolderUID == "" {
		t.Fatalf("dashboard %+v", d)
	}
	var model struct {
		Panels []struct {
			Title   string `json:"title"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(d.JSON, &model); err != nil {
		t.Fatal(err)
	}
	queries := 0
	for _, panel := range model.Panels {
		if slices.Contains(mayBeEmpty, panel.Title) {
			continue
		}
		for _, target := range panel.Targets {
			queries++
			expr := dashgen.Query{Expr: target.Expr}.At(map[string]string{
				"__rate_interval": "10s", "version": ".+", "job": ".+", "instance": ".+", "window": "10s",
			})
			if strings.Contains(expr, "$") {
				t.Errorf("%s: a variable is left in %s", panel.Title, expr)
				continue
			}
			eventually(t, panel.Title+" draws "+expr, 10*time.Second, func() (bool, string) {
				n, body := rangeQuery(t, sources[0], expr)
				return n > 0, body
			})
		}
	}
	if queries < 20 {
		t.Errorf("only %d queries", queries)
	}
}

func rangeQuery(t *testing.T, source grafanatest.Datasource, expr string) (int, string) {
	t.Helper()
	now := time.Now()
	q := url.Values{
		"query": {expr}, "step": {"1"},
		"start": {strconv.FormatInt(now.Add(-20*time.Second).Unix(), 10)}, "end": {strconv.FormatInt(now.Unix(), 10)},
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, source.URL+"/api/v1/query_range", strings.NewReader(q.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = source.Header()
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct {
			Result []json.RawMessage `json:"result"`
		} `json:"data"`
	}
	_ = json.Unmarshal(body, &answer)
	return len(answer.Data.Result), string(body)
}

// Grafana and PagerDuty refuse, are slow and are down: nobody who registers or
// invokes notices, the state says why, and all of it converges when they return.
func TestOutagesHoldUpNobody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what    string
		grafana grafanatest.Fault
		pager   pagerdutytest.Fault
	}{
		{"refusing", grafanatest.Fault{Status: http.StatusForbidden}, pagerdutytest.Fault{Status: http.StatusForbidden}},
		{"slow", grafanatest.Fault{Delay: time.Minute}, pagerdutytest.Fault{Delay: time.Minute}},
		{"down", grafanatest.Fault{Drop: true}, pagerdutytest.Fault{Drop: true}},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			o := newOperated(t)
			o.grafana.SetFault(c.grafana)
			o.pager.SetFault(c.pager)
			o.start(t)
			began := time.Now()
			o.want(http.StatusCreated, http.MethodPost, payPath+"/versions", payment, nil)
			for range 20 {
				o.want(http.StatusOK, http.MethodGet, "/fn/"+payName+"?cents=3", nil, nil)
			}
			// Far below the minute for which the slow ones hang: nothing waits for them.
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("registering and 20 calls took %s", took)
			}
			eventually(t, "the state says why", 45*time.Second, func() (bool, string) {
				op := o.operability()
				return op.Dashboard.State == wire.Failed && op.Dashboard.Error != "" && op.PagerDuty.State == wire.Failed && op.PagerDuty.Error != "", fmt.Sprintf("%+v", op)
			})
			o.grafana.ClearFaults()
			o.pager.ClearFaults()
			eventually(t, "it converges", 60*time.Second, func() (bool, string) {
				op := o.operability()
				return op.Dashboard.State == wire.Ready && op.PagerDuty.State == wire.Ready, fmt.Sprintf("%+v", op)
			})
		})
	}
}
