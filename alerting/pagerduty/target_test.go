package pagerduty_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/alerting/pagerduty"
	"hadron/alerting/pagerduty/pagerdutytest"
	"hadron/runtime/function"
)

const greet = function.Name("shop/checkout/greet")

func TestFunctionGetsItsService(t *testing.T) {
	w := newWorld(t)
	w.fake.AddForeignService("Payments", "")
	if s := w.target.Status(greet); s.State != pagerduty.Pending {
		t.Errorf("before the first pass: %+v", s)
	}
	w.want(greet, func(m *function.Manifest) { m.Description = "Greets hadron:test+one:a/b/c\npeople" })
	if r := w.mustPass(); r.Created != 1 {
		t.Errorf("%+v", r)
	}
	s := w.only()
	if s.Name != "hadron: shop.checkout.greet" || s.Status != "active" || len(s.Integrations) != 1 || s.Integrations[0].Name != "Hadron" {
		t.Errorf("%+v", s)
	}
	if !strings.HasSuffix(s.Description, "\nhadron:test+one:shop/checkout/greet") || strings.Contains(s.Description, "hadron:test+one:a/b/c") ||
		!strings.Contains(s.Description, "https://hadron.example/f/shop/checkout/greet\n") {
		t.Errorf("description %q", s.Description)
	}
	key, ok := w.target.Routing(greet)
	if !ok || key != s.Integrations[0].Key {
		t.Errorf("routing %v", ok)
	}
	want := pagerduty.Status{ServiceID: s.ID, URL: s.URL, EscalationPolicy: "Default", State: pagerduty.Ready}
	if got := w.target.Status(greet); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	w.quiet()

	// A steady pass asks nothing at all, and every so often what there is.
	before := len(w.fake.Requests())
	w.mustPass()
	if n := len(w.fake.Requests()) - before; n != 0 {
		t.Errorf("%d requests", n)
	}
	w.now = w.now.Add(5 * time.Minute)
	w.mustPass()
	if n := len(w.fake.Requests()) - before; n == 0 || n > 2 {
		t.Errorf("%d requests to verify", n)
	}
	// One more function costs two requests, and no list.
	before = len(w.fake.Requests())
	w.want("shop/checkout/pay")
	w.mustPass()
	if n := len(w.fake.Requests()) - before; n != 2 {
		t.Errorf("%d requests for a new function", n)
	}
	// A restart knows everything, also before PagerDuty is asked.
	w.restart()
	w.fake.Down()
	if _, err := w.pass(); err == nil {
		t.Error("no error")
	}
	if again, ok := w.target.Routing(greet); !ok || again != key {
		t.Error("the routing key was lost")
	}
	if got := w.target.Status(greet); got != want {
		t.Errorf("while down: %+v", got)
	}
	w.fake.ClearFaults()
	w.quiet()
	w.described()
}

func TestDeletedFunctionLeavesAfterItsGrace(t *testing.T) {
	w := newWorld(t)
	foreign := w.fake.AddForeignService("hadron", "see hadron:other:shop/checkout/greet")
	w.want(greet)
	w.mustPass()
	key, _ := w.target.Routing(greet)
	delete(w.wanted, greet)

	w.busy[key] = true // its resolve is on its way
	if r := w.mustPass(); r.Next == 0 || r.Next > time.Minute || w.only().Status != "active" {
		t.Errorf("disabled under an open incident: %+v", r)
	}
	if _, ok := w.target.Routing(greet); ok {
		t.Error("a deleted function still pages")
	}
	w.busy[key] = false
	if r := w.mustPass(); r.Next != 7*24*time.Hour || w.only().Status != "disabled" {
		t.Errorf("%+v %+v", r, w.only())
	}
	w.quiet()

	w.want(greet) // registered again: the same service
	w.mustPass()
	if again, ok := w.target.Routing(greet); !ok || again != key || w.only().Status != "active" {
		t.Errorf("came back as %+v", w.only())
	}
	delete(w.wanted, greet)
	w.mustPass()
	w.restart()
	w.now = w.now.Add(8 * 24 * time.Hour)
	w.mustPass()
	if len(w.ours()) != 0 || len(w.store.rows) != 0 {
		t.Errorf("left over: %+v %+v", w.ours(), w.store.rows)
	}
	if s, ok := w.fake.Service(foreign); !ok || s.Changes > 0 {
		t.Errorf("a foreign service was touched: %+v", s)
	}
	w.quiet()
	w.described()
}

