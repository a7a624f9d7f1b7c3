package sql

import (
	"context"
	"encoding/json"
	"fmt"

	"hadron/runtime/function"
	"hadron/runtime/registry"
)

// Commit implements registry.Store.
func (r *Registry) Commit(ctx context.Context, c registry.Commit) (int64, error) {
	var cursor int64
	err := r.db.write(ctx, func(tx tx) (err error) {
		cursor, err = insertChange(tx, change{
			Function: c.Change.Function, Kind: string(c.Change.Kind), By: c.Change.By, Message: c.Change.Message,
			Before: c.Change.Before, After: c.Change.After, At: c.Change.Time,
		})
		if err != nil {
			return err
		}
		if err := putFunction(tx, c, cursor); err != nil {
			return err
		}
		if err := putBeside(tx, c.Beside, cursor); err != nil {
			return err
		}
		if c.Next.Deleted {
			return clearFunction(tx, c.Next.Function.Name)
		}
		if c.Version != nil {
			if err := insertVersion(tx, *c.Version); err != nil {
				return err
			}
		}
		if err := removeVersions(tx, c); err != nil {
			return err
		}
		for _, a := range c.Aliases {
			if err := putAlias(tx, c.Next.Function.Name, a, cursor); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return cursor, nil
}

func putFunction(tx tx, c registry.Commit, cursor int64) error {
	f := c.Next.Function
	lived, err := json.Marshal(append([]int{}, c.Next.Lived...))
	if err != nil {
		return fmt.Errorf("encode the way of %s: %w", f.Name, err)
	}
	deleted := 0
	if c.Next.Deleted {
		deleted = 1
	}
	if c.Expect == 0 {
		_, err := tx.exec(`INSERT INTO functions (name, revision, deleted, latest, spec_of, lived, created_at, updated_at, updated_by)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			string(f.Name), cursor, deleted, f.Latest, f.SpecOf, string(lived), micros(f.CreatedAt), micros(f.UpdatedAt), f.UpdatedBy)
		if isDuplicate(err) {
			return registry.ErrConflict
		}
		return err
	}
	n, err := tx.exec(`UPDATE functions SET revision = ?, deleted = ?, latest = ?, spec_of = ?, lived = ?, created_at = ?, updated_at = ?, updated_by = ?
		WHERE name = ? AND revision = ?`,
		cursor, deleted, f.Latest, f.SpecOf, string(lived), micros(f.CreatedAt), micros(f.UpdatedAt), f.UpdatedBy, string(f.Name), c.Expect)
	if err != nil {
		return fmt.Errorf("update function: %w", err)
	}
	if n == 0 {
		return registry.ErrConflict
	}
	return nil
}

func insertVersion(tx tx, n registry.NewVersion) error {
	v := n.Version
	name := string(v.ID.Name)
	origin := []byte(noOrigin)
	if v.Origin != nil {
		var err error
		if origin, err = json.Marshal(v.Origin); err != nil {
			return fmt.Errorf("encode origin: %w", err)
		}
	}
	_, err := tx.exec(`INSERT INTO versions (function, number, digest, manifest, authored, builder, author, message, origin, size, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		name, v.ID.Version, v.Digest, string(n.Content.Manifest), string(n.Content.Authored), n.Content.Builder, v.Author, v.Message, string(origin), v.Size, micros(v.CreatedAt))
	if isDuplicate(err) {
		return registry.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("insert version: %w", err)
	}
	for _, part := range registry.Parts {
		data := n.Content.Parts[part]
		if len(data) == 0 {
			continue
		}
		digest := blobDigest(data)
		if _, err := tx.exec("INSERT INTO blobs (digest, data) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING", digest, data); err != nil {
			return fmt.Errorf("insert blob: %w", err)
		}
		if _, err := tx.exec("INSERT INTO version_blobs (function, number, part, digest) VALUES (?, ?, ?, ?)", name, v.ID.Version, string(part), digest); err != nil {
			return fmt.Errorf("insert blob of version: %w", err)
		}
	}
	return nil
}

func putAlias(tx tx, name function.Name, a function.Alias, cursor int64) error {
	parts := ""
	if len(a.Parts) > 0 {
		doc, err := json.Marshal(a.Parts)
		if err != nil {
			return fmt.Errorf("encode parts: %w", err)
		}
		parts = string(doc)
	}
	_, err := tx.exec(`INSERT INTO aliases (function, name, sticky_header, sticky_cookie, sticky_issue, parts, revision) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (function, name) DO UPDATE SET sticky_header = excluded.sticky_header, sticky_cookie = excluded.sticky_cookie,
			sticky_issue = excluded.sticky_issue, parts = excluded.parts, revision = excluded.revision`,
		string(name), a.Name, a.Sticky.Header, a.Sticky.Cookie, a.Sticky.Issue, parts, cursor)
	if err != nil {
		return fmt.Errorf("put alias: %w", err)
	}
	if _, err := tx.exec("DELETE FROM alias_weights WHERE function = ? AND alias = ?", string(name), a.Name); err != nil {
		return fmt.Errorf("delete weights: %w", err)
	}
	for i, w := range a.Weights {
		_, err := tx.exec("INSERT INTO alias_weights (function, alias, position, version, weight) VALUES (?, ?, ?, ?, ?)",
			string(name), a.Name, i, w.Version, w.Weight)
		if isMissing(err) {
			return fmt.Errorf("%s: %w", function.ID{Name: name, Version: w.Version}, registry.ErrVersionNotFound)
		}
		if err != nil {
			return fmt.Errorf("insert weight: %w", err)
		}
	}
	return nil
}

// removeVersions takes the content of versions, and the blobs that no other version
// has. One that an alias names cannot go: its weight refers to the row.
func removeVersions(tx tx, c registry.Commit) error {
	if len(c.Removed) == 0 {
		return nil
	}
	name := string(c.Next.Function.Name)
	for _, step := range []struct {
		query string
		args  []any
	}{
		{
			`INSERT INTO removed_versions (function, number, digest, manifest, author, message, origin, size, created_at, removed_at)
			SELECT function, number, digest, manifest, author, message, origin, size, created_at, ? FROM versions WHERE function = ? AND number IN (?)`,
			[]any{micros(c.Change.Time), name, c.Removed},
		},
		{
			`DELETE FROM blobs WHERE digest IN (SELECT digest FROM version_blobs WHERE function = ? AND number IN (?))
			AND NOT EXISTS (SELECT 1 FROM version_blobs other WHERE other.digest = blobs.digest AND (other.function <> ? OR other.number NOT IN (?)))`,
			[]any{name, c.Removed, name, c.Removed},
		},
		{"DELETE FROM version_blobs WHERE function = ? AND number IN (?)", []any{name, c.Removed}},
		{"DELETE FROM versions WHERE function = ? AND number IN (?)", []any{name, c.Removed}},
	} {
		query, args, err := in(step.query, step.args...)
		if err != nil {
			return fmt.Errorf("remove versions: %w", err)
		}
		if _, err := tx.exec(query, args...); err != nil {
			return fmt.Errorf("remove versions: %w", err)
		}
	}
	return nil
}

// clearFunction removes all of a function but its row, and the blobs that no
// other function has. The blobs go first, while it can be seen whose they are;
// that nothing points at them is checked when the transaction ends.
func clearFunction(tx tx, name function.Name) error {
	_, err := tx.exec(`DELETE FROM blobs WHERE digest IN (SELECT digest FROM version_blobs WHERE function = ?)
		AND NOT EXISTS (SELECT 1 FROM version_blobs other WHERE other.digest = blobs.digest AND other.function <> ?)`, string(name), string(name))
	if err != nil {
		return fmt.Errorf("delete blobs: %w", err)
	}
	for _, query := range []string{
		"DELETE FROM version_blobs WHERE function = ?",
		"DELETE FROM alias_weights WHERE function = ?",
		"DELETE FROM aliases WHERE function = ?",
		"DELETE FROM versions WHERE function = ?",
		"DELETE FROM removed_versions WHERE function = ?",
	} {
		if _, err := tx.exec(query, string(name)); err != nil {
			return fmt.Errorf("delete function: %w", err)
		}
	}
	return nil
}
