package sql

import (
	"context"
	"encoding/json"
	"fmt"

	"hadron/runtime/access"
	"hadron/runtime/delivery"
	"hadron/runtime/function"
)

// Freeze implements delivery.Store.
func (d *Delivery) Freeze(ctx context.Context, team string) (*delivery.Freeze, error) {
	var rows []struct {
		Team   string `db:"team"`
		Reason string `db:"reason"`
		Author string `db:"author"`
		Since  int64  `db:"since"`
		Until  int64  `db:"until"`
	}
	if err := d.db.reader.SelectContext(ctx, &rows, d.db.reader.Rebind("SELECT team, reason, author, since, until FROM freezes WHERE team = ?"), team); err != nil {
		return nil, translate(err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	r := rows[0]
	return &delivery.Freeze{Team: r.Team, Reason: r.Reason, By: r.Author, Since: fromMicros(r.Since), Until: fromMicros(r.Until)}, nil
}

// PutFreeze implements delivery.Store.
func (d *Delivery) PutFreeze(ctx context.Context, f delivery.Freeze, e delivery.FreezeEntry) error {
	return d.db.write(ctx, func(tx tx) error {
		_, err := tx.exec(`INSERT INTO freezes (team, reason, author, since, until) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (team) DO UPDATE SET reason = excluded.reason, author = excluded.author, since = excluded.since, until = excluded.until`,
			f.Team, f.Reason, f.By, micros(f.Since), micros(f.Until))
		if err != nil {
			return fmt.Errorf("put freeze: %w", err)
		}
		return putFreezeEntry(tx, e)
	})
}

// DeleteFreeze implements delivery.Store.
func (d *Delivery) DeleteFreeze(ctx context.Context, team string, e delivery.FreezeEntry) error {
	return d.db.write(ctx, func(tx tx) error {
		if _, err := tx.exec("DELETE FROM freezes WHERE team = ?", team); err != nil {
			return fmt.Errorf("delete freeze: %w", err)
		}
		return putFreezeEntry(tx, e)
	})
}

// LogFreeze implements delivery.Store.
func (d *Delivery) LogFreeze(ctx context.Context, e delivery.FreezeEntry) error {
	return d.db.write(ctx, func(tx tx) error { return putFreezeEntry(tx, e) })
}

// subjectOf names a team in the log of changes.
func subjectOf(team string) string { return "team:" + team }

// overridden is what a change tells of an override.
type overridden struct {
	Function function.Name `json:"function"`
}

func putFreezeEntry(tx tx, e delivery.FreezeEntry) error {
	c := change{Subject: subjectOf(e.Team), Scope: access.Scope(e.Team), Kind: e.Kind, By: e.By, Message: e.Text, At: e.Time}
	if e.Function != "" {
		after, err := json.Marshal(overridden{e.Function})
		if err != nil {
			return fmt.Errorf("encode override: %w", err)
		}
		c.After = after
	}
	_, err := insertChange(tx, c)
	return err
}

// FreezeLog implements delivery.Store.
func (d *Delivery) FreezeLog(ctx context.Context, team string, limit int) ([]delivery.FreezeEntry, error) {
	var rows []struct {
		At     int64  `db:"created_at"`
		Kind   string `db:"kind"`
		Author string `db:"author"`
		Text   string `db:"message"`
		After  string `db:"after"`
	}
	query, args, err := in("SELECT created_at, kind, author, message, after FROM changes WHERE subject = ? AND kind IN (?) ORDER BY cursor DESC LIMIT ?",
		subjectOf(team), []string{delivery.EntryFrozen, delivery.EntryLifted, delivery.EntryOverridden}, limit)
	if err != nil {
		return nil, err
	}
	if err := d.db.reader.SelectContext(ctx, &rows, d.db.reader.Rebind(query), args...); err != nil {
		return nil, translate(err)
	}
	out := make([]delivery.FreezeEntry, 0, len(rows))
	for _, r := range rows {
		e := delivery.FreezeEntry{Team: team, Time: fromMicros(r.At), Kind: r.Kind, By: r.Author, Text: r.Text}
		var o overridden
		if json.Unmarshal([]byte(r.After), &o) == nil {
			e.Function = o.Function
		}
		out = append(out, e)
	}
	return out, nil
}
