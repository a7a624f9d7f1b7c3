package sql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"hadron/runtime/function"
	"hadron/runtime/registry"
)

// Registry keeps the function index.
type Registry struct{ db *DB }

var _ registry.Store = (*Registry)(nil)

// Registry returns the store of the function index.
func (db *DB) Registry() *Registry { return &Registry{db} }

type versionRow struct {
	Function  string `db:"function"`
	Number    int    `db:"number"`
	Digest    string `db:"digest"`
	Manifest  string `db:"manifest"`
	Author    string `db:"author"`
	Message   string `db:"message"`
	Size      int    `db:"size"`
	CreatedAt int64  `db:"created_at"`
}

const versionColumns = "v.function, v.number, v.digest, v.manifest, v.author, v.message, v.size, v.created_at"

func (r versionRow) version() (function.Version, error) {
	v := function.Version{
		ID: function.ID{Name: function.Name(r.Function), Version: r.Number}, Digest: r.Digest,
		Author: r.Author, Message: r.Message, Size: r.Size, CreatedAt: fromMicros(r.CreatedAt),
	}
	if err := json.Unmarshal([]byte(r.Manifest), &v.Manifest); err != nil {
		return v, fmt.Errorf("decode manifest of %s: %w", v.ID, err)
	}
	return v, nil
}

// Versions implements registry.Store.
func (r *Registry) Versions(ctx context.Context, q registry.VersionQuery) ([]function.Version, error) {
	where, args := "v.function = ?", []any{string(q.Name)}
	switch {
	case q.Number != 0:
		where, args = where+" AND v.number = ?", append(args, q.Number)
	case q.Digest != "":
		// A range, since LIKE would not use the index; "g" sorts behind every hex digit.
		where, args = where+" AND v.digest >= ? AND v.digest < ?", append(args, q.Digest, q.Digest+"g")
	case q.Before != 0:
		where, args = where+" AND v.number < ?", append(args, q.Before)
	}
	var rows []versionRow
	err := r.db.reader.SelectContext(ctx, &rows, r.db.reader.Rebind(
		"SELECT "+versionColumns+" FROM versions v WHERE "+where+" ORDER BY v.number DESC LIMIT ?"), append(args, q.Limit)...)
	if err != nil {
		return nil, translate(err)
	}
	out := make([]function.Version, 0, len(rows))
	for _, row := range rows {
		v, err := row.version()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// Content implements registry.Store.
func (r *Registry) Content(ctx context.Context, id function.ID, parts ...registry.Part) (registry.Content, error) {
	var heads []struct {
		Manifest string `db:"manifest"`
		Authored string `db:"authored"`
		Builder  string `db:"builder"`
	}
	var blobs []struct {
		Part string `db:"part"`
		Data []byte `db:"data"`
	}
	err := r.db.read(ctx, func(tx tx) error {
		if err := tx.selectAll(&heads, "SELECT manifest, authored, builder FROM versions WHERE function = ? AND number = ?", string(id.Name), id.Version); err != nil {
			return err
		}
		if len(heads) == 0 || len(parts) == 0 {
			return nil
		}
		query, args, err := in(`SELECT vb.part, b.data FROM version_blobs vb JOIN blobs b ON b.digest = vb.digest
			WHERE vb.function = ? AND vb.number = ? AND vb.part IN (?)`, string(id.Name), id.Version, parts)
		if err != nil {
			return err
		}
		return tx.selectAll(&blobs, query, args...)
	})
	if err != nil {
		return registry.Content{}, err
	}
	if len(heads) == 0 {
		return registry.Content{}, fmt.Errorf("%s: %w", id, registry.ErrVersionNotFound)
	}
	c := registry.Content{Parts: make(map[registry.Part][]byte, len(blobs)), Builder: heads[0].Builder}
	if heads[0].Authored != "" {
		c.Authored = json.RawMessage(heads[0].Authored)
	}
	if err := json.Unmarshal([]byte(heads[0].Manifest), &c.Manifest); err != nil {
		return registry.Content{}, fmt.Errorf("decode manifest of %s: %w", id, err)
	}
	for _, b := range blobs {
		c.Parts[registry.Part(b.Part)] = b.Data
	}
	return c, nil
}

// Changes implements registry.Store.
func (r *Registry) Changes(ctx context.Context, f registry.ChangeFilter) ([]registry.Change, error) {
	where, args := []string{"cursor > ?", "function <> ''"}, []any{f.After}
	order := "ASC"
	if f.Before != 0 {
		where, args, order = append(where, "cursor < ?"), append(args, f.Before), "DESC"
	}
	if f.Name != "" {
		where, args = append(where, "function = ?"), append(args, string(f.Name))
	}
	var rows []struct {
		Cursor    int64  `db:"cursor"`
		Function  string `db:"function"`
		Kind      string `db:"kind"`
		Author    string `db:"author"`
		Message   string `db:"message"`
		Before    string `db:"before"`
		After     string `db:"after"`
		CreatedAt int64  `db:"created_at"`
	}
	err := r.db.reader.SelectContext(ctx, &rows, r.db.reader.Rebind(
		"SELECT cursor, function, kind, author, message, before, after, created_at FROM changes WHERE "+strings.Join(where, " AND ")+" ORDER BY cursor "+order+" LIMIT ?"), append(args, f.Limit)...)
	if err != nil {
		return nil, translate(err)
	}
	out := make([]registry.Change, 0, len(rows))
	for _, row := range rows {
		out = append(out, registry.Change{
			Cursor: row.Cursor, Kind: registry.Kind(row.Kind), Function: function.Name(row.Function), By: row.Author, Message: row.Message,
			Before: json.RawMessage(row.Before), After: json.RawMessage(row.After), Time: fromMicros(row.CreatedAt),
		})
	}
	return out, nil
}

func blobDigest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
