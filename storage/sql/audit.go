package sql

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"hadron/runtime/access"
	"hadron/runtime/function"
	"hadron/runtime/tenant"
)

// Audit reads the whole log of changes, for people.
type Audit struct{ db *DB }

var _ tenant.Log = (*Audit)(nil)

// Audit returns the log of changes.
func (db *DB) Audit() *Audit { return &Audit{db} }

type changeRow struct {
	Cursor    int64  `db:"cursor"`
	Function  string `db:"function"`
	Scope     string `db:"scope"`
	Subject   string `db:"subject"`
	Kind      string `db:"kind"`
	Author    string `db:"author"`
	Message   string `db:"message"`
	Before    string `db:"before"`
	After     string `db:"after"`
	CreatedAt int64  `db:"created_at"`
	Origin    string `db:"origin"`
	Address   string `db:"address"`
	Agent     string `db:"agent"`
}

// Changes implements tenant.Log.
func (a *Audit) Changes(ctx context.Context, scopes []access.Scope, f tenant.ChangeFilter) ([]tenant.Change, error) {
	condition, args := inScopes(scopes)
	where := []string{condition}
	only := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	if f.Function != "" {
		// What is done to its alerts or to a version of it is no change of the function.
		of := string(f.Function)
		only("(function = ? OR subject = ? OR subject >= ? AND subject < ?)", of, "alerts:"+of, "version:"+of+"@", "version:"+of+"A")
	}
	if f.Team != "" {
		only("(scope = ? OR scope >= ? AND scope < ?)", f.Team, f.Team+"/", f.Team+"0")
	}
	if f.By != "" {
		only("author = ?", f.By)
	}
	if f.Kind != "" {
		only("kind = ?", f.Kind)
	}
	if !f.Since.IsZero() {
		only("created_at >= ?", micros(f.Since))
	}
	if f.Before > 0 {
		only("cursor < ?", f.Before)
	}
	var rows []changeRow
	err := a.db.reader.SelectContext(ctx, &rows, a.db.reader.Rebind(`SELECT cursor, function, scope, subject, kind, author, message, before, after, created_at, origin, address, agent
		FROM changes WHERE `+strings.Join(where, " AND ")+" ORDER BY cursor DESC LIMIT ?"), append(args, f.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", translate(err))
	}
	out := make([]tenant.Change, 0, len(rows))
	for _, row := range rows {
		out = append(out, tenant.Change{
			Cursor: row.Cursor, Kind: row.Kind, Function: function.Name(row.Function), Subject: row.Subject, Scope: access.Scope(row.Scope),
			By: row.Author, Message: row.Message, Origin: access.Origin{Kind: row.Origin, Address: row.Address, Agent: row.Agent},
			Before: json.RawMessage(row.Before), After: json.RawMessage(row.After), Time: fromMicros(row.CreatedAt),
		})
	}
	return out, nil
}
