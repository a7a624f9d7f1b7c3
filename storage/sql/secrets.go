package sql

import (
	"context"
	"fmt"

	"hadron/runtime/tenant"
)

// Secrets keeps sealed secrets.
type Secrets struct{ db *DB }

var _ tenant.SecretStore = (*Secrets)(nil)

// Secrets returns the store of sealed secrets.
func (db *DB) Secrets() *Secrets { return &Secrets{db} }

type secretRow struct {
	Scope     string `db:"scope"`
	Name      string `db:"name"`
	Version   int    `db:"version"`
	KeyID     string `db:"key_id"`
	Sealed    []byte `db:"sealed"`
	CreatedAt int64  `db:"created_at"`
	UpdatedAt int64  `db:"updated_at"`
	UpdatedBy string `db:"updated_by"`
}

const secretColumns = "scope, name, version, key_id, sealed, created_at, updated_at, updated_by"

func (s *Secrets) list(ctx context.Context, query string, args ...any) ([]tenant.SealedSecret, error) {
	var rows []secretRow
	if err := s.db.reader.SelectContext(ctx, &rows, s.db.reader.Rebind("SELECT "+secretColumns+" FROM secrets "+query), args...); err != nil {
		return nil, fmt.Errorf("read secrets: %w", translate(err))
	}
	out := make([]tenant.SealedSecret, 0, len(rows))
	for _, r := range rows {
		out = append(out, tenant.SealedSecret{Secret: tenant.Secret{
			Scope: tenant.Scope(r.Scope), Name: r.Name, Version: r.Version, KeyID: r.KeyID,
			CreatedAt: fromMicros(r.CreatedAt), UpdatedAt: fromMicros(r.UpdatedAt), UpdatedBy: r.UpdatedBy,
		}, Sealed: r.Sealed})
	}
	return out, nil
}

// Secrets implements tenant.SecretStore.
func (s *Secrets) Secrets(ctx context.Context, scopes ...tenant.Scope) ([]tenant.SealedSecret, error) {
	query, args, err := in("WHERE scope IN (?) ORDER BY scope, name", scopes)
	if err != nil {
		return nil, fmt.Errorf("read secrets: %w", err)
	}
	return s.list(ctx, query, args...)
}

// PutSecret implements tenant.SecretStore.
func (s *Secrets) PutSecret(ctx context.Context, n tenant.SealedSecret, bounds []tenant.SecretBound, c tenant.TeamChange) error {
	return s.db.write(ctx, func(tx tx) error {
		if there, err := hasTeam(tx, n.Scope); err != nil || !there {
			return orNoTeam(n.Scope, err)
		}
		if _, err := insertTeamChange(tx, n.Scope, c); err != nil {
			return err
		}
		if n.Version == 1 {
			return insertSecret(tx, n, bounds)
		}
		changed, err := tx.exec("UPDATE secrets SET version = ?, key_id = ?, sealed = ?, updated_at = ?, updated_by = ? WHERE scope = ? AND name = ? AND version = ?",
			n.Version, n.KeyID, n.Sealed, micros(n.UpdatedAt), n.UpdatedBy, string(n.Scope), n.Name, n.Version-1)
		if err == nil && changed == 0 {
			err = tenant.ErrSecretStale
		}
		if err != nil {
			return fmt.Errorf("update secret: %w", err)
		}
		return nil
	})
}

func insertSecret(tx tx, n tenant.SealedSecret, bounds []tenant.SecretBound) error {
	for _, b := range bounds {
		have, err := countSecrets(tx, b.Scope)
		if err != nil {
			return err
		}
		if b.Most > 0 && have >= b.Most {
			return &tenant.QuotaError{Scope: b.Scope, What: "secrets", Used: have, Allowed: b.Most}
		}
	}
	_, err := tx.exec("INSERT INTO secrets ("+secretColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		string(n.Scope), n.Name, n.Version, n.KeyID, n.Sealed, micros(n.CreatedAt), micros(n.UpdatedAt), n.UpdatedBy)
	if isDuplicate(err) {
		return tenant.ErrSecretStale
	}
	if err != nil {
		return fmt.Errorf("insert secret: %w", err)
	}
	return nil
}

func countSecrets(tx tx, scope tenant.Scope) (n int, err error) {
	from, to := under(scope.Prefix())
	if err := tx.get(&n, "SELECT COUNT(*) FROM secrets WHERE scope = ? OR (scope >= ? AND scope < ?)", string(scope), from, to); err != nil {
		return 0, fmt.Errorf("count secrets: %w", err)
	}
	return n, nil
}

// Count returns how many secrets a scope has, a team's projects' among them.
func (s *Secrets) Count(ctx context.Context, scope tenant.Scope) (n int, err error) {
	err = s.db.read(ctx, func(tx tx) (err error) {
		n, err = countSecrets(tx, scope)
		return err
	})
	return n, err
}

// DeleteSecret implements tenant.SecretStore.
func (s *Secrets) DeleteSecret(ctx context.Context, scope tenant.Scope, name string, c tenant.TeamChange) error {
	return s.db.write(ctx, func(tx tx) error {
		n, err := tx.exec("DELETE FROM secrets WHERE scope = ? AND name = ?", string(scope), name)
		if err != nil {
			return fmt.Errorf("delete secret: %w", err)
		}
		if n == 0 {
			return tenant.ErrNoSecret
		}
		_, err = insertTeamChange(tx, scope, c)
		return err
	})
}

// SealedOtherwise implements tenant.SecretStore.
func (s *Secrets) SealedOtherwise(ctx context.Context, keyID string, limit int) ([]tenant.SealedSecret, error) {
	return s.list(ctx, "WHERE key_id <> ? ORDER BY scope, name LIMIT ?", keyID, limit)
}

// Reseal implements tenant.SecretStore.
func (s *Secrets) Reseal(ctx context.Context, n tenant.SealedSecret, oldKey string) (bool, error) {
	var changed int64
	err := s.db.write(ctx, func(tx tx) (err error) {
		changed, err = tx.exec("UPDATE secrets SET key_id = ?, sealed = ? WHERE scope = ? AND name = ? AND version = ? AND key_id = ?",
			n.KeyID, n.Sealed, string(n.Scope), n.Name, n.Version, oldKey)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("reseal secret: %w", err)
	}
	return changed > 0, nil
}

// KeyIDs implements tenant.SecretStore.
func (s *Secrets) KeyIDs(ctx context.Context) ([]string, error) {
	var ids []string
	if err := s.db.reader.SelectContext(ctx, &ids, "SELECT DISTINCT key_id FROM secrets ORDER BY key_id"); err != nil {
		return nil, fmt.Errorf("list keys of secrets: %w", translate(err))
	}
	return ids, nil
}

// Rekeyed implements tenant.SecretStore.
func (s *Secrets) Rekeyed(ctx context.Context, c tenant.TeamChange) error {
	return s.db.write(ctx, func(tx tx) error {
		_, err := insertTeamChange(tx, "", c)
		return err
	})
}
