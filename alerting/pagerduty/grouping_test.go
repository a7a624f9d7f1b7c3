package pagerduty_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"hadron/alerting"
	"hadron/alerting/pagerduty"
	"hadron/alerting/pagerduty/pagerdutytest"
	"hadron/runtime/function"
)

// by has services per something else from the next start on.
func (w *world) by(g pagerduty.Grouping) {
	w.tb.Helper()
	w.grouping = g
	w.restart()
}

func (w *world) names() []string {
	var out []string
	for _, s := range w.ours() {
		if s.Status != "disabled" {
			out = append(out, s.Name)
		}
	}
	slices.Sort(out)
	return out
}

func TestServicesPerProjectAndTeam(t *testing.T) {
	for grouping, want := range map[pagerduty.Grouping]string{
		pagerduty.ByFunction: "hadron: pay.core.charge,hadron: shop.cart.add,hadron: shop.cart.remove,hadron: shop.search.find",
		pagerduty.ByProject:  "hadron: pay.core,hadron: shop.cart,hadron: shop.search",
		pagerduty.ByTeam:     "hadron: pay,hadron: shop",
	} {
		t.Run(string(grouping), func(t *testing.T) {
			w := newWorld(t)
			w.by(grouping)
			names := []function.Name{"shop/cart/add", "shop/cart/remove", "shop/search/find", "pay/core/charge"}
			for _, name := range names {
				w.want(name)
			}
			w.mustPass()
			if got := strings.Join(w.names(), ","); got != want {
				t.Errorf("got %s", got)
			}
			keys := map[string]bool{}
			for _, name := range names {
				key, ok := w.target.Routing(name)
				if s := w.target.Status(name); !ok || s.State != pagerduty.Ready || s.Error != "" {
					t.Errorf("%s: %+v", name, s)
				}
				keys[key] = true
			}
			if len(keys) != len(w.ours()) {
				t.Errorf("%d keys", len(keys))
			}
			for _, s := range w.ours() {
				if kind := string(grouping); grouping != pagerduty.ByFunction && !strings.Contains(s.Description, "Functions of the "+kind+" ") {
					t.Errorf("description %q", s.Description)
				}
			}
			w.quiet()
			// One that wants no pages is none of the others' business.
			w.want("shop/cart/add", func(m *function.Manifest) { m.Alerts.Disabled = true })
			w.mustPass()
			if _, ok := w.target.Routing("shop/cart/add"); ok || w.target.Status("shop/cart/add").State != pagerduty.Disabled {
				t.Error("it pages still")
			}
			if _, ok := w.target.Routing("shop/cart/remove"); !ok {
				t.Error("the other one does not page any more")
			}
			clear(w.store.rows) // the database is lost: markers tell
			w.restart()
			w.mustPass()
			if got := strings.Join(w.names(), ","); grouping != pagerduty.ByFunction && got != want {
				t.Errorf("after the loss %s", got)
			}
			w.described()
		})
	}
}

