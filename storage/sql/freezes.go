package sql

import (
	"context"
	"fmt"

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

func putFreezeEntry(tx tx, e delivery.FreezeEntry) error {
	_, err := tx.exec("INSERT INTO freeze_log (team, at, kind, author, function, text) VALUES (?, ?, ?, ?, ?, ?)",
		e.Team, micros(e.Time), e.Kind, e.By, string(e.Function), e.Text)
	if err != nil {
		return fmt.Errorf("log freeze: %w", err)
	}
	return nil
}

// FreezeLog implements delivery.Store.
func (d *Delivery) FreezeLog(ctx context.Context, team string, limit int) ([]delivery.FreezeEntry, error) {
	var rows []struct {
		At       int64  `db:"at"`
		Kind     string `db:"kind"`
		Author   string `db:"author"`
		Function string `db:"function"`
		Text     string `db:"text"`
	}
	err := d.db.reader.SelectContext(ctx, &rows, d.db.reader.Rebind(
		"SELECT at, kind, author, function, text FROM freeze_log WHERE team = ? ORDER BY id DESC LIMIT ?"), team, limit)
	if err != nil {
		return nil, translate(err)
	}
	out := make([]delivery.FreezeEntry, 0, len(rows))
	for _, r := range rows {
		out = append(out, delivery.FreezeEntry{
			Team: team, Time: fromMicros(r.At), Kind: r.Kind, By: r.Author, Function: function.Name(r.Function), Text: r.Text,
		})
	}
	return out, nil
}
