package sql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Bounds of the inbox: bodies that wait, and for how long ids are known again.
const (
	maxInbox  = 10_000
	keepInbox = 7 * 24 * time.Hour
)

// errInboxFull is where too many webhooks wait to be worked in.
var errInboxFull = fmt.Errorf("%d webhooks wait to be worked in", maxInbox)

// Receive stores a webhook once; fresh is false where its id or its very body was seen
// before: the signature says nothing of the id, and each event has one of its own in its body.
func (p *PagerDuty) Receive(ctx context.Context, id string, body []byte, at time.Time) (fresh bool, err error) {
	sum := sha256.Sum256(body)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	err = p.db.write(ctx, func(tx tx) error {
		var waiting int
		if err := tx.get(&waiting, "SELECT COUNT(*) FROM pagerduty_inbox WHERE done_at = 0"); err != nil {
			return err
		}
		if waiting >= maxInbox {
			return errInboxFull
		}
		if id != "" { // the body's own row is done from the beginning where another waits
			n, err := tx.exec("INSERT INTO pagerduty_inbox (webhook_id, body, received_at, done_at) VALUES (?, x'', ?, ?) ON CONFLICT (webhook_id) DO NOTHING", digest, micros(at), micros(at))
			if err != nil || n == 0 {
				return err
			}
		} else {
			id = digest
		}
		n, err := tx.exec("INSERT INTO pagerduty_inbox (webhook_id, body, received_at) VALUES (?, ?, ?) ON CONFLICT (webhook_id) DO NOTHING", id, body, micros(at))
		fresh = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("receive webhook: %w", err)
	}
	return fresh, nil
}

// Next returns the oldest webhook that is not done.
func (p *PagerDuty) Next(ctx context.Context) (seq int64, body []byte, ok bool, err error) {
	var rows []struct {
		Seq  int64  `db:"seq"`
		Body []byte `db:"body"`
	}
	if err := p.db.reader.SelectContext(ctx, &rows, "SELECT seq, body FROM pagerduty_inbox WHERE done_at = 0 ORDER BY seq LIMIT 1"); err != nil {
		return 0, nil, false, fmt.Errorf("read webhooks: %w", translate(err))
	}
	if len(rows) == 0 {
		return 0, nil, false, nil
	}
	return rows[0].Seq, rows[0].Body, true, nil
}

// Done forgets a webhook's body, and ids from long ago.
func (p *PagerDuty) Done(ctx context.Context, seq int64, at time.Time) error {
	return p.db.write(ctx, func(tx tx) error {
		if _, err := tx.exec("UPDATE pagerduty_inbox SET done_at = ?, body = x'' WHERE seq = ?", micros(at), seq); err != nil {
			return fmt.Errorf("end webhook: %w", err)
		}
		if _, err := tx.exec("DELETE FROM pagerduty_inbox WHERE done_at > 0 AND received_at < ?", micros(at.Add(-keepInbox))); err != nil {
			return fmt.Errorf("forget webhooks: %w", err)
		}
		return nil
	})
}

// Key finds the dedup key of the open incident that PagerDuty has under its id.
func (a *Alerting) Key(ctx context.Context, pagerID string) (string, error) {
	var keys []string
	if pagerID == "" {
		return "", nil
	}
	if err := a.db.reader.SelectContext(ctx, &keys, "SELECT dedup_key FROM incident_hands WHERE pager_id = ? LIMIT 1", pagerID); err != nil {
		return "", fmt.Errorf("find incident: %w", translate(err))
	}
	if len(keys) == 0 {
		return "", nil
	}
	return keys[0], nil
}

type subscriptionRow struct {
	ID        string `db:"id"`
	URL       string `db:"url"`
	Secret    string `db:"secret"`
	CreatedAt int64  `db:"created_at"`
}

// Subscription returns the webhook subscription that Hadron made: its id at PagerDuty, its
// address and its secret; all empty where there is none.
func (p *PagerDuty) Subscription(ctx context.Context) (id, url, secret string, err error) {
	var rows []subscriptionRow
	if err := p.db.reader.SelectContext(ctx, &rows, "SELECT * FROM pagerduty_subscription ORDER BY created_at DESC LIMIT 1"); err != nil {
		return "", "", "", fmt.Errorf("read subscription: %w", translate(err))
	}
	if len(rows) == 0 {
		return "", "", "", nil
	}
	return rows[0].ID, rows[0].URL, rows[0].Secret, nil
}

// PutSubscription replaces it.
func (p *PagerDuty) PutSubscription(ctx context.Context, id, url, secret string, at time.Time) error {
	return p.db.write(ctx, func(tx tx) error {
		_, err := tx.exec("DELETE FROM pagerduty_subscription")
		if err == nil && id != "" {
			_, err = tx.exec("INSERT INTO pagerduty_subscription (id, url, secret, created_at) VALUES (?, ?, ?, ?)", id, url, secret, micros(at))
		}
		if err != nil {
			return fmt.Errorf("put subscription: %w", err)
		}
		return nil
	})
}
