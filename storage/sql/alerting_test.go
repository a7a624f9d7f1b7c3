package sql_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/slo"
	"hadron/storage/sql"
	"hadron/storage/sql/sqltest"
)

var (
	alertsAt  = time.Date(2026, 11, 22, 14, 5, 0, 123000, time.UTC)
	objective = alerting.Objective{Function: "a/b/c", SLO: "availability"}
	alertKey  = alerting.Key{Objective: objective, SLOWindow: "30d", Class: slo.Page, Window: "1h/5m"}
)

func incident(o alerting.Objective, routing string) alerting.Incident {
	return alerting.Incident{
		Objective: o, DedupKey: alerting.DedupKey("test", o), RoutingKey: routing, Class: slo.Page, Window: "1h/5m",
		OpenedAt: alertsAt, Told: alerting.PagerDuty,
	}
}

func message(o alerting.Objective, action alerting.Action) alerting.Message {
	return alerting.Message{
		Function: o.Function, Created: alertsAt, Next: alertsAt,
		Event: alerting.Event{
			Target: alerting.PagerDuty, Action: action, DedupKey: alerting.DedupKey("test", o), Summary: "c is failing", Severity: "critical", Source: "hadron",
			Details: []alerting.Field{{Name: "undo", Value: "hadron rollback a/b/c --to 6"}}, Links: []alerting.Link{{Href: "http://h/", Text: "Live"}},
		},
	}
}

func ended(objectives ...alerting.Objective) (out []alerting.Ended) {
	for _, o := range objectives {
		out = append(out, alerting.Ended{Incident: incident(o, ""), ClosedAt: alertsAt, Why: "mended"})
	}
	return out
}