// A change of the grouping: new services first, events that begin go there, what is open
// under an old key can end there, and only then the old service goes.
func TestGroupingMoves(t *testing.T) {
	sender := func(w *world) *pagerduty.Sender {
		s, err := pagerduty.NewSender(pagerduty.SenderConfig{EventsURL: w.fake.URL})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	w := newWorld(t)
	names := []function.Name{"shop/cart/add", "shop/cart/remove", "shop/search/find"}
	for _, name := range names {
		w.want(name)
	}
	w.mustPass()
	old, _ := w.target.Routing("shop/cart/add")
	e := alerting.Event{RoutingKey: old, Action: alerting.Trigger, DedupKey: "d1", Summary: "it fails", Source: "hadron", Severity: "critical"}
	if err := sender(w).Send(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	w.busy[old] = true // here it is known to be open, too

	// While the new one cannot be made, events go where they went.
	w.by(pagerduty.ByTeam)
	w.fake.SetFault(pagerdutytest.Fault{Status: 500, Match: func(r *http.Request) bool { return r.Method == http.MethodPost }})
	_, _ = w.pass()
	if key, ok := w.target.Routing("shop/cart/add"); !ok || key != old {
		t.Error("nowhere to page")
	}
	w.fake.ClearFaults()
	w.mustPass()
	now, ok := w.target.Routing("shop/cart/add")
	if other, _ := w.target.Routing("shop/search/find"); !ok || now == old || other != now {
		t.Error("not the team's key")
	}
	if got := w.names(); len(got) != 4 {
		t.Errorf("gone in the pass that made the new one: %v", got)
	}
	w.mustPass() // the two without an open incident go
	if got := strings.Join(w.names(), ","); got != "hadron: shop,hadron: shop.cart.add" {
		t.Errorf("got %s", got)
	}
	w.busy[old] = false // Hadron sent the end, PagerDuty has not worked it in
	w.mustPass()
	if len(w.names()) != 2 {
		t.Errorf("disabled under an open incident: %v", w.names())
	}
	e.Action = alerting.Resolve
	if err := sender(w).Send(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	w.mustPass()
	if got := strings.Join(w.names(), ","); got != "hadron: shop" {
		t.Errorf("got %s", got)
	}
	for _, in := range w.fake.Incidents() {
		if in.Status != pagerdutytest.Resolved {
			t.Errorf("open for ever: %+v", in)
		}
	}
	w.quiet()

	// And back within the grace: the services of before, with their keys.
	w.by(pagerduty.ByFunction)
	w.mustPass()
	w.mustPass()
	if key, _ := w.target.Routing("shop/cart/add"); key != old {
		t.Error("another key")
	}
	if got := w.names(); len(got) != 3 {
		t.Errorf("%v", got)
	}
	w.described()
}

// Manifest, project, team, default, and what each grouping makes of manifests.
func TestOrderOfEscalationPolicies(t *testing.T) {
	settings := map[string]string{}
	w := newWorld(t, func(c *pagerduty.Config) {
		c.Policy = func(of alerting.Scope) (string, string) {
			parts := strings.SplitN(string(of), "/", 3)
			if len(parts) > 1 {
				if p := settings[parts[0]+"/"+parts[1]]; p != "" {
					return p, "the settings of the project"
				}
			}
			return settings[parts[0]], "the settings of the team"
		}
	})
	ids := map[string]string{}
	for _, p := range []string{"Manifest", "Other", "Project", "Team"} {
		ids[p] = w.fake.AddEscalationPolicy(p)
	}
	const name = function.Name("shop/cart/add")
	policy := func(want string) {
		t.Helper()
		w.mustPass()
		got := w.target.Status(name)
		s, _ := w.fake.Service(got.ServiceID)
		if got.EscalationPolicy != want || ids[want] != "" && s.EscalationPolicyID != ids[want] {
			t.Errorf("want %s, got %+v; %+v", want, got, s)
		}
	}
	manifest := func(name function.Name, p string) {
		w.want(name, func(m *function.Manifest) { m.Alerts.EscalationPolicy = p })
	}
	for _, grouping := range []pagerduty.Grouping{pagerduty.ByFunction, pagerduty.ByProject, pagerduty.ByTeam} {
		clear(settings)
		clear(w.wanted)
		w.by(grouping)
		w.want(name)
		policy("Default")
		settings["shop"] = "Team"
		policy("Team")
		settings["shop/cart"] = "Project"
		if grouping == pagerduty.ByTeam { // a team's service is not one project's
			policy("Team")
		} else {
			policy("Project")
		}
		manifest(name, "Manifest")
		policy("Manifest")
		manifest("shop/cart/remove", "Other")
		above := map[pagerduty.Grouping]string{pagerduty.ByFunction: "Manifest", pagerduty.ByProject: "Project", pagerduty.ByTeam: "Team"}[grouping]
		policy(above) // one service, two policies: neither
		if note := w.target.Status(name).Error; (note != "") != (grouping != pagerduty.ByFunction) {
			t.Errorf("note %q", note)
		}
		manifest("shop/cart/remove", "Manifest")
		policy("Manifest")
		if note := w.target.Status(name).Error; note != "" {
			t.Errorf("note %q", note)
		}
		clear(settings)
		manifest(name, "")
		delete(w.wanted, "shop/cart/remove")
		policy("Default")
	}
	w.described()
}

// The settings of incidents count when a service is made and when they are changed, and a
// hand in PagerDuty stays otherwise.
func TestMannerOfIncidents(t *testing.T) {
	settings := func(*pagerduty.Config) {}
	w := newWorld(t, func(c *pagerduty.Config) { settings(c) })
	w.want(greet)
	w.mustPass()
	want := func(resolve, acknowledgement float64, urgency string) {
		t.Helper()
		got := w.fake.Manner(w.only().ID)
		if got.AutoResolve != resolve || got.Acknowledgement != acknowledgement || got.Urgency != urgency {
			t.Errorf("%+v", got)
		}
	}
	want(0, 1800, "severity_based")
	settings = func(c *pagerduty.Config) { c.AutoResolve, c.Acknowledgement, c.Urgency = 4*3600e9, -1, "high" }
	w.restart()
	w.mustPass()
	want(4*3600, 0, "high")
	w.fake.SetManner(w.only().ID, pagerdutytest.Manner{AutoResolve: 600, Acknowledgement: 60, Urgency: "low"})
	w.restart()
	w.want(greet, func(m *function.Manifest) { m.Description = "another" })
	w.mustPass()
	want(600, 60, "low")
	settings = func(*pagerduty.Config) {}
	w.fake.WithoutUrgencies()
	w.restart()
	w.mustPass()
	want(0, 1800, "low") // the plan has no urgency by severity
	w.quiet()
	w.described()
}
