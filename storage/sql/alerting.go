package sql

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hadron/alerting"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// Alerting keeps the states of alerts, open incidents, and the outbox to the pager.
type Alerting struct{ db *DB }

var (
	_ alerting.Store  = (*Alerting)(nil)
	_ alerting.Outbox = (*Alerting)(nil)
)

// Alerting returns the store of alerts.
func (db *DB) Alerting() *Alerting { return &Alerting{db} }

type alertRow struct {
	Function   string `db:"function"`
	SLO        string `db:"slo"`
	SLOWindow  string `db:"slo_window"`
	Class      string `db:"class"`
	Window     string `db:"window"`
	State      string `db:"state"`
	ActiveAt   int64  `db:"active_at"`
	FiredAt    int64  `db:"fired_at"`
	ResolvedAt int64  `db:"resolved_at"`
	Why        string `db:"why"`
}

type incidentRow struct {
	Function   string `db:"function"`
	SLO        string `db:"slo"`
	DedupKey   string `db:"dedup_key"`
	RoutingKey string `db:"routing_key"`
	Class      string `db:"class"`
	Window     string `db:"window"`
	OpenedAt   int64  `db:"opened_at"`
	Told       string `db:"told"`
	CalmSince  int64  `db:"calm_since"`
}

type endedRow struct {
	ID       int64  `db:"id"`
	Function string `db:"function"`
	SLO      string `db:"slo"`
	DedupKey string `db:"dedup_key"`
	Class    string `db:"class"`
	Window   string `db:"window"`
	Told     string `db:"told"`
	OpenedAt int64  `db:"opened_at"`
	ClosedAt int64  `db:"closed_at"`
	Why      string `db:"why"`
	AckedBy  string `db:"acked_by"`
}

func (r endedRow) ended() alerting.Ended {
	return alerting.Ended{
		Incident: alerting.Incident{
			Objective: alerting.Objective{Function: function.Name(r.Function), SLO: r.SLO}, DedupKey: r.DedupKey,
			Class: slo.Class(r.Class), Window: r.Window, Told: r.Told, OpenedAt: fromMicros(r.OpenedAt),
		},
		ID: r.ID, ClosedAt: fromMicros(r.ClosedAt), Why: r.Why, AckedBy: r.AckedBy,
	}
}

// Load implements alerting.Store.
func (a *Alerting) Load(ctx context.Context, since time.Time) (alerting.Snapshot, error) {
	var (
		ended     []endedRow
		alerts    []alertRow
		incidents []incidentRow
	)
	err := a.db.read(ctx, func(tx tx) error {
		if err := tx.selectAll(&alerts, "SELECT * FROM alert_states"); err != nil {
			return err
		}
		if err := tx.selectAll(&ended, "SELECT * FROM incidents_ended WHERE closed_at > ? ORDER BY id", micros(since)); err != nil {
			return err
		}
		return tx.selectAll(&incidents, "SELECT * FROM incidents")
	})
	if err != nil {
		return alerting.Snapshot{}, err
	}
	snap := alerting.Snapshot{
		Alerts:    make(map[alerting.Key]alerting.Status, len(alerts)),
		Incidents: make(map[alerting.Objective]alerting.Incident, len(incidents)),
	}
	for _, row := range alerts {
		k := alerting.Key{
			Objective: alerting.Objective{Function: function.Name(row.Function), SLO: row.SLO},
			SLOWindow: row.SLOWindow, Class: slo.Class(row.Class), Window: row.Window,
		}
		snap.Alerts[k] = alerting.Status{
			State: alerting.State(row.State), ActiveAt: fromMicrosOrZero(row.ActiveAt),
			FiredAt: fromMicrosOrZero(row.FiredAt), ResolvedAt: fromMicrosOrZero(row.ResolvedAt), Why: row.Why,
		}
	}
	for _, row := range incidents {
		o := alerting.Objective{Function: function.Name(row.Function), SLO: row.SLO}
		snap.Incidents[o] = alerting.Incident{
			Objective: o, DedupKey: row.DedupKey, RoutingKey: row.RoutingKey, Class: slo.Class(row.Class), Window: row.Window,
			OpenedAt: fromMicros(row.OpenedAt), Told: row.Told, CalmSince: fromMicrosOrZero(row.CalmSince),
		}
	}
	for _, row := range ended {
		snap.Ended = append(snap.Ended, row.ended())
	}
	return snap, nil
}

// Commit implements alerting.Store.
func (a *Alerting) Commit(ctx context.Context, c alerting.Change) error {
	return a.db.write(ctx, func(tx tx) error {
		for k, s := range c.Alerts {
			if err := putAlert(tx, k, s); err != nil {
				return err
			}
		}
		for _, in := range c.Incidents {
			if err := putIncident(tx, in); err != nil {
				return err
			}
		}
		for _, m := range c.Messages {
			if err := insertMessage(tx, m); err != nil {
				return err
			}
		}
		for _, ended := range c.Closed {
			if err := closeIncident(tx, ended); err != nil {
				return err
			}
		}
		for _, dedup := range c.Withdrawn {
			if _, err := tx.exec("DELETE FROM outbox WHERE dedup_key = ? AND routing_key = '' AND dead_at = 0", dedup); err != nil {
				return fmt.Errorf("withdraw messages: %w", err)
			}
		}
		return nil
	})
}

