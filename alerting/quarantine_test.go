package alerting_test

import (
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

func TestQuarantineOpensOneTicket(t *testing.T) {
	w, store := newWorld(greeting, "a/b/quiet"), newMemory()
	var held []invocation.Quarantine
	cfg := w.config(store)
	cfg.Quarantined = func() []invocation.Quarantine { return held }
	begin := func() *ticking {
		cfg.Registerer = nil
		e, err := alerting.New(cfg)
		if err == nil {
			err = e.Load(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		return &ticking{e, t, w}
	}
	e := begin()
	e.mustTick()
	wantTold(t, store)

	since := w.now.Add(10 * time.Second)
	q := invocation.Quarantine{Version: function.ID{Name: greeting, Version: 3}, Since: since, Until: since.Add(time.Minute), Deaths: 2, Reason: "out of\nmemory"}
	held = []invocation.Quarantine{q, {Version: function.ID{Name: "no/such/function", Version: 1}, Since: since}}
	e.mustTick()
	e.mustTick()
	wantTold(t, store, "trigger growth/signup/greeting warning")
	ev := store.written[0].Event
	if ev.Summary != "greeting is quarantined: version 3 ended its worker 2 times: out of memory." || ev.Class != "ticket: quarantine" {
		t.Errorf("%s: %s", ev.Class, ev.Summary)
	}
	details := ""
	for _, f := range ev.Details {
		details += f.Name + ": " + f.Value + "\n"
	}
	if !strings.Contains(details, "hadron release growth/signup/greeting@<version>") || strings.Contains(details, "NaN") || strings.Contains(details, "unknown") {
		t.Errorf("details\n%s", details)
	}
	alerts := e.Alerts(alerting.Filter{})
	if len(alerts) != 1 || alerts[0].Name() != "FunctionQuarantined" || alerts[0].State != alerting.Firing || alerts[0].Class != slo.Ticket ||
		!alerts[0].ActiveAt.Equal(since) || alerts[0].Value != 1 {
		t.Errorf("%+v", alerts)
	}
	found := false
	for _, s := range w.appended {
		found = found || s.Series.Labels.Get("alertname") == "FunctionQuarantined" && s.Series.Labels.Get(metric.Function) == "greeting"
	}
	if !found {
		t.Error("ALERTS does not show it")
	}
	if defs := e.Definitions(*w.functions[greeting]); len(defs) != 9 || defs[8].Name() != "FunctionQuarantined" {
		t.Errorf("%d definitions", len(defs))
	}

	e = begin() // a restart, before the worker pool is asked
	e.mustTick()
	held = nil
	e.mustTick()
	wantTold(t, store, "trigger growth/signup/greeting warning", "resolve growth/signup/greeting warning")
	if s := store.written[1].Event.Summary; !strings.Contains(s, "released, or survived") {
		t.Errorf("resolved with %q", s)
	}
	e.tick(16 * time.Minute)
	if len(store.alerts) != 0 || len(store.incidents) != 0 {
		t.Errorf("kept: %v %v", store.alerts, store.incidents)
	}

	// Again, and the function is deleted; and never where its manifest wants no alerts.
	held = []invocation.Quarantine{q}
	e.mustTick()
	w.remove(greeting)
	e.mustTick()
	if n := len(told(store)); n != 4 || len(store.alerts) != 0 {
		t.Errorf("told %v, kept %v", told(store), store.alerts)
	}
	w.register(greeting, func(m *function.Manifest) { m.Alerts.Disabled = true })
	e.mustTick()
	if n := len(told(store)); n != 4 || len(e.Alerts(alerting.Filter{})) != 0 {
		t.Errorf("told %v of a function that wants no alerts", told(store))
	}
}
