package alerting_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/slo"
)

// silenced is an evaluator that asks the test for silences, and has targets.
func silenced(t *testing.T, w *world, m *memory, list *[]alerting.Silence, targets ...alerting.Target) *ticking {
	t.Helper()
	cfg := w.config(m)
	cfg.Targets = targets
	cfg.Silences = func(context.Context, time.Time) ([]alerting.Silence, error) {
		if list == nil {
			return nil, errors.New("no store")
		}
		return *list, nil
	}
	e, err := alerting.New(cfg)
	if err == nil {
		err = e.Load(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return &ticking{e, t, w}
}

func TestSilenceHoldsBackAndTellsAfterwards(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	list := []alerting.Silence{{ID: 1, Scope: "growth/signup", Starts: w.now, Ends: w.now.Add(time.Hour), Owner: "ada", Reason: "moving"}}
	e := silenced(t, w, store, &list)
	w.set(greeting, "availability", outage)
	e.mustTick()
	e.mustTick()
	wantTold(t, store)
	if len(e.Incidents()) != 1 {
		t.Fatal("no incident is open")
	}
	for _, a := range e.Alerts(alerting.Filter{}) {
		if a.State != alerting.Firing || !strings.Contains(a.Silenced, "silenced by ada") || !strings.Contains(a.Silenced, "moving") {
			t.Errorf("%+v", a)
		}
	}
	list = nil // it ends
	e.mustTick()
	wantTold(t, store, "trigger growth/signup/greeting critical")

	// What was told before stays told, and its end is told whatever holds.
	list = []alerting.Silence{{ID: 2, Starts: w.now, Ends: w.now.Add(time.Hour), Owner: "ada", Reason: "all"}}
	e.mustTick()
	w.set(greeting, "availability", calm)
	e.mustTick()
	wantTold(t, store, "trigger growth/signup/greeting critical", "resolve growth/signup/greeting critical")
}

func TestSilenceOfAClassLetsTheOtherThrough(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	list := []alerting.Silence{{Class: slo.Ticket, Starts: w.now, Ends: w.now.Add(24 * time.Hour), Owner: "ada", Reason: "tickets"}}
	e := silenced(t, w, store, &list)
	w.set(greeting, "availability", calm)
	w.set(greeting, "availability", outage, "1d/2h", "3d/6h")
	e.mustTick()
	wantTold(t, store)
	w.set(greeting, "availability", outage)
	e.mustTick()
	wantTold(t, store, "trigger growth/signup/greeting critical")
}

// Where silences cannot be read, those known before hold, until they end.
func TestSilencesSurviveAStoreThatFails(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	list := &[]alerting.Silence{{Starts: w.now, Ends: w.now.Add(10 * time.Minute), Owner: "ada", Reason: "x"}}
	cfg := w.config(store)
	cfg.Silences = func(context.Context, time.Time) ([]alerting.Silence, error) {
		if list == nil {
			return nil, errStore
		}
		return *list, nil
	}
	e, err := alerting.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	tick := &ticking{e, t, w}
	tick.mustTick()
	list = nil
	w.set(greeting, "availability", outage)
	if msg := tick.tick(3 * time.Minute); msg == "" {
		t.Error("nobody hears that silences cannot be read")
	}
	wantTold(t, store)
	tick.tick(10 * time.Minute)
	wantTold(t, store, "trigger growth/signup/greeting critical")
}

func TestSilenceCovers(t *testing.T) {
	o := alerting.Objective{Function: "a/b/c", SLO: "availability"}
	for _, c := range []struct {
		s    alerting.Silence
		want bool
	}{
		{alerting.Silence{}, true},
		{alerting.Silence{Scope: "a"}, true},
		{alerting.Silence{Scope: "a/b"}, true},
		{alerting.Silence{Scope: "a/b/c"}, true},
		{alerting.Silence{Scope: "a/b/c", SLO: "availability", Class: slo.Page}, true},
		{alerting.Silence{Scope: "a/"}, false},
		{alerting.Silence{Scope: "aa"}, false},
		{alerting.Silence{Scope: "a/b/cc"}, false},
		{alerting.Silence{SLO: "latency-p99"}, false},
		{alerting.Silence{Class: slo.Ticket}, false},
	} {
		if got := c.s.Covers(o, slo.Page); got != c.want {
			t.Errorf("%+v: %v", c.s, got)
		}
	}
}

func TestSilencesThatAreRefused(t *testing.T) {
	now := noon
	good := alerting.Silence{Owner: "ada", Reason: "why\nnot", Ends: now.Add(time.Hour)}
	if err := good.Validate(now); err != nil || good.Kind != alerting.SilenceKind || !good.Starts.Equal(now) || good.Reason != "why not" {
		t.Errorf("%+v, %v", good, err)
	}
	for want, change := range map[string]func(*alerting.Silence){
		"why":     func(s *alerting.Silence) { s.Reason = " \n" },
		"owner":   func(s *alerting.Silence) { s.Owner = "" },
		"kind":    func(s *alerting.Silence) { s.Kind = "nap" },
		"class":   func(s *alerting.Silence) { s.Class = "info" },
		"future":  func(s *alerting.Silence) { s.Ends = now },
		"at most": func(s *alerting.Silence) { s.Ends = now.Add(31 * 24 * time.Hour) },
		"starts within": func(s *alerting.Silence) {
			s.Starts, s.Ends = now.Add(100*24*time.Hour), now.Add(101*24*time.Hour)
		},
	} {
		s := alerting.Silence{Owner: "ada", Reason: "x", Ends: now.Add(time.Hour)}
		change(&s)
		if err := s.Validate(now); !errors.Is(err, alerting.ErrSilence) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// toldTo is what each target heard.
func toldTo(m *memory) (out []string) {
	for _, x := range m.written {
		out = append(out, x.Event.Target+" "+string(x.Event.Action)+" "+x.Event.Severity)
	}
	slices.Sort(out)
	return out
}

func TestTargetsHearWhatTheyWant(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	var none []alerting.Silence
	e := silenced(t, w, store, &none,
		alerting.Target{Name: "chat", Classes: []slo.Class{slo.Page}},
		alerting.Target{Name: "others", Teams: []string{"pay"}},
		alerting.Target{Name: "am", Repeat: 5 * time.Minute})
	want := func(lines ...string) {
		t.Helper()
		if got := toldTo(store); !slices.Equal(got, lines) {
			t.Errorf("told %q, want %q", got, lines)
		}
		store.written = nil
	}
	w.set(greeting, "availability", calm)
	w.set(greeting, "availability", outage, "1d/2h", "3d/6h")
	e.mustTick()
	want("am trigger warning", "pagerduty trigger warning")
	w.set(greeting, "availability", outage)
	e.mustTick()
	want("am trigger critical", "chat trigger critical", "pagerduty trigger critical")
	e.mustTick()
	want()
	e.mustTick() // six minutes on
	want("am trigger critical")
	w.set(greeting, "availability", calm, "1h/5m", "6h/30m")
	e.mustTick()
	want("am trigger warning", "chat resolve warning", "pagerduty trigger warning")
	w.set(greeting, "availability", calm)
	e.mustTick()
	want("am resolve warning", "pagerduty resolve warning")
}

// Who has acknowledged a page is not told that it became a ticket, and is told that a
// ticket became a page.
func TestAcknowledgedIsNotRepeated(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	e := w.evaluator(t, store)
	w.set(greeting, "availability", outage)
	e.mustTick()
	o := alerting.Objective{Function: greeting, SLO: "availability"}
	store.hands[o] = alerting.Hand{Objective: o, AckedAt: w.now, AckedBy: "ada"}
	w.set(greeting, "availability", calm, "1h/5m", "6h/30m")
	w.set(greeting, "availability", outage, "1d/2h", "3d/6h")
	e.mustTick()
	wantTold(t, store, "trigger growth/signup/greeting critical")
	w.set(greeting, "availability", outage)
	e.mustTick()
	wantTold(t, store, "trigger growth/signup/greeting critical", "trigger growth/signup/greeting critical")
}

// What comes and goes is told as one incident from its third time on.
func TestFlappingIsOneIncident(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	e := w.evaluator(t, store)
	for range 6 {
		w.set(greeting, "availability", outage)
		e.mustTick()
		w.set(greeting, "availability", calm)
		e.mustTick()
	}
	var want []string
	for range 2 {
		want = append(want, "trigger growth/signup/greeting critical", "resolve growth/signup/greeting critical")
	}
	wantTold(t, store, append(want, "trigger growth/signup/greeting critical")...)
	in := e.Incidents()
	if len(in) != 1 || !strings.Contains(in[0].Held(), "came and went") {
		t.Errorf("%+v", in)
	}
	e = w.evaluator(t, store) // a restart does not forget it
	e.mustTick()
	wantTold(t, store, append(want, "trigger growth/signup/greeting critical")...)
	for range 5 {
		e.mustTick()
	}
	wantTold(t, store, append(want, want[:2]...)...)
	if len(e.Incidents()) != 0 {
		t.Error("still open")
	}

	// A function that is deleted does not wait.
	for range 3 {
		w.set(greeting, "availability", outage)
		e.mustTick()
		w.set(greeting, "availability", calm)
		e.mustTick()
	}
	w.remove(greeting)
	e.mustTick()
	if len(e.Incidents()) != 0 {
		t.Error("the incident of a deleted function is open")
	}
}
