package sql

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hadron/alerting"
	"hadron/collector/slo"
	"hadron/runtime/access"
	"hadron/runtime/function"
)

type handRow struct {
	DedupKey string `db:"dedup_key"`
	Function string `db:"function"`
	SLO      string `db:"slo"`
	AckedAt  int64  `db:"acked_at"`
	AckedBy  string `db:"acked_by"`
	Via      string `db:"via"`
	Assignee string `db:"assignee"`
	PagerID  string `db:"pager_id"`
	PagerURL string `db:"pager_url"`
	Notes    string `db:"notes"`
}

func (r handRow) hand() alerting.Hand {
	h := alerting.Hand{
		Objective: alerting.Objective{Function: function.Name(r.Function), SLO: r.SLO},
		AckedAt:   fromMicrosOrZero(r.AckedAt), AckedBy: r.AckedBy, Via: r.Via, Assignee: r.Assignee, PagerID: r.PagerID, PagerURL: r.PagerURL,
	}
	if err := json.Unmarshal([]byte(r.Notes), &h.Notes); err != nil {
		h.Notes = nil
	}
	return h
}

// Hands implements alerting.Store.
func (a *Alerting) Hands(ctx context.Context) (map[alerting.Objective]alerting.Hand, error) {
	var rows []handRow
	if err := a.db.reader.SelectContext(ctx, &rows, "SELECT * FROM incident_hands"); err != nil {
		return nil, fmt.Errorf("read acknowledgements: %w", translate(err))
	}
	out := make(map[alerting.Objective]alerting.Hand, len(rows))
	for _, row := range rows {
		h := row.hand()
		out[h.Objective] = h
	}
	return out, nil
}