func TestDeletedFunctionWaitsForItsLastEventsOnlySoLong(t *testing.T) {
	w := newWorld(t)
	w.want(greet)
	w.mustPass()
	delete(w.wanted, greet)
	w.busy[key] = true
	w.mustPass()
	w.now = w.now.Add(11 * time.Minute)
	w.mustPass()
	if s := w.only(); s.Status != "disabled" {
		t.Errorf("%+v", s)
	}
}

func TestAlertsCanBeDisabled(t *testing.T) {
	off := func(m *function.Manifest) { m.Alerts.Disabled = true }
	w := newWorld(t)
	w.want(greet, off)
	w.mustPass()
	if len(w.ours()) != 0 || w.target.Status(greet).State != pagerduty.Disabled {
		t.Errorf("%+v %+v", w.ours(), w.target.Status(greet))
	}
	w.want(greet)
	w.mustPass()
	w.want(greet, off)
	w.mustPass()
	if _, ok := w.target.Routing(greet); ok || w.only().Status != "disabled" || w.target.Status(greet).State != pagerduty.Disabled {
		t.Errorf("%+v %+v", w.only(), w.target.Status(greet))
	}
	w.quiet()
	w.want(greet)
	w.mustPass()
	if _, ok := w.target.Routing(greet); !ok || w.only().Status != "active" {
		t.Errorf("%+v", w.only())
	}
	w.described()
}

func TestEscalationPolicy(t *testing.T) {
	by := func(policy string) func(*function.Manifest) {
		return func(m *function.Manifest) { m.Alerts.EscalationPolicy = policy }
	}
	w := newWorld(t)
	w.fake.AddEscalationPolicy("Default two") // a fuzzy match
	night := w.fake.AddEscalationPolicy("Night")
	w.want(greet, by("Night"))
	w.want("a/b/missing", by("Nigh"))
	w.want("a/b/id", by(night))
	r, err := w.pass()
	if err != nil || r.Created != 2 || r.Failed != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, s := range w.ours() {
		if s.EscalationPolicyID != night {
			t.Errorf("%+v", s)
		}
	}
	s := w.target.Status("a/b/missing")
	if s.State != pagerduty.Failed || s.Error != `PagerDuty has no escalation policy with the id or name "Nigh": make it there, or change alerts.escalationPolicy in hadron.yaml` {
		t.Errorf("%+v", s)
	}
	w.fake.AddEscalationPolicy("Nigh")
	w.mustPass() // after a failure it looks again
	if s := w.target.Status("a/b/missing"); s.State != pagerduty.Ready || s.Error != "" {
		t.Errorf("%+v", s)
	}
	// What the manifest says holds against a hand; what it does not say is the hand's.
	other := w.fake.AddEscalationPolicy("Other")
	w.want("a/b/free")
	w.mustPass()
	var free, pinned string
	for _, s := range w.ours() {
		switch {
		case strings.HasSuffix(s.Name, "a.b.free"):
			free = s.ID
		case strings.HasSuffix(s.Name, "greet"):
			pinned = s.ID
		}
	}
	for _, id := range []string{free, pinned} {
		w.fake.Edit(id, func(s *pagerdutytest.Service) { s.EscalationPolicyID, s.Name = other, "Renamed "+s.ID })
	}
	w.now = w.now.Add(time.Hour)
	w.mustPass()
	a, _ := w.fake.Service(free)
	b, _ := w.fake.Service(pinned)
	if a.EscalationPolicyID != other || b.EscalationPolicyID != night || !strings.HasPrefix(b.Name, "Renamed") {
		t.Errorf("free %+v\npinned %+v", a, b)
	}
	w.quiet()
	w.described()
}

