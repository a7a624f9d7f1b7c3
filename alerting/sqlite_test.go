package alerting_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/storage/sql/sqltest"
)

// The whole way over the real store: an outage, a restart in the middle, a routing
// key that comes late and is rotated, and the end of the function.
func TestOverARealDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hadron.db")
	w := newWorld(greeting)
	delete(w.keys, greeting)
	w.now = time.Now()
	w.set(greeting, "availability", outage)

	db := sqltest.MustOpenAt(t, path)
	w.evaluator(t, db.Alerting()).mustTick()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	s := sqltest.MustOpenAt(t, path).Alerting()
	e := w.evaluator(t, s)
	e.mustTick()
	got := make(chan alerting.Event, 10)
	d, err := alerting.NewDeliverer(alerting.DelivererConfig{
		Outbox: s, Routing: w.routing, Poll: 10 * time.Millisecond,
		Now: func() time.Time { return time.Now().Add(time.Hour) },
		Send: func(_ context.Context, e alerting.Event) error {
			got <- e
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.keys[greeting] = "first"
	w.mu.Unlock()
	d.Wake()
	trigger := <-got
	w.mu.Lock()
	w.keys[greeting] = "rotated"
	w.mu.Unlock()
	w.remove(greeting)
	e.mustTick()
	d.Wake()
	resolve := <-got
	if err := d.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if trigger.Action != alerting.Trigger || resolve.Action != alerting.Resolve || trigger.RoutingKey != "first" ||
		resolve.RoutingKey != "first" || trigger.DedupKey != resolve.DedupKey {
		t.Errorf("%+v\n%+v", trigger, resolve)
	}
	if waiting, dead, err := s.Depth(t.Context()); err != nil || waiting > 1 || dead != 0 {
		t.Errorf("%d wait, %d are dead, %v", waiting, dead, err)
	}
	if snap, err := s.Load(t.Context(), w.now); err != nil || len(snap.Alerts)+len(snap.Incidents) != 0 {
		t.Errorf("%+v, %v", snap, err)
	}
}
