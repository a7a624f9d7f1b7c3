package sql

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hadron/alerting"
	"hadron/runtime/function"
)

type messageRow struct {
	ID         int64  `db:"id"`
	Function   string `db:"function"`
	Target     string `db:"target"`
	DedupKey   string `db:"dedup_key"`
	RoutingKey string `db:"routing_key"`
	Event      string `db:"event"`
	Attempts   int    `db:"attempts"`
	CreatedAt  int64  `db:"created_at"`
	NextAt     int64  `db:"next_at"`
	Reason     string `db:"reason"`
	DeadAt     int64  `db:"dead_at"`
}

func messages(rows []messageRow) ([]alerting.Message, error) {
	out := make([]alerting.Message, 0, len(rows))
	for _, row := range rows {
		m := alerting.Message{
			ID: row.ID, Function: function.Name(row.Function), Attempts: row.Attempts,
			Created: fromMicros(row.CreatedAt), Next: fromMicros(row.NextAt), Reason: row.Reason,
		}
		if row.DeadAt > 0 {
			m.Next = fromMicros(row.DeadAt)
		}
		if err := json.Unmarshal([]byte(row.Event), &m.Event); err != nil {
			return nil, fmt.Errorf("decode message %d: %w", row.ID, err)
		}
		m.Event.Target, m.Event.RoutingKey = row.Target, row.RoutingKey
		out = append(out, m)
	}
	return out, nil
}

// Heads implements alerting.Outbox.
func (a *Alerting) Heads(ctx context.Context, now time.Time, limit int) ([]alerting.Message, time.Time, error) {
	const heads = "id IN (SELECT MIN(id) FROM outbox WHERE dead_at = 0 AND routing_key <> '' GROUP BY target, routing_key)"
	var (
		rows []messageRow
		next int64
	)
	err := a.db.read(ctx, func(tx tx) error {
		if err := tx.selectAll(&rows, "SELECT * FROM outbox WHERE "+heads+" AND next_at <= ? ORDER BY id LIMIT ?", micros(now), limit); err != nil {
			return err
		}
		return tx.get(&next, "SELECT COALESCE(MIN(next_at), 0) FROM outbox WHERE "+heads+" AND next_at > ?", micros(now))
	})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read outbox: %w", err)
	}
	out, err := messages(rows)
	return out, fromMicrosOrZero(next), err
}

// Waiting implements alerting.Outbox.
func (a *Alerting) Waiting(ctx context.Context, limit int) ([]alerting.Message, error) {
	return a.list(ctx, `SELECT * FROM outbox WHERE id IN
		(SELECT MIN(id) FROM outbox WHERE dead_at = 0 AND routing_key = '' GROUP BY function) ORDER BY id LIMIT ?`, limit)
}

// Dead implements alerting.Outbox.
func (a *Alerting) Dead(ctx context.Context, limit int) ([]alerting.Message, error) {
	return a.list(ctx, "SELECT * FROM outbox WHERE dead_at > 0 ORDER BY dead_at DESC, id DESC LIMIT ?", limit)
}

func (a *Alerting) list(ctx context.Context, query string, args ...any) ([]alerting.Message, error) {
	var rows []messageRow
	if err := a.db.reader.SelectContext(ctx, &rows, a.db.reader.Rebind(query), args...); err != nil {
		return nil, fmt.Errorf("read outbox: %w", translate(err))
	}
	return messages(rows)
}

// Bind implements alerting.Outbox. An incident that got a key in the meantime
// lends it to its messages: what triggered it went there.
func (a *Alerting) Bind(ctx context.Context, name function.Name, routingKey string) error {
	return a.db.write(ctx, func(tx tx) error {
		_, err := tx.exec("UPDATE incidents SET routing_key = ? WHERE function = ? AND routing_key = ''", routingKey, string(name))
		if err == nil {
			_, err = tx.exec(`UPDATE outbox SET routing_key =
				COALESCE((SELECT i.routing_key FROM incidents i WHERE i.dedup_key = outbox.dedup_key), ?)
				WHERE function = ? AND routing_key = '' AND dead_at = 0`, routingKey, string(name))
		}
		if err != nil {
			return fmt.Errorf("bind routing key: %w", err)
		}
		return nil
	})
}

// Delivered implements alerting.Outbox.
func (a *Alerting) Delivered(ctx context.Context, id int64) error {
	return a.update(ctx, "DELETE FROM outbox WHERE id = ?", id)
}

// Postpone implements alerting.Outbox.
func (a *Alerting) Postpone(ctx context.Context, id int64, attempts int, next time.Time, reason string) error {
	return a.update(ctx, "UPDATE outbox SET attempts = ?, next_at = ?, reason = ? WHERE id = ? AND dead_at = 0", attempts, micros(next), reason, id)
}

func (a *Alerting) update(ctx context.Context, query string, args ...any) error {
	return a.db.write(ctx, func(tx tx) error {
		if _, err := tx.exec(query, args...); err != nil {
			return fmt.Errorf("update outbox: %w", err)
		}
		return nil
	})
}

// Bury implements alerting.Outbox.
func (a *Alerting) Bury(ctx context.Context, id int64, at time.Time, reason string) error {
	return a.db.write(ctx, func(tx tx) error {
		if _, err := tx.exec("UPDATE outbox SET dead_at = ?, reason = ? WHERE id = ?", micros(at), reason, id); err != nil {
			return fmt.Errorf("bury message: %w", err)
		}
		_, err := tx.exec(`DELETE FROM outbox WHERE dead_at > 0 AND id NOT IN
			(SELECT id FROM outbox WHERE dead_at > 0 ORDER BY dead_at DESC, id DESC LIMIT ?)`, alerting.MaxDead)
		if err != nil {
			return fmt.Errorf("clear dead letters: %w", err)
		}
		return nil
	})
}

// Depth implements alerting.Outbox.
func (a *Alerting) Depth(ctx context.Context) (waiting, dead int, err error) {
	var row struct {
		Waiting int `db:"waiting"`
		Dead    int `db:"dead"`
	}
	err = a.db.reader.GetContext(ctx, &row, `SELECT (SELECT COUNT(*) FROM outbox WHERE dead_at = 0) AS waiting,
		(SELECT COUNT(*) FROM outbox WHERE dead_at > 0) AS dead`)
	if err != nil {
		return 0, 0, fmt.Errorf("count outbox: %w", translate(err))
	}
	return row.Waiting, row.Dead, nil
}

// Settled reports that nothing which was triggered under the routing key is open, and that
// no message under it is on its way to PagerDuty.
func (a *Alerting) Settled(ctx context.Context, routingKey string) (bool, error) {
	var open int
	err := a.db.read(ctx, func(tx tx) error {
		return tx.get(&open, `SELECT (SELECT COUNT(*) FROM incidents WHERE routing_key = ?) +
			(SELECT COUNT(*) FROM outbox WHERE target = ? AND routing_key = ? AND dead_at = 0)`, routingKey, alerting.PagerDuty, routingKey)
	})
	if err != nil {
		return false, fmt.Errorf("look for open incidents under a routing key: %w", err)
	}
	return open == 0, nil
}