// A team's policy is that of its functions that name none, also when it is set later.
func TestEscalationPolicyOfATeam(t *testing.T) {
	team := map[string]string{}
	w := newWorld(t, func(c *pagerduty.Config) {
		c.Policy = func(of alerting.Scope) (string, string) {
			return team[of.Team()], "the settings of the team " + of.Team()
		}
	})
	night, growth := w.fake.AddEscalationPolicy("Night"), w.fake.AddEscalationPolicy("Growth")
	w.want("growth/a/own", func(m *function.Manifest) { m.Alerts.EscalationPolicy = "Night" })
	w.want("growth/a/none")
	w.want("pay/a/none")
	w.mustPass()
	team["growth"] = "Growth"
	w.mustPass()
	if own, none, other := w.target.Status("growth/a/own"), w.target.Status("growth/a/none"), w.target.Status("pay/a/none"); own.EscalationPolicy != "Night" || none.EscalationPolicy != "Growth" || other.EscalationPolicy != "Default" {
		t.Errorf("%+v\n%+v\n%+v", own, none, other)
	}
	ids := 0
	for _, s := range w.ours() {
		if s.EscalationPolicyID == night || s.EscalationPolicyID == growth {
			ids++
		}
	}
	if ids != 2 {
		t.Errorf("services: %+v", w.ours())
	}
	team["growth"] = "Nobody"
	if r, err := w.pass(); err != nil || r.Failed != 1 {
		t.Errorf("%+v %v", r, err)
	}
	if s := w.target.Status("growth/a/none"); s.State != pagerduty.Failed || !strings.Contains(s.Error, "change the settings of the team growth") {
		t.Errorf("%+v", s)
	}
}

func TestWhatExistsIsAdoptedByItsMarkerOnly(t *testing.T) {
	w := newWorld(t)
	w.fake.AddForeignService("hadron: shop.checkout.greet", "Somebody's with the same name")
	w.fake.AddForeignService("Staging's", "hadron:staging:shop/checkout/greet")
	w.want(greet)
	w.mustPass()
	first := w.only()
	if !strings.HasPrefix(first.Name, "hadron: shop.checkout.greet ") {
		t.Errorf("name %q", first.Name)
	}
	key, _ := w.target.Routing(greet)

	clear(w.store.rows) // the database is lost
	w.restart()
	w.mustPass()
	if again, _ := w.target.Routing(greet); again != key || w.only().ID != first.ID {
		t.Error("not found again")
	}
	w.quiet()

	// A database copied from elsewhere does not take over that one's services.
	w.store.rows["shop/checkout/pay"] = alerting.Service{Scope: "shop/checkout/pay", ID: first.ID, State: pagerduty.Ready, RoutingKey: "x", Hash: "y"}
	w.want("shop/checkout/pay")
	w.restart()
	w.mustPass()
	if got, _ := w.fake.Service(first.ID); got.Description != first.Description || len(w.ours()) != 2 {
		t.Errorf("%+v", w.ours())
	}
	for _, s := range w.fake.Services() {
		if s.Foreign && s.Changes > 0 {
			t.Errorf("touched: %+v", s)
		}
	}
	w.described()
}

func TestHandsInPagerDuty(t *testing.T) {
	w := newWorld(t)
	w.want(greet)
	w.mustPass()
	id := w.only().ID
	later := func() {
		t.Helper()
		w.now = w.now.Add(time.Hour)
		w.mustPass()
	}
	w.fake.Edit(id, func(s *pagerdutytest.Service) { s.Status = "disabled" })
	later()
	if s := w.target.Status(greet); s.State != pagerduty.Disabled || s.Error == "" || w.only().Status != "disabled" {
		t.Errorf("a hand was overruled: %+v", s)
	}
	w.fake.Edit(id, func(s *pagerdutytest.Service) { s.Status = "active" })
	later()
	if s := w.target.Status(greet); s.State != pagerduty.Ready || s.Error != "" {
		t.Errorf("%+v", s)
	}
	w.fake.Edit(id, func(s *pagerdutytest.Service) { s.Description = "mine" })
	later()
	if s := w.only(); !strings.Contains(s.Description, "hadron:test+one:") {
		t.Errorf("the marker was not restored: %+v", s)
	}
	key, _ := w.target.Routing(greet)
	w.fake.Edit(id, func(s *pagerdutytest.Service) { s.Integrations = nil })
	later()
	if now, ok := w.target.Routing(greet); !ok || now == key || now != w.only().Integrations[0].Key {
		t.Error("the integration was not made again")
	}
	w.fake.Remove(id)
	later()
	if w.only().ID == id || w.target.Status(greet).ServiceID != w.only().ID {
		t.Errorf("%+v", w.only())
	}
	w.quiet()
	w.described()
}

