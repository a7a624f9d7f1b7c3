package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"

	"hadron/runtime/access"
	"hadron/runtime/tenant"
)

// Tokens keeps access tokens, by hash.
type Tokens struct{ db *DB }

var _ tenant.Store = (*Tokens)(nil)

// Tokens returns the store of access tokens.
func (db *DB) Tokens() *Tokens { return &Tokens{db} }

type tokenRow struct {
	Name      string `db:"name"`
	Hash      string `db:"hash"`
	Role      string `db:"role"`
	Scope     string `db:"scope"`
	CreatedAt int64  `db:"created_at"`
}

func (r tokenRow) token() tenant.Token {
	return tenant.Token{Name: r.Name, Hash: r.Hash, Role: access.Role(r.Role), Scope: r.Scope, CreatedAt: fromMicros(r.CreatedAt)}
}

// PutToken implements tenant.Store.
func (s *Tokens) PutToken(ctx context.Context, t tenant.Token) error {
	return s.db.write(ctx, func(tx tx) error {
		_, err := tx.exec(`INSERT INTO tokens (name, hash, role, scope, created_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, role = excluded.role, scope = excluded.scope, created_at = excluded.created_at`,
			t.Name, t.Hash, string(t.Role), t.Scope, micros(t.CreatedAt))
		if err != nil {
			return fmt.Errorf("put token: %w", err)
		}
		return nil
	})
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
func (s *Tokens) Tokens(ctx context.Context) ([]tenant.Token, error) {
	var rows []tokenRow
	if err := s.db.reader.SelectContext(ctx, &rows, "SELECT * FROM tokens ORDER BY name"); err != nil {
		return nil, fmt.Errorf("list tokens: %w", translate(err))
	}
	out := make([]tenant.Token, 0, len(rows))
	for _, row := range rows {
		out = append(out, row.token())
	}
	return out, nil
}

// DeleteToken implements tenant.Store.
func (s *Tokens) DeleteToken(ctx context.Context, name string) error {
	return s.db.write(ctx, func(tx tx) error {
		n, err := tx.exec("DELETE FROM tokens WHERE name = ?", name)
		if err != nil {
			return fmt.Errorf("delete token: %w", err)
		}
		if n == 0 {
			return tenant.ErrNoToken
		}
		return nil
	})
}
