package sql_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/collector/slo"
	"hadron/runtime/access"
	"hadron/runtime/tenant"
	"hadron/storage/sql/sqltest"
)

// A silence has an owner, a reason and an end over a restart, ends by its time or by
// somebody, once, and the log of changes has both.
func TestSilencesAreKept(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "hadron.db")
	db := sqltest.MustOpenAt(t, path)
	hour := func(n int) time.Time { return alertsAt.Add(time.Duration(n) * time.Hour) }
	add := func(scope string, from, to int) alerting.Silence {
		t.Helper()
		s, err := db.Alerting().AddSilence(ctx, alerting.Silence{
			Scope: scope, SLO: "availability", Class: slo.Page, Kind: alerting.MaintenanceKind, Starts: hour(from), Ends: hour(to),
			Owner: "ada", Reason: "moving " + scope, Created: alertsAt,
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	long, short := add("a/b/c", 0, 5), add("a", 1, 2)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = sqltest.MustOpenAt(t, path)
	s := db.Alerting()
	list, err := s.Silences(ctx, alertsAt, false)
	if err != nil || len(list) != 2 || list[0] != short || list[1] != long {
		t.Fatalf("%+v, %v", list, err)
	}
	if list, err := s.Silences(ctx, hour(2), false); err != nil || len(list) != 1 || list[0] != long {
		t.Errorf("after the first is over: %+v, %v", list, err)
	}
	for range 2 { // the second finds it over
		if got, err := s.EndSilence(ctx, long.ID, "bea", hour(3)); err != nil || got.EndedBy != "bea" || !got.EndedAt.Equal(hour(3)) || got.Reason != long.Reason {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if got, err := s.EndSilence(ctx, short.ID, "bea", hour(3)); err != nil || got.EndedBy != "" {
		t.Errorf("one that ended by its time: %+v, %v", got, err)
	}
	if _, err := s.EndSilence(ctx, 77, "bea", hour(3)); !errors.Is(err, alerting.ErrNoSilence) {
		t.Error(err)
	}
	if list, err := s.Silences(ctx, hour(3), false); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := s.Silences(ctx, hour(3), true); err != nil || len(list) != 2 {
		t.Errorf("with those that are over: %+v, %v", list, err)
	}
	changes, err := db.Audit().Changes(ctx, []access.Scope{access.Everything}, tenant.ChangeFilter{Limit: 10})
	if err != nil || len(changes) != 3 || changes[0].Kind != alerting.KindSilenceEnded || changes[0].By != "bea" || changes[0].Scope != "a/b" ||
		changes[2].Kind != alerting.KindSilenceAdded || changes[2].By != "ada" || changes[2].Message != long.Reason {
		t.Errorf("%+v, %v", changes, err)
	}
}

// There are only so many silences at a time; those that are over make room.
func TestSilencesAreBounded(t *testing.T) {
	ctx, db := t.Context(), sqltest.MustOpen(t)
	if err := db.Exec(ctx, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO silences (scope, slo, class, kind, starts_at, ends_at, owner, reason, created_at) SELECT 'a', '', '', 'silence', 0, ?, 'ada', 'x', 0 FROM n`,
		alerting.MaxSilences, alertsAt.Add(time.Hour).UnixMicro()); err != nil {
		t.Fatal(err)
	}
	one := alerting.Silence{Scope: "a", Kind: alerting.SilenceKind, Starts: alertsAt, Ends: alertsAt.Add(3 * time.Hour), Owner: "ada", Reason: "x", Created: alertsAt}
	if _, err := db.Alerting().AddSilence(ctx, one); !errors.Is(err, alerting.ErrSilence) {
		t.Errorf("%v", err)
	}
	one.Created = alertsAt.Add(2 * time.Hour)
	if _, err := db.Alerting().AddSilence(ctx, one); err != nil {
		t.Errorf("%v", err)
	}
}

// What people did about an incident is there after a restart, is bounded, tells others in
// the same transaction, and ends with the incident, which remembers who had it.
func TestHandsEndWithTheirIncident(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "hadron.db")
	db := sqltest.MustOpenAt(t, path)
	in := incident(objective, "r1")
	commit(t, db.Alerting(), alerting.Change{Incidents: []alerting.Incident{in}})
	for i := range alerting.MaxNotes + 10 {
		found, err := db.Alerting().Handle(ctx, in.DedupKey, func(h *alerting.Hand) []alerting.Message {
			if !h.Opened.Equal(in.OpenedAt) || h.Objective != objective {
				t.Errorf("%+v", h)
			}
			h.AckedAt, h.AckedBy, h.Via, h.PagerID = alertsAt, "ada", "hadron", "PINC"
			h.Notes = append(h.Notes, alerting.Note{At: alertsAt, By: "ada", Text: fmt.Sprint(i)})
			if i > 0 {
				return nil
			}
			return []alerting.Message{message(objective, alerting.Acknowledge)}
		})
		if err != nil || !found {
			t.Fatal(found, err)
		}
	}
	if found, err := db.Alerting().Handle(ctx, "nobody's", func(*alerting.Hand) []alerting.Message { t.Error("asked"); return nil }); err != nil || found {
		t.Error(found, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = sqltest.MustOpenAt(t, path)
	s := db.Alerting()
	hands, err := s.Hands(ctx)
	h := hands[objective]
	if err != nil || h.AckedBy != "ada" || !h.AckedAt.Equal(alertsAt) || len(h.Notes) != alerting.MaxNotes || h.Notes[alerting.MaxNotes-1].Text != fmt.Sprint(alerting.MaxNotes+9) {
		t.Errorf("%+v, %v", h, err)
	}
	if key, err := s.Key(ctx, "PINC"); err != nil || key != in.DedupKey {
		t.Errorf("%q, %v", key, err)
	}
	if heads, _, err := s.Heads(ctx, alertsAt, 10); err != nil || len(heads) != 1 || heads[0].Event.Action != alerting.Acknowledge || heads[0].Event.RoutingKey != "r1" {
		t.Errorf("%+v, %v", heads, err)
	}
	commit(t, s, alerting.Change{Closed: ended(objective)})
	over, err := s.Ended(ctx, "a/b", 0, 10)
	if err != nil || len(over) != 1 || over[0].AckedBy != "ada" || over[0].Why != "mended" {
		t.Errorf("%+v, %v", over, err)
	}
	if hands, err := s.Hands(ctx); err != nil || len(hands) != 0 {
		t.Errorf("%+v, %v", hands, err)
	}
	if key, err := s.Key(ctx, "PINC"); err != nil || key != "" {
		t.Errorf("%q, %v", key, err)
	}
	// The next one of the same objective is nobody's.
	commit(t, s, alerting.Change{Incidents: []alerting.Incident{in}})
	if hands, err := s.Hands(ctx); err != nil || !hands[objective].AckedAt.IsZero() {
		t.Errorf("%+v, %v", hands, err)
	}
}