func TestPlanWithoutUrgencies(t *testing.T) {
	w := newWorld(t)
	w.fake.WithoutUrgencies()
	w.fake.AddForeignService("hadron: shop.checkout.greet", "")
	for _, name := range []function.Name{greet, "a/b/c", "a/b/d"} {
		w.want(name)
	}
	before := w.fake.Writes()
	w.mustPass()
	if n := w.fake.Writes() - before; n != 2*3+1 {
		t.Errorf("%d writes", n)
	}
	w.described()
}

func TestTroubleIsSaidAndPasses(t *testing.T) {
	for name, c := range map[string]struct {
		fault pagerdutytest.Fault
		want  string
	}{
		"down":         {pagerdutytest.Fault{Drop: true}, "cannot be reached"},
		"broken":       {pagerdutytest.Fault{Status: 503}, "answered 503"},
		"html":         {pagerdutytest.Fault{Status: 502, Body: "<h1>Bad gateway</h1>"}, "answered 502: it gave no reason"},
		"unauthorised": {pagerdutytest.Fault{Status: 401}, "check pagerduty.token"},
		"forbidden":    {pagerdutytest.Fault{Status: 403}, "allowed to write"},
		"limited":      {pagerdutytest.Fault{Status: 429, Header: map[string]string{"Retry-After": "3600"}}, "rate limit is used up"},
		"slow":         {pagerdutytest.Fault{Delay: time.Minute}, "no answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *pagerduty.Config) { c.Timeout = 30 * time.Millisecond })
			w.want(greet)
			w.fake.SetFault(c.fault)
			_, err := w.pass()
			s := w.target.Status(greet)
			if err == nil || !strings.Contains(err.Error(), c.want) || s.State != pagerduty.Failed || !strings.Contains(s.Error, c.want) {
				t.Errorf("%v; %+v", err, s)
			}
			w.fake.ClearFaults()
			w.restart()
			w.cfg = func(*pagerduty.Config) {}
			w.restart()
			w.mustPass()
			if s := w.target.Status(greet); s.State != pagerduty.Ready || s.Error != "" {
				t.Errorf("%+v", s)
			}
			w.quiet()
		})
	}
}

func TestOneFailureHoldsUpNobody(t *testing.T) {
	w := newWorld(t)
	for _, name := range []function.Name{"a/a/a", "b/b/b", "c/c/c", "d/d/d"} {
		w.want(name)
	}
	w.fake.SetFault(pagerdutytest.Fault{Status: 500, Match: func(r *http.Request) bool {
		var in struct{ Service struct{ Name string } }
		if r.Method == http.MethodPost && r.URL.Path == "/services" {
			return json.NewDecoder(peek(r)).Decode(&in) == nil && strings.Contains(in.Service.Name, "b.b.b")
		}
		return false
	}})
	r, err := w.pass()
	if err != nil || r.Created != 3 || r.Failed != 1 || w.target.Status("b/b/b").State != pagerduty.Failed {
		t.Fatalf("%+v, %v", r, err)
	}
	w.fake.ClearFaults()
	if r := w.mustPass(); r.Created != 1 {
		t.Errorf("%+v", r)
	}
}

func TestLimitIsWaitedOut(t *testing.T) {
	w := newWorld(t)
	w.want(greet)
	w.fake.SetFault(pagerdutytest.Fault{Status: 429, Times: 2, Header: map[string]string{"Retry-After": "0.01"}})
	w.mustPass()
	w.quiet()
}

func TestEndOfContextIsSeen(t *testing.T) {
	w := newWorld(t)
	w.want(greet)
	reason := errors.New("the server stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	w.fake.SetFault(pagerdutytest.Fault{Delay: time.Minute, Match: func(*http.Request) bool {
		cancel(reason) // in the middle of a request
		return true
	}})
	_, err := w.target.Reconcile(ctx, nil)
	if !errors.Is(err, reason) {
		t.Errorf("%v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	store := &memory{}
	for _, c := range []pagerduty.Config{
		{}, {Token: "x"}, {Store: store}, {Token: "x", Store: store, APIURL: "api.pagerduty.com"}, {Token: "x", Store: store, GracePeriod: -1},
	} {
		if _, err := pagerduty.NewTarget(c); err == nil || strings.Contains(err.Error(), "x\"") {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := pagerduty.NewTarget(pagerduty.Config{Token: "x", Store: store}); err != nil {
		t.Error(err)
	}
}
