package sql

import (
	"context"
	"crypto/sha256"
	stdsql "database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
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
	Origin    string `db:"origin"`
	Size      int    `db:"size"`
	CreatedAt int64  `db:"created_at"`
	RemovedAt int64  `db:"removed_at"`
}

const (
	versionColumns = "v.function, v.number, v.digest, v.manifest, v.author, v.message, v.origin, v.size, v.created_at, 0 AS removed_at"
	removedColumns = "v.function, v.number, v.digest, v.manifest, v.author, v.message, v.origin, v.size, v.created_at, v.removed_at"
)

// head is the version without its manifest.
func (r versionRow) head() (function.Version, error) {
	v := function.Version{
		ID: function.ID{Name: function.Name(r.Function), Version: r.Number}, Digest: r.Digest,
		Author: r.Author, Message: r.Message, Size: r.Size, CreatedAt: fromMicros(r.CreatedAt), RemovedAt: fromMicrosOrZero(r.RemovedAt),
	}
	if r.Origin == noOrigin { // of most
		return v, nil
	}
	if err := json.Unmarshal([]byte(r.Origin), &v.Origin); err != nil {
		return v, fmt.Errorf("decode origin of %s: %w", v.ID, err)
	}
	return v, nil
}

// noOrigin is the column of a version that came with none.
const noOrigin = "{}"

func (r versionRow) version() (function.Version, error) {
	v, err := r.head()
	if err != nil {
		return v, err
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
	query := "SELECT " + versionColumns + " FROM versions v WHERE " + where
	if !q.Kept {
		query += " UNION ALL SELECT " + removedColumns + " FROM removed_versions v WHERE " + where
		args = append(args, args...)
	}
	var rows []versionRow
	err := r.db.reader.SelectContext(ctx, &rows, r.db.reader.Rebind(query+" ORDER BY number DESC LIMIT ?"), append(args, q.Limit)...)
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

// Count implements registry.Store.
func (r *Registry) Count(ctx context.Context, prefix string) (functions, versions int, err error) {
	from, to := under(prefix)
	err = r.db.read(ctx, func(tx tx) error {
		if err := tx.get(&functions, "SELECT COUNT(*) FROM functions WHERE deleted = 0 AND name >= ? AND name < ?", from, to); err != nil {
			return err
		}
		return tx.get(&versions, "SELECT COUNT(*) FROM versions WHERE function >= ? AND function < ?", from, to)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("count functions: %w", err)
	}
	return functions, versions, nil
}

// contentQuery reads a version and its parts in one statement, so that it sees one
// state without a transaction, and as one row, since each costs the driver as much as
// the look-up. It is prepared: a first call of a function waits for it. Parts that are
// not asked for are marks that no part equals.
const contentQuery = `SELECT v.manifest, v.authored, v.builder, b1.data, b2.data, b3.data, b4.data FROM versions v
	LEFT JOIN version_blobs p1 ON p1.function = v.function AND p1.number = v.number AND p1.part = ? LEFT JOIN blobs b1 ON b1.digest = p1.digest
	LEFT JOIN version_blobs p2 ON p2.function = v.function AND p2.number = v.number AND p2.part = ? LEFT JOIN blobs b2 ON b2.digest = p2.digest
	LEFT JOIN version_blobs p3 ON p3.function = v.function AND p3.number = v.number AND p3.part = ? LEFT JOIN blobs b3 ON b3.digest = p3.digest
	LEFT JOIN version_blobs p4 ON p4.function = v.function AND p4.number = v.number AND p4.part = ? LEFT JOIN blobs b4 ON b4.digest = p4.digest
	WHERE v.function = ? AND v.number = ?`

// Content implements registry.Store.
func (r *Registry) Content(ctx context.Context, id function.ID, parts ...registry.Part) (registry.Content, error) {
	if err := context.Cause(ctx); err != nil {
		return registry.Content{}, err
	}
	var (
		c    registry.Content
		data [4][]byte // of registry.Parts at most
		args = make([]any, len(data), len(data)+2)
	)
	for i := range data {
		args[i] = ""
		if i < len(parts) {
			args[i] = string(parts[i])
		}
	}
	// One row by its key, which no writer keeps waiting: for a context that can end, the
	// driver and database/sql start a goroutine each.
	row := r.db.content.QueryRowContext(context.WithoutCancel(ctx), append(args, string(id.Name), id.Version)...)
	err := row.Scan((*[]byte)(&c.Manifest), (*[]byte)(&c.Authored), &c.Builder, &data[0], &data[1], &data[2], &data[3])
	if errors.Is(err, stdsql.ErrNoRows) {
		return registry.Content{}, fmt.Errorf("%s: %w", id, registry.ErrVersionNotFound)
	}
	if err != nil {
		return registry.Content{}, translate(err)
	}
	if len(c.Authored) == 0 {
		c.Authored = nil
	}
	c.Parts = make(map[registry.Part][]byte, len(parts))
	for i, part := range parts {
		if data[i] != nil {
			c.Parts[part] = data[i]
		}
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
	query := "SELECT cursor, function, kind, author, message, before, after, created_at FROM changes WHERE "
	if len(f.Kinds) > 0 {
		where, args = append(where, "kind IN (?)"), append(args, f.Kinds)
	}
	query, args, err := in(query+strings.Join(where, " AND ")+" ORDER BY cursor "+order+" LIMIT ?", append(args, f.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("list changes: %w", err)
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
	if err := r.db.reader.SelectContext(ctx, &rows, r.db.reader.Rebind(query), args...); err != nil {
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

// under is the range of the names that begin with prefix, its end not included.
func under(prefix string) (from, to string) {
	last := len(prefix) - 1
	if last < 0 {
		return "", "~" // behind every name
	}
	return prefix, prefix[:last] + string(prefix[last]+1)
}

func blobDigest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
