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
}

type incidentRow struct {
	Function   string `db:"function"`
	SLO        string `db:"slo"`
	DedupKey   string `db:"dedup_key"`
	RoutingKey string `db:"routing_key"`
	Class      string `db:"class"`
	Window     string `db:"window"`
	OpenedAt   int64  `db:"opened_at"`
	Notified   bool   `db:"notified"`
}

// Load implements alerting.Store.
func (a *Alerting) Load(ctx context.Context) (alerting.Snapshot, error) {
	var (
		alerts    []alertRow
		incidents []incidentRow
	)
	err := a.db.read(ctx, func(tx tx) error {
		if err := tx.selectAll(&alerts, "SELECT * FROM alert_states"); err != nil {
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
			FiredAt: fromMicrosOrZero(row.FiredAt), ResolvedAt: fromMicrosOrZero(row.ResolvedAt),
		}
	}
	for _, row := range incidents {
		o := alerting.Objective{Function: function.Name(row.Function), SLO: row.SLO}
		snap.Incidents[o] = alerting.Incident{
			Objective: o, DedupKey: row.DedupKey, RoutingKey: row.RoutingKey, Class: slo.Class(row.Class), Window: row.Window,
			OpenedAt: fromMicros(row.OpenedAt), Notified: row.Notified,
		}
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
		for _, o := range c.Closed {
			if _, err := tx.exec("DELETE FROM incidents WHERE function = ? AND slo = ?", string(o.Function), o.SLO); err != nil {
				return fmt.Errorf("delete incident: %w", err)
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
	_, err := tx.exec(`INSERT INTO alert_states (function, slo, slo_window, class, window, state, active_at, fired_at, resolved_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (function, slo, slo_window, class, window) DO UPDATE SET
			state = excluded.state, active_at = excluded.active_at, fired_at = excluded.fired_at, resolved_at = excluded.resolved_at`,
		string(k.Function), k.SLO, k.SLOWindow, string(k.Class), k.Window, string(s.State),
		microsOrZero(s.ActiveAt), microsOrZero(s.FiredAt), microsOrZero(s.ResolvedAt))
	if err != nil {
		return fmt.Errorf("put alert: %w", err)
	}
	return nil
}

// putIncident keeps the routing key that the incident has: where it was triggered,
// it must end.
func putIncident(tx tx, in alerting.Incident) error {
	_, err := tx.exec(`INSERT INTO incidents (function, slo, dedup_key, routing_key, class, window, opened_at, notified)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (function, slo) DO UPDATE SET
			routing_key = CASE WHEN incidents.routing_key = '' THEN excluded.routing_key ELSE incidents.routing_key END,
			class = excluded.class, window = excluded.window, notified = excluded.notified`,
		string(in.Function), in.SLO, in.DedupKey, in.RoutingKey, string(in.Class), in.Window, micros(in.OpenedAt), in.Notified)
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

func insertMessage(tx tx, m alerting.Message) error {
	event, err := json.Marshal(m.Event)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	_, err = tx.exec(`INSERT INTO outbox (function, dedup_key, routing_key, event, created_at, next_at)
		VALUES (?, ?, COALESCE((SELECT routing_key FROM incidents WHERE dedup_key = ?), ''), ?, ?, ?)`,
		string(m.Function), m.Event.DedupKey, m.Event.DedupKey, string(event), micros(m.Created), micros(m.Next))
	if err != nil {
		return fmt.Errorf("insert message: %w", err)
	}
	return nil
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
