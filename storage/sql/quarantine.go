package sql

import (
	"context"
	"fmt"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Quarantines keeps the versions that are not run, over restarts.
type Quarantines struct{ db *DB }

// Quarantines returns the store of versions that are not run.
func (db *DB) Quarantines() *Quarantines { return &Quarantines{db} }

type quarantineRow struct {
	Function string `db:"function"`
	Version  int    `db:"version"`
	Since    int64  `db:"since"`
	Until    int64  `db:"until"`
	Deaths   int    `db:"deaths"`
	Reason   string `db:"reason"`
}

// List returns all of them, by function and version.
func (s *Quarantines) List(ctx context.Context) ([]invocation.Quarantine, error) {
	var rows []quarantineRow
	if err := s.db.reader.SelectContext(ctx, &rows, "SELECT * FROM quarantines ORDER BY function, version"); err != nil {
		return nil, fmt.Errorf("list quarantines: %w", translate(err))
	}
	out := make([]invocation.Quarantine, 0, len(rows))
	for _, r := range rows {
		out = append(out, invocation.Quarantine{
			Version: function.ID{Name: function.Name(r.Function), Version: r.Version},
			Since:   fromMicrosOrZero(r.Since), Until: fromMicrosOrZero(r.Until), Deaths: r.Deaths, Reason: r.Reason,
		})
	}
	return out, nil
}

// Put makes or replaces the quarantine of its version.
func (s *Quarantines) Put(ctx context.Context, q invocation.Quarantine) error {
	return s.db.write(ctx, func(tx tx) error {
		_, err := tx.exec(`INSERT INTO quarantines (function, version, since, until, deaths, reason) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (function, version) DO UPDATE SET
				since = excluded.since, until = excluded.until, deaths = excluded.deaths, reason = excluded.reason`,
			string(q.Version.Name), q.Version.Version, microsOrZero(q.Since), microsOrZero(q.Until), q.Deaths, q.Reason)
		if err != nil {
			return fmt.Errorf("put quarantine: %w", err)
		}
		return nil
	})
}

// Released writes into the log of changes that somebody let a version run again.
func (s *Quarantines) Released(ctx context.Context, id function.ID, by string, at time.Time) error {
	return s.db.write(ctx, func(tx tx) error {
		_, err := insertChange(tx, change{
			Subject: "version:" + id.String(), Scope: access.Scope(id.Name.Team() + "/" + id.Name.Project()),
			Kind: invocation.KindReleased, By: by, At: at,
		})
		return err
	})
}

// Remove ends the quarantine of a version; one that is not there is no error.
func (s *Quarantines) Remove(ctx context.Context, id function.ID) error {
	return s.db.write(ctx, func(tx tx) error {
		if _, err := tx.exec("DELETE FROM quarantines WHERE function = ? AND version = ?", string(id.Name), id.Version); err != nil {
			return fmt.Errorf("remove quarantine: %w", err)
		}
		return nil
	})
}
