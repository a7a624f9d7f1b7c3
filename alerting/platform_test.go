package alerting_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// What is wrong with Hadron itself is one ticket of one function, which stays that one's
// over a restart, leaves it when nobody would be told there, and ends by itself.
func TestPlatformConditionsHaveOneTicket(t *testing.T) {
	const first, second, muted = function.Name("a/app/one"), function.Name("b/app/two"), function.Name("a/app/muted")
	w, store := newWorld(second, first), newMemory()
	w.register(muted, func(m *function.Manifest) { m.Alerts.Disabled = true })
	var held []alerting.Condition
	var silent []alerting.Silence
	cfg := w.config(store)
	cfg.Conditions = func(context.Context, time.Time) ([]alerting.Condition, error) { return held, nil }
	cfg.Silences = func(context.Context, time.Time) ([]alerting.Silence, error) { return silent, nil }
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

	held = []alerting.Condition{
		{Kind: alerting.Removals, Reason: "13 services would be deleted:\nhadron alerts pagerduty apply --confirm-deletes 13"},
		{Kind: alerting.Removals, Reason: "20 dashboards would be deleted"},
		{Kind: "timeouts", Reason: "of no function, and none of the platform's"},
	}
	e.mustTick()
	e.mustTick()
	wantTold(t, store, "trigger a/app/one warning")
	ev := store.written[0].Event
	const want = "Hadron asks before it removes so much: 13 services would be deleted: hadron alerts pagerduty apply --confirm-deletes 13; 20 dashboards would be deleted."
	if ev.Summary != want || ev.Alert != "RemovalsHeld" || ev.Class != "ticket: removals" {
		t.Errorf("%s, %s: %s", ev.Alert, ev.Class, ev.Summary)
	}
	for _, f := range ev.Details {
		if strings.Contains(f.Value, "%!") || f.Name == "undo" || strings.Contains(f.Value, "a/app/one") {
			t.Errorf("%s: %s", f.Name, f.Value)
		}
	}
	if all := e.Alerts(alerting.Filter{}); len(all) != 1 || all[0].Class != slo.Ticket || all[0].Function != first {
		t.Errorf("%+v", all)
	}

	w.register("a/app/earlier", nil)
	e = begin() // a restart, and one that would be first by its name
	e.mustTick()
	wantTold(t, store, "trigger a/app/one warning")

	// Nobody is told of team a: it is told where somebody hears of it.
	silent = []alerting.Silence{{Scope: "a", Starts: w.now, Ends: w.now.Add(24 * time.Hour), Owner: "ada", Reason: "move"}}
	e.mustTick()
	wantTold(t, store, "trigger a/app/one warning", "resolve a/app/one warning", "trigger b/app/two warning")
	silent = nil

	// It cannot be told whether it is so, as right after a start: it stays.
	held = []alerting.Condition{{Kind: alerting.Removals, Unknown: true}}
	e = begin()
	e.mustTick()
	wantTold(t, store, "trigger a/app/one warning", "resolve a/app/one warning", "trigger b/app/two warning")
	held = nil
	e.mustTick()
	wantTold(t, store, "trigger a/app/one warning", "resolve a/app/one warning", "trigger b/app/two warning", "resolve b/app/two warning")
	if s := store.written[3].Event.Summary; s != "Hadron: nothing waits for a word any more." {
		t.Error(s)
	}

	// Everything is silenced: it is an alert, and told when the silence is over.
	silent = []alerting.Silence{{Starts: w.now, Ends: w.now.Add(time.Hour), Owner: "ada", Reason: "all"}}
	held = []alerting.Condition{{Kind: alerting.Reconciler, Reason: "pagerduty failed"}, {Kind: alerting.Orphans, Reason: "a resolve was given up"}}
	e.mustTick()
	before := len(told(store))
	if n := len(e.Incidents()); n != 2 {
		t.Errorf("%d incidents", n)
	}
	silent = nil
	e.mustTick()
	if got := told(store)[before:]; len(got) != 2 || got[0] != got[1] {
		t.Errorf("told %v", got)
	}

	// Where no function has alerts nobody can be told so.
	for _, name := range []function.Name{first, second, "a/app/earlier"} {
		w.remove(name)
	}
	e.mustTick()
	if n := len(e.Incidents()); n != 0 {
		t.Errorf("%d incidents of nobody", n)
	}
}

// One that has no service yet stands for nothing while another has.
func TestPlatformConditionGoesWhereItIsHeard(t *testing.T) {
	w, store := newWorld("a/app/one", "b/app/two"), newMemory()
	delete(w.keys, "a/app/one")
	cfg := w.config(store)
	cfg.Conditions = func(context.Context, time.Time) ([]alerting.Condition, error) {
		return []alerting.Condition{{Kind: alerting.Reconciler, Reason: "grafana failed"}}, nil
	}
	e, err := alerting.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	(&ticking{e, t, w}).mustTick()
	wantTold(t, store, "trigger b/app/two warning")
}
