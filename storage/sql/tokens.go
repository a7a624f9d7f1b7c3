package sql

import (
	"context"
	stdsql "database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/tenant"
)

// Tokens keeps access tokens, by hash.
type Tokens struct{ db *DB }

var _ tenant.Store = (*Tokens)(nil)

// Tokens returns the store of access tokens.
func (db *DB) Tokens() *Tokens { return &Tokens{db} }

type tokenRow struct {
	Team      string `db:"team"`
	Name      string `db:"name"`
	Hash      string `db:"hash"`
	Role      string `db:"role"`
	Scope     string `db:"scope"`
	CreatedAt int64  `db:"created_at"`
	CreatedBy string `db:"created_by"`
	ExpiresAt int64  `db:"expires_at"`
	UsedAt    int64  `db:"used_at"`
}

func (r tokenRow) token() tenant.Token {
	return tenant.Token{
		Name: r.Name, Hash: r.Hash, Role: access.Role(r.Role), Scope: access.Scope(r.Scope), CreatedAt: fromMicros(r.CreatedAt), CreatedBy: r.CreatedBy,
		ExpiresAt: fromMicrosOrZero(r.ExpiresAt), UsedAt: fromMicrosOrZero(r.UsedAt),
	}
}

// keepExpired is how long an expired token is remembered, so that its refusal can
// say what it is.
const keepExpired = 30 * 24 * time.Hour

// PutToken implements tenant.Store.
func (s *Tokens) PutToken(ctx context.Context, t tenant.Token, how tenant.Put) error {
	return s.db.write(ctx, func(tx tx) error {
		if _, err := tx.exec("DELETE FROM tokens WHERE team = ? AND expires_at > 0 AND expires_at < ?", t.Team(), micros(t.CreatedAt.Add(-keepExpired))); err != nil {
			return fmt.Errorf("drop expired tokens: %w", err)
		}
		before, err := findToken(tx, t.Team(), t.Name)
		there := err == nil
		switch {
		case err != nil && !errors.Is(err, tenant.ErrNoToken):
			return err
		case there && !how.Replace:
			return tenant.ErrTokenExists
		}
		var n int
		if err := tx.get(&n, "SELECT COUNT(*) FROM tokens WHERE team = ?", t.Team()); err != nil {
			return fmt.Errorf("count tokens: %w", err)
		}
		if !there && how.Most > 0 && n >= how.Most {
			return tenant.ErrTooManyTokens
		}
		_, err = tx.exec(`INSERT INTO tokens (team, name, hash, role, scope, created_at, created_by, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (team, name) DO UPDATE SET hash = excluded.hash, role = excluded.role, scope = excluded.scope,
				created_at = excluded.created_at, created_by = excluded.created_by, expires_at = excluded.expires_at, used_at = 0`,
			t.Team(), t.Name, t.Hash, string(t.Role), string(t.Scope), micros(t.CreatedAt), t.CreatedBy, microsOrZero(t.ExpiresAt))
		if err != nil {
			return fmt.Errorf("put token: %w", err)
		}
		c := change{Kind: tenant.KindTokenCreated, Subject: "token:" + t.ID(), Scope: t.Scope, By: t.CreatedBy, After: tokenState(t), At: t.CreatedAt}
		if there {
			c.Before = tokenState(before)
		}
		_, err = insertChange(tx, c)
		return err
	})
}

// tokenState is a token as the log of changes shows it.
func tokenState(t tenant.Token) json.RawMessage {
	state := struct {
		Role    access.Role  `json:"role"`
		Scope   access.Scope `json:"scope"`
		Expires *time.Time   `json:"expiresAt,omitempty"`
	}{t.Role, t.Scope, nil}
	if !t.ExpiresAt.IsZero() {
		state.Expires = &t.ExpiresAt
	}
	b, _ := json.Marshal(state) // texts and a time always encode
	return b
}

func findToken(tx tx, team, name string) (tenant.Token, error) {
	var row tokenRow
	err := tx.get(&row, "SELECT * FROM tokens WHERE team = ? AND name = ?", team, name)
	if errors.Is(err, stdsql.ErrNoRows) {
		return tenant.Token{}, tenant.ErrNoToken
	}
	if err != nil {
		return tenant.Token{}, fmt.Errorf("find token: %w", err)
	}
	return row.token(), nil
}

// TokenByHash implements tenant.Store.
func (s *Tokens) TokenByHash(ctx context.Context, hash string) (tenant.Token, error) {
	var row tokenRow
	err := s.db.reader.GetContext(ctx, &row, s.db.reader.Rebind("SELECT * FROM tokens WHERE hash = ?"), hash)
	if errors.Is(err, stdsql.ErrNoRows) {
		return tenant.Token{}, tenant.ErrNoToken
	}
	if err != nil {
		return tenant.Token{}, fmt.Errorf("find token: %w", translate(err))
	}
	return row.token(), nil
}

// Tokens implements tenant.Store.
func (s *Tokens) Tokens(ctx context.Context, scopes []access.Scope) ([]tenant.Token, error) {
	where, args := inScopes(scopes)
	var rows []tokenRow
	if err := s.db.reader.SelectContext(ctx, &rows, s.db.reader.Rebind("SELECT * FROM tokens WHERE "+where+" ORDER BY team, name"), args...); err != nil {
		return nil, fmt.Errorf("list tokens: %w", translate(err))
	}
	out := make([]tenant.Token, 0, len(rows))
	for _, row := range rows {
		out = append(out, row.token())
	}
	return out, nil
}

// inScopes is the condition that the column scope lies in one of the scopes.
func inScopes(scopes []access.Scope) (where string, args []any) {
	parts := []string{"1 = 0"}
	for _, s := range scopes {
		if s == access.Everything {
			return "1 = 1", nil
		}
		// A range, since LIKE would not use the index; "0" is the sign behind "/".
		parts = append(parts, "scope = ? OR scope >= ? AND scope < ?")
		args = append(args, string(s), string(s)+"/", string(s)+"0")
	}
	return "(" + strings.Join(parts, " OR ") + ")", args
}

// DeleteToken implements tenant.Store.
func (s *Tokens) DeleteToken(ctx context.Context, team, name, by string) error {
	return s.db.write(ctx, func(tx tx) error {
		before, err := findToken(tx, team, name)
		if err != nil {
			return err
		}
		if _, err := tx.exec("DELETE FROM tokens WHERE team = ? AND name = ?", team, name); err != nil {
			return fmt.Errorf("delete token: %w", err)
		}
		_, err = insertChange(tx, change{
			Kind: tenant.KindTokenRevoked, Subject: "token:" + before.ID(), Scope: before.Scope, By: by, Before: tokenState(before), At: time.Now(),
		})
		return err
	})
}

// UseTokens implements tenant.Store.
func (s *Tokens) UseTokens(ctx context.Context, at map[string]time.Time) error {
	return s.db.use(ctx, "tokens", at)
}

// use writes when rows of a table were used last; one of a later time stays.
func (db *DB) use(ctx context.Context, table string, at map[string]time.Time) error {
	return db.write(ctx, func(tx tx) error {
		for hash, when := range at {
			if _, err := tx.exec("UPDATE "+table+" SET used_at = ? WHERE hash = ? AND used_at < ?", micros(when), hash, micros(when)); err != nil {
				return fmt.Errorf("write last use: %w", err)
			}
		}
		return nil
	})
}
