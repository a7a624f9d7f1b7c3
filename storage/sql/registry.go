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

// head is the version without its manifest.
func (r versionRow) head() function.Version {
	return function.Version{
		ID: function.ID{Name: function.Name(r.Function), Version: r.Number}, Digest: r.Digest,
		Author: r.Author, Message: r.Message, Size: r.Size, CreatedAt: fromMicros(r.CreatedAt),
	}
}

func (r versionRow) version() (function.Version, error) {
	v := r.head()
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

// contentQuery reads a version and its parts in one statement, so that it sees one
// state without a transaction; it is prepared, since a first call of a function waits
// for it. Parts that are not asked for are marks that no part equals.
const contentQuery = `SELECT v.manifest, v.authored, v.builder, vb.part, b.data FROM versions v
	LEFT JOIN version_blobs vb ON vb.function = v.function AND vb.number = v.number AND vb.part IN (?, ?, ?, ?)
	LEFT JOIN blobs b ON b.digest = vb.digest
	WHERE v.function = ? AND v.number = ?`

// Content implements registry.Store.
func (r *Registry) Content(ctx context.Context, id function.ID, parts ...registry.Part) (registry.Content, error) {
	args := make([]any, 0, len(registry.Parts)+2)
	for i := range registry.Parts {
		part := registry.Part("")
		if i < len(parts) {
			part = parts[i]
		}
		args = append(args, string(part))
	}
	rows, err := r.db.content.QueryContext(ctx, append(args, string(id.Name), id.Version)...)
	if err != nil {
		return registry.Content{}, translate(err)
	}
	defer func() { _ = rows.Close() }() // reported by Err
	c := registry.Content{Parts: make(map[registry.Part][]byte, len(parts))}
	found := false
	for rows.Next() {
		var (
			manifest, authored []byte
			part               *string
			data               []byte
		)
		if err := rows.Scan(&manifest, &authored, &c.Builder, &part, &data); err != nil {
			return registry.Content{}, translate(err)
		}
		if part != nil {
			c.Parts[registry.Part(*part)] = data
		}
		if found {
			continue
		}
		found = true
		if len(authored) > 0 {
			c.Authored = authored
		}
		if err := json.Unmarshal(manifest, &c.Manifest); err != nil {
			return registry.Content{}, fmt.Errorf("decode manifest of %s: %w", id, err)
		}
	}
	if err := rows.Err(); err != nil {
		return registry.Content{}, translate(err)
	}
	if !found {
		return registry.Content{}, fmt.Errorf("%s: %w", id, registry.ErrVersionNotFound)
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