// Handle changes what people did about the open incident with that dedup key, and writes
// the message that follows, in one transaction; found is false where none is open.
func (a *Alerting) Handle(ctx context.Context, dedupKey string, change func(*alerting.Hand) []alerting.Message) (found bool, err error) {
	err = a.db.write(ctx, func(tx tx) error {
		var open []incidentRow
		if err := tx.selectAll(&open, "SELECT * FROM incidents WHERE dedup_key = ?", dedupKey); err != nil {
			return err
		}
		if len(open) == 0 {
			return nil
		}
		found = true
		var rows []handRow
		if err := tx.selectAll(&rows, "SELECT * FROM incident_hands WHERE dedup_key = ?", dedupKey); err != nil {
			return err
		}
		h := alerting.Hand{Objective: alerting.Objective{Function: function.Name(open[0].Function), SLO: open[0].SLO}}
		if len(rows) == 1 {
			h = rows[0].hand()
		}
		h.Opened = fromMicros(open[0].OpenedAt)
		messages := change(&h)
		if n := len(h.Notes) - alerting.MaxNotes; n > 0 {
			h.Notes = h.Notes[n:]
		}
		notes, err := json.Marshal(h.Notes)
		if err != nil {
			return fmt.Errorf("encode notes: %w", err)
		}
		if _, err := tx.exec(`INSERT INTO incident_hands (dedup_key, function, slo, acked_at, acked_by, via, assignee, pager_id, pager_url, notes)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (dedup_key) DO UPDATE SET acked_at = excluded.acked_at, acked_by = excluded.acked_by, via = excluded.via,
				assignee = excluded.assignee, pager_id = excluded.pager_id, pager_url = excluded.pager_url, notes = excluded.notes`,
			dedupKey, open[0].Function, open[0].SLO, microsOrZero(h.AckedAt), h.AckedBy, h.Via, h.Assignee, h.PagerID, h.PagerURL, string(notes)); err != nil {
			return fmt.Errorf("put acknowledgement: %w", err)
		}
		for _, m := range messages {
			if err := insertMessage(tx, m); err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

// Ended lists incidents that are over, newest first: of a scope (a team, team/project or
// function; empty: of all), older than before where that is not 0.
func (a *Alerting) Ended(ctx context.Context, scope string, before int64, limit int) ([]alerting.Ended, error) {
	var rows []endedRow
	query, args := "SELECT * FROM incidents_ended WHERE (? = 0 OR id < ?)", []any{before, before}
	if scope != "" {
		query += " AND (function = ? OR function >= ? AND function < ?)"
		args = append(args, scope, scope+"/", scope+"0") // "0" follows "/"
	}
	if err := a.db.reader.SelectContext(ctx, &rows, query+" ORDER BY id DESC LIMIT ?", append(args, limit)...); err != nil {
		return nil, fmt.Errorf("list ended incidents: %w", translate(err))
	}
	out := make([]alerting.Ended, len(rows))
	for i, row := range rows {
		out[i] = row.ended()
	}
	return out, nil
}

type silenceRow struct {
	ID        int64  `db:"id"`
	Scope     string `db:"scope"`
	SLO       string `db:"slo"`
	Class     string `db:"class"`
	Kind      string `db:"kind"`
	StartsAt  int64  `db:"starts_at"`
	EndsAt    int64  `db:"ends_at"`
	Owner     string `db:"owner"`
	Reason    string `db:"reason"`
	CreatedAt int64  `db:"created_at"`
	EndedAt   int64  `db:"ended_at"`
	EndedBy   string `db:"ended_by"`
}

func (r silenceRow) silence() alerting.Silence {
	return alerting.Silence{
		ID: r.ID, Scope: r.Scope, SLO: r.SLO, Class: slo.Class(r.Class), Kind: r.Kind, Starts: fromMicros(r.StartsAt), Ends: fromMicros(r.EndsAt),
		Owner: r.Owner, Reason: r.Reason, Created: fromMicros(r.CreatedAt), EndedAt: fromMicrosOrZero(r.EndedAt), EndedBy: r.EndedBy,
	}
}

// keepSilences is how long a silence that is over is kept to be looked at.
const keepSilences = 90 * 24 * time.Hour

// Silences lists the silences that are not over at that time; with over, those of the
// last weeks too. By end, the next first.
func (a *Alerting) Silences(ctx context.Context, at time.Time, over bool) ([]alerting.Silence, error) {
	query := "SELECT * FROM silences WHERE ends_at > ? AND ended_at = 0 ORDER BY ends_at, id"
	if over {
		query = "SELECT * FROM silences WHERE ends_at > ? ORDER BY ends_at, id"
		at = at.Add(-keepSilences)
	}
	var rows []silenceRow
	if err := a.db.reader.SelectContext(ctx, &rows, query, micros(at)); err != nil {
		return nil, fmt.Errorf("list silences: %w", translate(err))
	}
	out := make([]alerting.Silence, len(rows))
	for i, row := range rows {
		out[i] = row.silence()
	}
	return out, nil
}

// Silence returns one. Errors: alerting.ErrNoSilence.
func (a *Alerting) Silence(ctx context.Context, id int64) (alerting.Silence, error) {
	var rows []silenceRow
	if err := a.db.reader.SelectContext(ctx, &rows, "SELECT * FROM silences WHERE id = ?", id); err != nil {
		return alerting.Silence{}, fmt.Errorf("read silence: %w", translate(err))
	}
	if len(rows) == 0 {
		return alerting.Silence{}, alerting.ErrNoSilence
	}
	return rows[0].silence(), nil
}

// AddSilence stores a new silence and returns it with its id. Errors: alerting.ErrSilence
// where there are too many.
func (a *Alerting) AddSilence(ctx context.Context, s alerting.Silence) (alerting.Silence, error) {
	err := a.db.write(ctx, func(tx tx) error {
		now := micros(s.Created)
		if _, err := tx.exec("DELETE FROM silences WHERE ends_at < ?", micros(s.Created.Add(-keepSilences))); err != nil {
			return err
		}
		var standing int
		if err := tx.get(&standing, "SELECT COUNT(*) FROM silences WHERE ends_at > ? AND ended_at = 0", now); err != nil {
			return err
		}
		if standing >= alerting.MaxSilences {
			return fmt.Errorf("%w: there are %d already; end some", alerting.ErrSilence, standing)
		}
		if err := tx.get(&s.ID, `INSERT INTO silences (scope, slo, class, kind, starts_at, ends_at, owner, reason, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			s.Scope, s.SLO, string(s.Class), s.Kind, micros(s.Starts), micros(s.Ends), s.Owner, s.Reason, now); err != nil {
			return err
		}
		return silenceChanged(tx, alerting.KindSilenceAdded, s.Owner, s, s.Created)
	})
	if err != nil {
		return alerting.Silence{}, fmt.Errorf("add silence: %w", err)
	}
	return s, nil
}

// EndSilence ends a silence before its time; one that is over stays as it is. Errors:
// alerting.ErrNoSilence.
func (a *Alerting) EndSilence(ctx context.Context, id int64, by string, at time.Time) (alerting.Silence, error) {
	var rows []silenceRow
	err := a.db.write(ctx, func(tx tx) error {
		var ended []silenceRow
		if err := tx.selectAll(&ended, "UPDATE silences SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at = 0 AND ends_at > ? RETURNING *", micros(at), by, id, micros(at)); err != nil {
			return err
		}
		if len(ended) == 1 {
			if err := silenceChanged(tx, alerting.KindSilenceEnded, by, ended[0].silence(), at); err != nil {
				return err
			}
		}
		return tx.selectAll(&rows, "SELECT * FROM silences WHERE id = ?", id)
	})
	if err != nil {
		return alerting.Silence{}, fmt.Errorf("end silence: %w", err)
	}
	if len(rows) == 0 {
		return alerting.Silence{}, alerting.ErrNoSilence
	}
	return rows[0].silence(), nil
}

// Tested writes into the log of changes that somebody tests how a function is told of.
func (a *Alerting) Tested(ctx context.Context, name function.Name, class slo.Class, by string, at time.Time) error {
	after, err := json.Marshal(map[string]string{"function": string(name), "class": string(class)})
	if err != nil {
		return fmt.Errorf("encode test: %w", err)
	}
	return a.db.write(ctx, func(tx tx) error {
		_, err := insertChange(tx, change{
			Subject: "alerts:" + string(name), Scope: access.Scope(name.Team() + "/" + name.Project()), Kind: alerting.KindTested, By: by, After: after, At: at,
		})
		return err
	})
}

// silenceChanged writes who silenced what into the log of changes.
func silenceChanged(tx tx, kind, by string, s alerting.Silence, at time.Time) error {
	after, err := json.Marshal(map[string]string{
		"scope": s.Scope, "slo": s.SLO, "class": string(s.Class), "kind": s.Kind,
		"starts": s.Starts.Format(time.RFC3339), "ends": s.Ends.Format(time.RFC3339),
	})
	if err != nil {
		return fmt.Errorf("encode silence: %w", err)
	}
	scope := access.Scope(s.Scope)
	if name, err := function.ParseName(s.Scope); err == nil {
		scope = access.Scope(name.Team() + "/" + name.Project())
	}
	_, err = insertChange(tx, change{
		Subject: fmt.Sprintf("silence:%d", s.ID), Scope: scope, Kind: kind, By: by, Message: s.Reason, After: after, At: at,
	})
	return err
}
