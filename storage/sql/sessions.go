package sql

import (
	"context"
	stdsql "database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hadron/runtime/tenant"
)

// Sessions keeps who is signed in, by the hash of the cookie.
type Sessions struct{ db *DB }

var _ tenant.SessionStore = (*Sessions)(nil)

// Sessions returns the store of sessions.
func (db *DB) Sessions() *Sessions { return &Sessions{db} }

type sessionRow struct {
	Hash      string `db:"hash"`
	User      string `db:"user"`
	Claims    string `db:"claims"`
	TokenHash string `db:"token_hash"`
	CreatedAt int64  `db:"created_at"`
	ExpiresAt int64  `db:"expires_at"`
	UsedAt    int64  `db:"used_at"`
}

// PutSession implements tenant.SessionStore.
func (s *Sessions) PutSession(ctx context.Context, n tenant.Session, most int, idle time.Duration) error {
	claims, err := json.Marshal(n.Claims)
	if err != nil {
		return fmt.Errorf("encode claims: %w", err)
	}
	return s.db.write(ctx, func(tx tx) error {
		if _, err := tx.exec("DELETE FROM sessions WHERE expires_at <= ? OR used_at <= ?", micros(n.CreatedAt), micros(n.CreatedAt.Add(-idle))); err != nil {
			return fmt.Errorf("drop sessions that are over: %w", err)
		}
		_, err := tx.exec(`INSERT INTO sessions (hash, user, claims, token_hash, created_at, expires_at, used_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			n.Hash, n.User, string(claims), n.TokenHash, micros(n.CreatedAt), micros(n.ExpiresAt), micros(n.UsedAt))
		if err != nil {
			return fmt.Errorf("put session: %w", err)
		}
		_, err = tx.exec(`DELETE FROM sessions WHERE user = ? AND hash NOT IN
			(SELECT hash FROM sessions WHERE user = ? ORDER BY created_at DESC, hash = ? DESC LIMIT ?)`, n.User, n.User, n.Hash, most)
		if err != nil {
			return fmt.Errorf("end the oldest sessions: %w", err)
		}
		return nil
	})
}

// SessionByHash implements tenant.SessionStore.
func (s *Sessions) SessionByHash(ctx context.Context, hash string) (tenant.Session, error) {
	var row sessionRow
	err := s.db.reader.GetContext(ctx, &row, s.db.reader.Rebind("SELECT * FROM sessions WHERE hash = ?"), hash)
	if errors.Is(err, stdsql.ErrNoRows) {
		return tenant.Session{}, tenant.ErrNoSession
	}
	if err != nil {
		return tenant.Session{}, fmt.Errorf("find session: %w", translate(err))
	}
	out := tenant.Session{
		Hash: row.Hash, User: row.User, TokenHash: row.TokenHash,
		CreatedAt: fromMicros(row.CreatedAt), ExpiresAt: fromMicros(row.ExpiresAt), UsedAt: fromMicros(row.UsedAt),
	}
	if err := json.Unmarshal([]byte(row.Claims), &out.Claims); err != nil {
		return tenant.Session{}, fmt.Errorf("decode claims: %w", err)
	}
	return out, nil
}

// DeleteSession implements tenant.SessionStore.
func (s *Sessions) DeleteSession(ctx context.Context, hash string) error {
	return s.db.write(ctx, func(tx tx) error {
		if _, err := tx.exec("DELETE FROM sessions WHERE hash = ?", hash); err != nil {
			return fmt.Errorf("delete session: %w", err)
		}
		return nil
	})
}

// UseSessions implements tenant.SessionStore.
func (s *Sessions) UseSessions(ctx context.Context, at map[string]time.Time) error {
	return s.db.use(ctx, "sessions", at)
}
