package sql

import (
	"context"
	"encoding/json"
	"fmt"

	"hadron/collector"
	"hadron/runtime/function"
)

// ErrorGroups keeps the collector's error groups over restarts.
type ErrorGroups struct{ db *DB }

var _ collector.GroupStore = (*ErrorGroups)(nil)

// ErrorGroups returns the store of error groups.
func (db *DB) ErrorGroups() *ErrorGroups { return &ErrorGroups{db} }

type errorGroupRow struct {
	Function    string `db:"function"`
	Fingerprint string `db:"fingerprint"`
	Code        string `db:"code"`
	Message     string `db:"message"`
	Stack       string `db:"stack"`
	Count       int64  `db:"count"`
	FirstSeen   int64  `db:"first_seen"`
	LastSeen    int64  `db:"last_seen"`
	Versions    string `db:"versions"`
	Since       int    `db:"since"`
	Request     string `db:"request"`
}

// Load returns all groups, the last seen first.
func (s *ErrorGroups) Load(ctx context.Context) ([]collector.KeptGroup, error) {
	var rows []errorGroupRow
	if err := s.db.reader.SelectContext(ctx, &rows, "SELECT * FROM error_groups ORDER BY last_seen DESC, function, fingerprint"); err != nil {
		return nil, fmt.Errorf("load error groups: %w", translate(err))
	}
	out := make([]collector.KeptGroup, len(rows))
	for i, r := range rows {
		out[i] = collector.KeptGroup{Function: function.Name(r.Function), ErrorGroup: collector.ErrorGroup{
			Fingerprint: r.Fingerprint, Code: r.Code, Message: r.Message, Count: r.Count, Since: r.Since, Request: r.Request,
			FirstSeen: fromMicrosOrZero(r.FirstSeen), LastSeen: fromMicrosOrZero(r.LastSeen),
		}}
		if err := json.Unmarshal([]byte(r.Stack), &out[i].Stack); err != nil {
			return nil, fmt.Errorf("read the stack of error group %s of %s: %w", r.Fingerprint, r.Function, err)
		}
		if err := json.Unmarshal([]byte(r.Versions), &out[i].Versions); err != nil {
			return nil, fmt.Errorf("read the versions of error group %s of %s: %w", r.Fingerprint, r.Function, err)
		}
	}
	return out, nil
}

// Save writes what changed, in one transaction.
func (s *ErrorGroups) Save(ctx context.Context, c collector.GroupChanges) error {
	return s.db.write(ctx, func(tx tx) error {
		for _, name := range c.Gone {
			if _, err := tx.exec("DELETE FROM error_groups WHERE function = ?", string(name)); err != nil {
				return fmt.Errorf("forget error groups: %w", err)
			}
		}
		for _, g := range c.Dropped {
			if _, err := tx.exec("DELETE FROM error_groups WHERE function = ? AND fingerprint = ?", string(g.Function), g.Fingerprint); err != nil {
				return fmt.Errorf("forget error group: %w", err)
			}
		}
		for _, g := range c.Groups {
			if err := putErrorGroup(tx, g); err != nil {
				return err
			}
		}
		return nil
	})
}

func putErrorGroup(tx tx, g collector.KeptGroup) error {
	stack, err := json.Marshal(g.Stack)
	if err != nil {
		return fmt.Errorf("encode stack: %w", err)
	}
	versions, err := json.Marshal(g.Versions)
	if err != nil {
		return fmt.Errorf("encode versions: %w", err)
	}
	if _, err := tx.exec(`INSERT INTO error_groups (function, fingerprint, code, message, stack, count, first_seen, last_seen, versions, since, request)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (function, fingerprint) DO UPDATE SET
			code = excluded.code, message = excluded.message, stack = excluded.stack, count = excluded.count, first_seen = excluded.first_seen,
			last_seen = excluded.last_seen, versions = excluded.versions, since = excluded.since, request = excluded.request`,
		string(g.Function), g.Fingerprint, g.Code, g.Message, string(stack), g.Count, microsOrZero(g.FirstSeen), microsOrZero(g.LastSeen),
		string(versions), g.Since, g.Request); err != nil {
		return fmt.Errorf("put error group: %w", err)
	}
	return nil
}
