package sql

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"hadron/runtime/access"
	"hadron/runtime/tenant"
)

// Teams keeps teams and projects.
type Teams struct{ db *DB }

var _ tenant.TeamStore = (*Teams)(nil)

// Teams returns the store of teams and projects.
func (db *DB) Teams() *Teams { return &Teams{db} }

type teamRow struct {
	Scope     string `db:"scope"`
	Settings  string `db:"settings"`
	Revision  int64  `db:"revision"`
	CreatedAt int64  `db:"created_at"`
	UpdatedAt int64  `db:"updated_at"`
	UpdatedBy string `db:"updated_by"`
}

// Teams implements tenant.TeamStore.
func (s *Teams) Teams(ctx context.Context) ([]tenant.Team, error) {
	var rows []teamRow
	if err := s.db.reader.SelectContext(ctx, &rows, "SELECT scope, settings, revision, created_at, updated_at, updated_by FROM teams ORDER BY scope"); err != nil {
		return nil, fmt.Errorf("list teams: %w", translate(err))
	}
	out := make([]tenant.Team, 0, len(rows))
	for _, r := range rows {
		t := tenant.Team{
			Scope: tenant.Scope(r.Scope), Revision: r.Revision,
			CreatedAt: fromMicros(r.CreatedAt), UpdatedAt: fromMicros(r.UpdatedAt), UpdatedBy: r.UpdatedBy,
		}
		if err := json.Unmarshal([]byte(r.Settings), &t.Settings); err != nil {
			return nil, fmt.Errorf("decode settings of %s: %w", r.Scope, err)
		}
		out = append(out, t)
	}
	return out, nil
}

// PutTeam implements tenant.TeamStore.
func (s *Teams) PutTeam(ctx context.Context, t tenant.Team, expect int64, c tenant.TeamChange) (int64, error) {
	settings, err := json.Marshal(t.Settings)
	if err != nil {
		return 0, fmt.Errorf("encode settings of %s: %w", t.Scope, err)
	}
	var revision int64
	err = s.db.write(ctx, func(tx tx) (err error) {
		if revision, err = insertTeamChange(tx, t.Scope, c); err != nil {
			return err
		}
		if expect != 0 {
			n, err := tx.exec("UPDATE teams SET settings = ?, revision = ?, updated_at = ?, updated_by = ? WHERE scope = ? AND revision = ?",
				string(settings), revision, micros(t.UpdatedAt), t.UpdatedBy, string(t.Scope), expect)
			if err == nil && n == 0 {
				err = tenant.ErrTeamStale
			}
			return err
		}
		if t.Scope.IsProject() {
			if there, err := hasTeam(tx, t.Scope.Team()); err != nil || !there {
				return orNoTeam(t.Scope.Team(), err)
			}
		}
		_, err = tx.exec("INSERT INTO teams (scope, team, settings, revision, created_at, updated_at, updated_by) VALUES (?, ?, ?, ?, ?, ?, ?)",
			string(t.Scope), string(t.Scope.Team()), string(settings), revision, micros(t.CreatedAt), micros(t.UpdatedAt), t.UpdatedBy)
		if isDuplicate(err) {
			return tenant.ErrTeamExists
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("put team: %w", err)
	}
	return revision, nil
}

func hasTeam(tx tx, s tenant.Scope) (bool, error) {
	var n int
	err := tx.get(&n, "SELECT COUNT(*) FROM teams WHERE scope = ?", string(s))
	return n > 0, err
}

func orNoTeam(s tenant.Scope, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", s, tenant.ErrNoTeam)
}

// DeleteTeam implements tenant.TeamStore.
func (s *Teams) DeleteTeam(ctx context.Context, scope tenant.Scope, expect int64, c tenant.TeamChange) error {
	return s.db.write(ctx, func(tx tx) error {
		if err := emptyTeam(tx, scope); err != nil {
			return err
		}
		if _, err := insertTeamChange(tx, scope, c); err != nil {
			return err
		}
		n, err := tx.exec("DELETE FROM teams WHERE scope = ? AND revision = ?", string(scope), expect)
		if err == nil && n == 0 {
			err = tenant.ErrTeamStale
		}
		if err != nil {
			return fmt.Errorf("delete team: %w", err)
		}
		return nil
	})
}

// emptyTeam says what is in a team or project; nil: nothing.
func emptyTeam(tx tx, scope tenant.Scope) error {
	from, to := under(scope.Prefix())
	var holds []string
	for _, in := range []struct {
		what, query string
		args        []any
	}{
		{"functions", "SELECT COUNT(*) FROM functions WHERE deleted = 0 AND name >= ? AND name < ?", []any{from, to}},
		{"projects", "SELECT COUNT(*) FROM teams WHERE scope >= ? AND scope < ?", []any{from, to}},
		{"secrets", "SELECT COUNT(*) FROM secrets WHERE scope = ?", []any{string(scope)}},
	} {
		var n int
		if err := tx.get(&n, in.query, in.args...); err != nil {
			return fmt.Errorf("look what is in %s: %w", scope, err)
		}
		if n > 0 {
			holds = append(holds, fmt.Sprintf("%d %s", n, in.what))
		}
	}
	if len(holds) > 0 {
		return fmt.Errorf("%w: it holds %s; delete those first", tenant.ErrNotEmpty, strings.Join(holds, ", "))
	}
	return nil
}

// insertTeamChange writes one row of the audit trail, about a team or project, and
// returns its cursor.
func insertTeamChange(tx tx, about tenant.Scope, c tenant.TeamChange) (cursor int64, err error) {
	return insertChange(tx, change{
		Subject: c.Subject, Scope: access.Scope(about), Kind: c.Kind, By: c.By, Message: c.Message, Before: c.Before, After: c.After, At: c.Time,
	})
}