func putAlert(tx tx, k alerting.Key, s alerting.Status) error {
	if s.State == alerting.Inactive {
		_, err := tx.exec("DELETE FROM alert_states WHERE function = ? AND slo = ? AND slo_window = ? AND class = ? AND window = ?",
			string(k.Function), k.SLO, k.SLOWindow, string(k.Class), k.Window)
		if err != nil {
			return fmt.Errorf("delete alert: %w", err)
		}
		return nil
	}
	_, err := tx.exec(`INSERT INTO alert_states (function, slo, slo_window, class, window, state, active_at, fired_at, resolved_at, why)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (function, slo, slo_window, class, window) DO UPDATE SET
			state = excluded.state, active_at = excluded.active_at, fired_at = excluded.fired_at,
			resolved_at = excluded.resolved_at, why = excluded.why`,
		string(k.Function), k.SLO, k.SLOWindow, string(k.Class), k.Window, string(s.State),
		microsOrZero(s.ActiveAt), microsOrZero(s.FiredAt), microsOrZero(s.ResolvedAt), s.Why)
	if err != nil {
		return fmt.Errorf("put alert: %w", err)
	}
	return nil
}

// putIncident keeps the routing key that the incident has: where it was triggered,
// it must end.
func putIncident(tx tx, in alerting.Incident) error {
	_, err := tx.exec(`INSERT INTO incidents (function, slo, dedup_key, routing_key, class, window, opened_at, told, calm_since)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (function, slo) DO UPDATE SET
			routing_key = CASE WHEN incidents.routing_key = '' THEN excluded.routing_key ELSE incidents.routing_key END,
			class = excluded.class, window = excluded.window, told = excluded.told, calm_since = excluded.calm_since`,
		string(in.Function), in.SLO, in.DedupKey, in.RoutingKey, string(in.Class), in.Window, micros(in.OpenedAt), in.Told, microsOrZero(in.CalmSince))
	if err != nil {
		return fmt.Errorf("put incident: %w", err)
	}
	if in.RoutingKey == "" {
		return nil
	}
	// What was written of it before there was a key goes the same way.
	_, err = tx.exec(`UPDATE outbox SET routing_key = (SELECT routing_key FROM incidents WHERE function = ? AND slo = ?)
		WHERE dedup_key = ? AND routing_key = '' AND dead_at = 0`, string(in.Function), in.SLO, in.DedupKey)
	if err != nil {
		return fmt.Errorf("route messages: %w", err)
	}
	return nil
}

// closeIncident moves an incident to those that are over.
func closeIncident(tx tx, e alerting.Ended) error {
	if _, err := tx.exec("DELETE FROM incidents WHERE function = ? AND slo = ?", string(e.Function), e.SLO); err != nil {
		return fmt.Errorf("delete incident: %w", err)
	}
	if e.SLO == alerting.Test {
		if _, err := tx.exec("DELETE FROM incident_hands WHERE dedup_key = ?", e.DedupKey); err != nil {
			return fmt.Errorf("delete hand: %w", err)
		}
		return nil // nothing was wrong: it is no history
	}
	_, err := tx.exec(`INSERT INTO incidents_ended (function, slo, dedup_key, class, window, told, opened_at, closed_at, why, acked_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, COALESCE((SELECT acked_by FROM incident_hands WHERE dedup_key = ?), ''))`,
		string(e.Function), e.SLO, e.DedupKey, string(e.Class), e.Window, e.Told, micros(e.OpenedAt), micros(e.ClosedAt), e.Why, e.DedupKey)
	if err == nil {
		_, err = tx.exec("DELETE FROM incident_hands WHERE dedup_key = ?", e.DedupKey)
	}
	if err == nil {
		_, err = tx.exec("DELETE FROM incidents_ended WHERE closed_at < ? OR id <= (SELECT MAX(id) FROM incidents_ended) - ?",
			micros(e.ClosedAt.Add(-alerting.MaxEndedAge)), alerting.MaxEnded)
	}
	if err != nil {
		return fmt.Errorf("keep ended incident: %w", err)
	}
	return nil
}

// insertMessage puts a message at the end of its lane. A trigger takes the place of
// the last one of the same incident, where that waits still: what it says is newer.
// What the lane was told to wait, it waits.
func insertMessage(tx tx, m alerting.Message) error {
	event, err := json.Marshal(m.Event)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	next, attempts := micros(m.Next), 0
	if m.Event.Action == alerting.Trigger {
		var last []messageRow
		if err := tx.selectAll(&last, "SELECT * FROM outbox WHERE target = ? AND dedup_key = ? AND dead_at = 0 ORDER BY id DESC LIMIT 1",
			m.Event.Target, m.Event.DedupKey); err != nil {
			return fmt.Errorf("look for an older message: %w", err)
		}
		if len(last) == 1 && isTrigger(last[0].Event) {
			next, attempts = max(next, last[0].NextAt), last[0].Attempts
			if _, err := tx.exec("DELETE FROM outbox WHERE id = ?", last[0].ID); err != nil {
				return fmt.Errorf("replace older message: %w", err)
			}
		}
	}
	routing := m.Event.RoutingKey
	if m.Event.Target == alerting.PagerDuty {
		routing = ""
	}
	_, err = tx.exec(`INSERT INTO outbox (function, target, dedup_key, routing_key, event, attempts, created_at, next_at)
		VALUES (?, ?, ?, COALESCE(NULLIF(?, ''), (SELECT routing_key FROM incidents WHERE dedup_key = ?), ''), ?, ?, ?, ?)`,
		string(m.Function), m.Event.Target, m.Event.DedupKey, routing, m.Event.DedupKey, string(event), attempts, micros(m.Created), next)
	if err != nil {
		return fmt.Errorf("insert message: %w", err)
	}
	return nil
}

func isTrigger(event string) bool {
	var e alerting.Event
	return json.Unmarshal([]byte(event), &e) == nil && e.Action == alerting.Trigger
}

// microsOrZero keeps the zero time apart from 1970.
func microsOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return micros(t)
}

func fromMicrosOrZero(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return fromMicros(us)
}
