package alerting_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"hadron/alerting"
)

// The watchdog is written while evaluation goes well, at its pace and no other, and never
// where a part of an evaluation fails or cannot be stored.
func TestWatchdogSaysThatEvaluationGoesWell(t *testing.T) {
	w, store := newWorld(greeting), newMemory()
	e := silenced(t, w, store, &[]alerting.Silence{{Starts: w.now, Ends: w.now.Add(time.Hour), Owner: "ada", Reason: "everything"}},
		alerting.Target{Name: "snitch", Watchdog: time.Minute, Only: true}, alerting.Target{Name: "am"})
	beats := func() (n int) {
		for _, m := range store.written {
			if m.Event.Watchdog && m.Event.Target == "snitch" {
				n++
			}
		}
		return n
	}
	for range 8 { // two minutes
		e.tick(interval)
	}
	if beats() != 2 || len(store.written) != 2 || len(store.messages) != 1 {
		t.Fatalf("%d in two minutes, %d wait: %+v", beats(), len(store.messages), store.written)
	}
	w.queryErr = errors.New("no store of series")
	for range 8 {
		e.tick(interval)
	}
	w.queryErr = nil
	store.fail = func(op string) (bool, bool) { return op == "commit", false }
	for range 8 {
		e.tick(interval)
	}
	if beats() != 2 {
		t.Errorf("%d although nothing went well", beats())
	}
	store.fail = nil
	e.tick(interval)
	if beats() != 3 {
		t.Errorf("%d after all went well again", beats())
	}
	w.set(greeting, "availability", outage)
	e.tick(interval)
	if len(e.Incidents()) == 0 {
		t.Error("no incident")
	}
	for _, m := range store.written {
		if m.Event.Target == "snitch" && !m.Event.Watchdog {
			t.Errorf("a heartbeat hears of an incident: %+v", m)
		}
	}
}

// A target that refuses it is asked again and again, without dead letters; one that comes
// back late does not hear what was true long ago.
func TestWatchdogIsFreshAndLeavesNoDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, p := newMemory(), newPager()
		refuse := true
		p.answer = func(alerting.Event) (bool, error) {
			if refuse {
				return false, &alerting.FinalError{Err: errors.New("404")}
			}
			return true, nil
		}
		tell := func() {
			now := time.Now()
			if err := m.Commit(t.Context(), alerting.Change{Messages: []alerting.Message{{Created: now, Next: now, Event: alerting.Event{
				Action: alerting.Trigger, Watchdog: true, Target: "snitch", RoutingKey: "snitch", DedupKey: "watchdog",
				Until: now.Add(3 * time.Minute).UTC().Format(time.RFC3339Nano),
			}}}}); err != nil {
				t.Fatal(err)
			}
		}
		d := deliverer(t, m, p, nil)
		during(t, d, func() {
			for range 5 {
				tell()
				time.Sleep(time.Minute)
			}
			if waiting, dead, _ := m.Depth(t.Context()); dead != 0 || waiting != 1 {
				t.Errorf("%d dead, %d wait", dead, waiting)
			}
			time.Sleep(time.Hour) // evaluation stands still
			p.mu.Lock()
			refuse = false
			p.mu.Unlock()
			time.Sleep(time.Hour)
			if waiting, _, _ := m.Depth(t.Context()); len(p.received()) != 0 || waiting != 0 {
				t.Errorf("old news: %+v, %d wait", p.received(), waiting)
			}
			tell()
			time.Sleep(time.Minute)
			if len(p.received()) != 1 {
				t.Errorf("%+v", p.received())
			}
		})
	})
}