func commit(t *testing.T, s *sql.Alerting, c alerting.Change) {
	t.Helper()
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func TestAlertsRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hadron.db")
	db := sqltest.MustOpenAt(t, path)
	firing := alerting.Status{State: alerting.Firing, ActiveAt: alertsAt.Add(-time.Minute), FiredAt: alertsAt, Why: "it burns"}
	commit(t, db.Alerting(), alerting.Change{
		Alerts:    map[alerting.Key]alerting.Status{alertKey: firing},
		Incidents: []alerting.Incident{incident(objective, "r1")}, Messages: []alerting.Message{message(objective, alerting.Trigger)},
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := sqltest.MustOpenAt(t, path).Alerting()
	want := alerting.Snapshot{
		Alerts:    map[alerting.Key]alerting.Status{alertKey: firing},
		Incidents: map[alerting.Objective]alerting.Incident{objective: incident(objective, "r1")},
	}
	if got, err := s.Load(t.Context(), alertsAt); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	heads, next, err := s.Heads(t.Context(), alertsAt, 10)
	wantEvent := message(objective, alerting.Trigger).Event
	wantEvent.RoutingKey = "r1"
	if err != nil || len(heads) != 1 || !next.IsZero() || !reflect.DeepEqual(heads[0].Event, wantEvent) {
		t.Errorf("%+v %v %v", heads, next, err)
	}

	// A key that was rotated since does not move the incident.
	commit(t, s, alerting.Change{Incidents: []alerting.Incident{incident(objective, "r2")}})
	commit(t, s, alerting.Change{
		Alerts:   map[alerting.Key]alerting.Status{alertKey: {State: alerting.Inactive}},
		Messages: []alerting.Message{message(objective, alerting.Resolve)}, Closed: ended(objective),
	})
	if err := s.Delivered(t.Context(), heads[0].ID); err != nil {
		t.Fatal(err)
	}
	if heads, _, err = s.Heads(t.Context(), alertsAt, 10); err != nil || len(heads) != 1 || heads[0].Event.Action != alerting.Resolve || heads[0].Event.RoutingKey != "r1" {
		t.Errorf("%+v, %v", heads, err)
	}
	if got, err := s.Load(t.Context(), alertsAt); err != nil || len(got.Alerts)+len(got.Incidents) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAlertCommitIsAllOrNothing(t *testing.T) {
	db := sqltest.MustOpen(t)
	s := db.Alerting()
	if err := db.Exec(t.Context(), "CREATE TRIGGER full BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no room'); END"); err != nil {
		t.Fatal(err)
	}
	c := alerting.Change{
		Alerts:    map[alerting.Key]alerting.Status{alertKey: {State: alerting.Firing, ActiveAt: alertsAt, FiredAt: alertsAt}},
		Incidents: []alerting.Incident{incident(objective, "r1")}, Messages: []alerting.Message{message(objective, alerting.Trigger)},
	}
	if err := s.Commit(t.Context(), c); err == nil {
		t.Fatal("stored without its message")
	}
	if got, err := s.Load(t.Context(), alertsAt); err != nil || len(got.Alerts)+len(got.Incidents) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Commit(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Lanes keep their order, wait for their head alone, and do not hold up others.
func TestOutboxLanes(t *testing.T) {
	ctx, s := t.Context(), sqltest.MustOpen(t).Alerting()
	other := alerting.Objective{Function: "a/b/other", SLO: "availability"}
	commit(t, s, alerting.Change{
		Incidents: []alerting.Incident{incident(objective, "r1"), incident(other, "r2")},
		Messages: []alerting.Message{
			message(objective, alerting.Trigger), message(objective, alerting.Resolve), message(other, alerting.Trigger), message(objective, alerting.Trigger),
		},
	})
	ids := func(now time.Time) (out []int64, next time.Time) {
		heads, next, err := s.Heads(ctx, now, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range heads {
			out = append(out, m.ID)
		}
		return out, next
	}
	want := func(now time.Time, due time.Time, ids_ ...int64) {
		t.Helper()
		if got, next := ids(now); fmt.Sprint(got) != fmt.Sprint(ids_) || !next.Equal(due) {
			t.Errorf("%v due %v, want %v due %v", got, next, ids_, due)
		}
	}
	want(alertsAt, time.Time{}, 1, 3)
	later := alertsAt.Add(time.Minute)
	if err := s.Postpone(ctx, 1, 1, later, "away"); err != nil {
		t.Fatal(err)
	}
	want(alertsAt, later, 3)
	want(later, time.Time{}, 1, 3)
	if err := s.Bury(ctx, 1, later, "refused"); err != nil {
		t.Fatal(err)
	}
	want(alertsAt, time.Time{}, 2, 3)
	dead, err := s.Dead(ctx, 10)
	if err != nil || len(dead) != 1 || dead[0].Reason != "refused" || !dead[0].Next.Equal(later) || dead[0].Attempts != 1 {
		t.Errorf("%+v, %v", dead, err)
	}
	if waiting, buried, err := s.Depth(ctx); err != nil || waiting != 3 || buried != 1 {
		t.Errorf("%d waiting, %d dead, %v", waiting, buried, err)
	}
}

// Messages without a key wait, are bound together, and a resolve follows its trigger.
func TestOutboxBinds(t *testing.T) {
	ctx, s := t.Context(), sqltest.MustOpen(t).Alerting()
	slow := alerting.Objective{Function: objective.Function, SLO: "latency-p99"}
	commit(t, s, alerting.Change{
		Incidents: []alerting.Incident{incident(objective, ""), incident(slow, "")},
		Messages:  []alerting.Message{message(objective, alerting.Trigger), message(slow, alerting.Trigger)},
	})
	commit(t, s, alerting.Change{Messages: []alerting.Message{message(slow, alerting.Resolve)}, Closed: ended(slow)})
	if heads, _, err := s.Heads(ctx, alertsAt, 10); err != nil || len(heads) != 0 {
		t.Errorf("%+v, %v", heads, err)
	}
	if w, err := s.Waiting(ctx, 10); err != nil || len(w) != 1 || w[0].ID != 1 || w[0].Function != objective.Function {
		t.Errorf("%+v, %v", w, err)
	}
	if err := s.Bind(ctx, objective.Function, "r1"); err != nil {
		t.Fatal(err)
	}
	commit(t, s, alerting.Change{Messages: []alerting.Message{message(objective, alerting.Resolve)}, Closed: ended(objective)})
	for id := int64(1); id <= 4; id++ {
		heads, _, err := s.Heads(ctx, alertsAt, 10)
		if err != nil || len(heads) != 1 || heads[0].ID != id || heads[0].Event.RoutingKey != "r1" {
			t.Fatalf("%+v, %v", heads, err)
		}
		if err := s.Delivered(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	if w, err := s.Waiting(ctx, 10); err != nil || len(w) != 0 {
		t.Errorf("%+v, %v", w, err)
	}

	// What never had a key can be withdrawn; what has one cannot.
	commit(t, s, alerting.Change{
		Incidents: []alerting.Incident{incident(objective, ""), incident(slow, "r1")},
		Messages:  []alerting.Message{message(objective, alerting.Trigger), message(slow, alerting.Trigger)},
	})
	commit(t, s, alerting.Change{
		Messages: []alerting.Message{message(objective, alerting.Resolve), message(slow, alerting.Resolve)},
		Closed:   ended(objective, slow), Withdrawn: []string{alerting.DedupKey("test", objective), alerting.DedupKey("test", slow)},
	})
	if waiting, _, err := s.Depth(ctx); err != nil || waiting != 2 {
		t.Errorf("%d, %v", waiting, err)
	}
	if w, err := s.Waiting(ctx, 10); err != nil || len(w) != 0 {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestDeadLettersAreBounded(t *testing.T) {
	ctx, db := t.Context(), sqltest.MustOpen(t)
	err := db.Exec(ctx, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO outbox (function, dedup_key, routing_key, event, created_at, next_at, dead_at) SELECT 'a/b/c', 'd', 'r', '{}', i, i, i FROM n`, alerting.MaxDead+5)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Alerting().Bury(ctx, 1, alertsAt, "last"); err != nil {
		t.Fatal(err)
	}
	dead, err := db.Alerting().Dead(ctx, 2)
	if err != nil || len(dead) != 2 || dead[0].ID != 1 || dead[1].ID != alerting.MaxDead+5 {
		t.Errorf("%+v, %v", dead, err)
	}
	if _, n, err := db.Alerting().Depth(ctx); err != nil || n != alerting.MaxDead {
		t.Errorf("%d dead letters, %v", n, err)
	}
}
