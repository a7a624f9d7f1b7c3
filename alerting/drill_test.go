package alerting_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hadron/alerting"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// drilled is an evaluator and a deliverer that take drills, over one clock.
type drilled struct {
	*ticking
	drills *alerting.Drills
	store  *memory
	pager  *pager
}

func newDrilled(t *testing.T, targets ...alerting.Target) *drilled {
	t.Helper()
	d := &drilled{store: newMemory(), pager: newPager()}
	w := newWorld(greeting)
	w.now = time.Now()
	cfg := w.config(d.store)
	d.drills = alerting.NewDrills(nil)
	cfg.Targets, cfg.Drills = targets, d.drills
	e, err := alerting.New(cfg)
	if err == nil {
		err = e.Load(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	d.ticking = &ticking{e, t, w}
	deliver := deliverer(t, d.store, d.pager, func(c *alerting.DelivererConfig) { c.Routing, c.Observe = w.routing, d.drills.Observe })
	if err := deliver.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = deliver.Stop(t.Context()) })
	return d
}

// pass lets time go by, evaluates, and lets the outbox be emptied.
func (d *drilled) pass(by time.Duration) {
	d.tb.Helper()
	time.Sleep(by)
	d.w.mu.Lock()
	d.w.now = time.Now()
	d.w.mu.Unlock()
	if problem := d.tick(0); problem != "" {
		d.tb.Fatal(problem)
	}
	time.Sleep(10 * time.Second)
	synctest.Wait()
}

func (d *drilled) last() alerting.Drill {
	d.tb.Helper()
	one, err := d.drills.Last(greeting)
	if err != nil {
		d.tb.Fatal(err)
	}
	return one
}

func TestDrillGoesTheWholeWayAndLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDrilled(t, alerting.Target{Name: "room"}, alerting.Target{Name: "others", Teams: []string{"elsewhere"}})
		if _, err := d.drills.Last(greeting); !errors.Is(err, alerting.ErrNoDrill) {
			t.Fatal(err)
		}
		asked, err := d.drills.Begin(greeting, slo.Page, "ada")
		if err != nil || asked.State(time.Now()) != alerting.DrillWaiting {
			t.Fatal(asked, err)
		}
		d.pass(15 * time.Second)
		status := d.Status()
		if status.Firing != 0 || status.Open != 0 || len(d.w.appended) != 0 {
			t.Errorf("it counts: %+v, %v", status, d.w.appended)
		}
		alerts := d.Alerts(alerting.Filter{})
		if len(alerts) != 1 || alerts[0].Name() != "AlertTest" || !strings.Contains(alerts[0].Reason, "TEST: ada") {
			t.Fatalf("%+v", alerts)
		}
		d.pass(15 * time.Second)
		one := d.last()
		if one.State(time.Now()) != alerting.DrillPassed || len(one.Targets) != 2 || one.EvaluatedAt.Before(one.AskedAt) || one.StoredAt.Before(one.EvaluatedAt) {
			t.Fatalf("%+v", one)
		}
		for _, to := range one.Targets {
			if to.Attempts != 1 || to.AcceptedAt.IsZero() || to.ResolvedAt.Before(one.EndedAt) {
				t.Errorf("%+v", to)
			}
		}
		if got := d.pager.received(); len(got) != 4 || !got[0].Test || !strings.HasPrefix(got[0].Summary, "TEST") || got[0].Severity != "critical" {
			t.Fatalf("%+v", got)
		}
		if len(d.store.alerts)+len(d.store.incidents)+len(d.store.ended)+len(d.store.messages) != 0 || len(d.Alerts(alerting.Filter{})) != 0 {
			t.Errorf("left behind: %+v", d.store)
		}
	})
}

// One that comes and goes is not held open, however often; and not more often than allowed.
func TestDrillsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDrilled(t)
		for range 4 {
			if _, err := d.drills.Begin(greeting, slo.Ticket, "ada"); err != nil {
				t.Fatal(err)
			}
			var wait *alerting.DrillWaitError
			if _, err := d.drills.Begin(greeting, slo.Ticket, "bob"); !errors.As(err, &wait) || wait.After > time.Minute {
				t.Fatalf("%v", err)
			}
			d.pass(15 * time.Second)
			d.pass(15 * time.Second)
			if state := d.last().State(time.Now()); state != alerting.DrillPassed {
				t.Fatalf("%s: %+v", state, d.last())
			}
			time.Sleep(time.Minute)
		}
		var wait *alerting.DrillWaitError
		for i := range 11 {
			_, err := d.drills.Begin(function.Name(fmt.Sprintf("a/b/f%d", i)), slo.Page, "ada")
			if errors.As(err, &wait); err != nil && wait == nil {
				t.Fatal(err)
			}
		}
		if wait == nil {
			t.Error("eleven within a minute")
		}
	})
}

// A target that refuses, one that hangs, and a silence: the report says so, and the test
// is over all the same.
func TestDrillThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDrilled(t, alerting.Target{Name: "down"})
		d.pager.answer = func(e alerting.Event) (bool, error) {
			if e.Target == "down" && e.Action == alerting.Trigger {
				return false, errors.New("503")
			}
			if e.Target == alerting.PagerDuty {
				return false, &alerting.FinalError{Err: errors.New("400: no such key")}
			}
			return true, nil
		}
		if _, err := d.drills.Begin(greeting, slo.Page, "ada"); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			d.pass(15 * time.Second)
		}
		if one := d.last(); one.State(time.Now()) != alerting.DrillSending || one.Targets[0].Error == "" {
			t.Fatalf("%+v", one)
		}
		for range 20 {
			d.pass(time.Minute)
		}
		one := d.last()
		for _, to := range one.Targets {
			refused := to.Name == alerting.PagerDuty
			if to.Refused != refused || !to.AcceptedAt.IsZero() || !refused && (to.Attempts < 5 || !strings.Contains(to.Error, "503")) {
				t.Errorf("%+v", to)
			}
		}
		if one.State(time.Now()) != alerting.DrillFailed || len(d.store.messages) != 0 || len(d.store.incidents) != 0 {
			t.Errorf("%+v", one)
		}
		for _, e := range d.pager.received() {
			if e.Action == alerting.Trigger {
				t.Errorf("a test arrived long after it was asked for: %+v", e)
			}
		}
	})
}

// The process ends in the middle: what was told is told to be over, by the next evaluation.
func TestDrillOfBeforeTheStartEnds(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	cfg := w.config(store)
	cfg.Drills = alerting.NewDrills(cfg.Now)
	e, err := alerting.New(cfg)
	if err == nil {
		err = e.Load(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Drills.Begin(greeting, slo.Page, "ada"); err != nil {
		t.Fatal(err)
	}
	(&ticking{e, t, w}).tick(interval)
	wantTold(t, store, "trigger growth/signup/greeting critical")
	w.evaluator(t, store).tick(interval)
	wantTold(t, store, "trigger growth/signup/greeting critical", "resolve growth/signup/greeting critical")
	if len(store.alerts)+len(store.incidents) != 0 {
		t.Errorf("%+v", store)
	}
}
