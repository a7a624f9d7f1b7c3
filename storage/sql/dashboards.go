package sql

import (
	"context"
	"fmt"
)

// Dashboards keeps what is known of the dashboards in Grafana, by their uid. It
// satisfies the Memory that the adapter declares.
type Dashboards struct{ db *DB }

// Dashboards returns the memory of dashboards.
func (db *DB) Dashboards() *Dashboards { return &Dashboards{db} }

// Load returns all that is kept, by uid.
func (d *Dashboards) Load(ctx context.Context) (map[string][]byte, error) {
	var rows []struct {
		UID  string `db:"uid"`
		Kept string `db:"kept"`
	}
	if err := d.db.reader.SelectContext(ctx, &rows, "SELECT uid, kept FROM dashboards"); err != nil {
		return nil, fmt.Errorf("load dashboards: %w", translate(err))
	}
	out := make(map[string][]byte, len(rows))
	for _, row := range rows {
		out[row.UID] = []byte(row.Kept)
	}
	return out, nil
}

// Save makes or replaces what put holds, and forgets what is gone.
func (d *Dashboards) Save(ctx context.Context, put map[string][]byte, gone []string) error {
	return d.db.write(ctx, func(tx tx) error {
		for uid, kept := range put {
			if _, err := tx.exec("INSERT INTO dashboards (uid, kept) VALUES (?, ?) ON CONFLICT (uid) DO UPDATE SET kept = excluded.kept", uid, string(kept)); err != nil {
				return fmt.Errorf("keep dashboard %s: %w", uid, err)
			}
		}
		for _, uid := range gone {
			if _, err := tx.exec("DELETE FROM dashboards WHERE uid = ?", uid); err != nil {
				return fmt.Errorf("forget dashboard %s: %w", uid, err)
			}
		}
		return nil
	})
}
