package sql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hadron/runtime/delivery"
	"hadron/runtime/registry"
)

// Delivery keeps rollouts, their events and freezes.
type Delivery struct{ db *DB }

var _ delivery.Store = (*Delivery)(nil)

// Delivery returns the store of deployments.
func (db *DB) Delivery() *Delivery { return &Delivery{db} }

type rolloutRow struct {
	ID            int64  `db:"id"`
	Doc           string `db:"doc"`
	AliasRevision int64  `db:"alias_revision"`
	Revision      int64  `db:"revision"`
}

const rolloutColumns = "id, doc, alias_revision, revision"

func (r rolloutRow) rollout() (delivery.Rollout, error) {
	var out delivery.Rollout
	if err := json.Unmarshal([]byte(r.Doc), &out); err != nil {
		return out, fmt.Errorf("decode deployment %d: %w", r.ID, err)
	}
	out.ID, out.AliasRevision, out.Revision = r.ID, r.AliasRevision, r.Revision
	return out, nil
}

func (d *Delivery) rollouts(ctx context.Context, query string, args ...any) ([]delivery.Rollout, error) {
	var rows []rolloutRow
	if err := d.db.reader.SelectContext(ctx, &rows, d.db.reader.Rebind("SELECT "+rolloutColumns+" FROM rollouts "+query), args...); err != nil {
		return nil, translate(err)
	}
	out := make([]delivery.Rollout, 0, len(rows))
	for _, row := range rows {
		r, err := row.rollout()
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// Active implements delivery.Store.
func (d *Delivery) Active(ctx context.Context) ([]delivery.Rollout, error) {
	return d.rollouts(ctx, "WHERE active = 1 ORDER BY id")
}

// Rollouts implements delivery.Store.
func (d *Delivery) Rollouts(ctx context.Context, ids ...int64) ([]delivery.Rollout, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	query, args, err := in("WHERE id IN (?) ORDER BY id DESC", ids)
	if err != nil {
		return nil, err
	}
	return d.rollouts(ctx, query, args...)
}

// Find implements delivery.Store.
func (d *Delivery) Find(ctx context.Context, f delivery.Filter) ([]delivery.Rollout, error) {
	where, args := []string{"1 = 1"}, []any{}
	with := func(condition string, arg any) { where, args = append(where, condition), append(args, arg) }
	if f.Function != "" {
		with("function = ?", string(f.Function))
	}
	if f.Alias != "" {
		with("alias = ?", f.Alias)
	}
	if f.Active {
		with("active = ?", 1)
	}
	if f.Before != 0 {
		with("id < ?", f.Before)
	}
	return d.rollouts(ctx, "WHERE "+strings.Join(where, " AND ")+" ORDER BY id DESC LIMIT ?", append(args, f.Limit)...)
}

// Events implements delivery.Store.
func (d *Delivery) Events(ctx context.Context, id int64) ([]delivery.Event, error) {
	var rows []struct {
		Seq    int64  `db:"seq"`
		At     int64  `db:"at"`
		Kind   string `db:"kind"`
		Text   string `db:"text"`
		Author string `db:"author"`
		Data   string `db:"data"`
	}
	err := d.db.reader.SelectContext(ctx, &rows, d.db.reader.Rebind(
		"SELECT seq, at, kind, text, author, data FROM rollout_events WHERE rollout = ? ORDER BY seq DESC LIMIT ?"), id, delivery.MaxEvents)
	if err != nil {
		return nil, translate(err)
	}
	out := make([]delivery.Event, 0, len(rows))
	for _, row := range slices.Backward(rows) {
		e := delivery.Event{Seq: row.Seq, Time: fromMicros(row.At), Kind: delivery.EventKind(row.Kind), Text: row.Text, By: row.Author}
		if row.Data != "" {
			e.Data = json.RawMessage(row.Data)
		}
		out = append(out, e)
	}
	return out, nil
}

// Save implements delivery.Store.
func (d *Delivery) Save(ctx context.Context, w delivery.Write) error {
	return d.db.write(ctx, func(tx tx) error { return putRollout(tx, w, w.Rollout.AliasRevision) })
}

// putBeside writes what a change of the index is written with.
func putBeside(tx tx, beside any, cursor int64) error {
	switch w := beside.(type) {
	case nil:
		return nil
	case delivery.Write:
		if w.Rollout.ID == 0 {
			w.Rollout.ID = cursor
		}
		revision := w.Rollout.AliasRevision
		if w.Points {
			revision = cursor
		}
		err := putRollout(tx, w, revision)
		if errors.Is(err, delivery.ErrConflict) {
			return fmt.Errorf("%w: the deployment has moved", registry.ErrStale)
		}
		return err
	default:
		return fmt.Errorf("nothing is known of a %T beside a change", beside)
	}
}

func putRollout(tx tx, w delivery.Write, aliasRevision int64) error {
	r := w.Rollout
	doc, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode deployment %d: %w", r.ID, err)
	}
	active := 0
	if r.Active() {
		active = 1
	}
	if r.Revision == 0 {
		_, err := tx.exec(`INSERT INTO rollouts (id, function, alias, state, active, doc, alias_revision, revision, updated_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?)`,
			r.ID, string(r.Function), r.Alias, string(r.State), active, string(doc), aliasRevision, micros(r.UpdatedAt))
		if isDuplicate(err) {
			return delivery.ErrConflict
		}
		if err != nil {
			return fmt.Errorf("insert deployment: %w", err)
		}
		return putEvents(tx, r.ID, w.Events)
	}
	n, err := tx.exec(`UPDATE rollouts SET state = ?, active = ?, doc = ?, alias_revision = ?, revision = revision + 1, updated_at = ?
		WHERE id = ? AND revision = ?`,
		string(r.State), active, string(doc), aliasRevision, micros(r.UpdatedAt), r.ID, r.Revision)
	if err != nil {
		return fmt.Errorf("update deployment: %w", err)
	}
	if n == 0 {
		return delivery.ErrConflict
	}
	return putEvents(tx, r.ID, w.Events)
}

func putEvents(tx tx, id int64, events []delivery.Event) error {
	for _, e := range events {
		_, err := tx.exec("INSERT INTO rollout_events (rollout, at, kind, text, author, data) VALUES (?, ?, ?, ?, ?, ?)",
			id, micros(e.Time), string(e.Kind), e.Text, e.By, string(e.Data))
		if err != nil {
			return fmt.Errorf("insert event of deployment: %w", err)
		}
	}
	return nil
}

// Cursor implements delivery.Store.
func (d *Delivery) Cursor(ctx context.Context, feed string) (int64, bool, error) {
	var cursors []int64
	if err := d.db.reader.SelectContext(ctx, &cursors, d.db.reader.Rebind("SELECT cursor FROM feeds WHERE name = ?"), feed); err != nil {
		return 0, false, translate(err)
	}
	if len(cursors) == 0 {
		return 0, false, nil
	}
	return cursors[0], true, nil
}

// PutCursor implements delivery.Store.
func (d *Delivery) PutCursor(ctx context.Context, feed string, cursor int64) error {
	return d.db.write(ctx, func(tx tx) error {
		_, err := tx.exec("INSERT INTO feeds (name, cursor) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor", feed, cursor)
		return err
	})
}
