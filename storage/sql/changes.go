package sql

import (
	"encoding/json"
	"fmt"
	"time"

	"hadron/runtime/access"
	"hadron/runtime/function"
)

// change is one row of the log of changes, which every write adds in its own
// transaction: of a function, or of a subject such as "token:ci" or "team:growth".
type change struct {
	Function function.Name // empty where it is a subject's
	Subject  string
	Scope    access.Scope // of a subject: whose it is. A function's is its project
	Kind     string
	By       string
	Message  string
	Before   json.RawMessage // null for none
	After    json.RawMessage // null for none
	At       time.Time
}

// insertChange adds a row and returns its cursor. Where the write comes from is
// the context's word: access.WithOrigin.
func insertChange(tx tx, c change) (cursor int64, err error) {
	if c.Function != "" {
		c.Scope = access.Scope(c.Function.Team() + "/" + c.Function.Project())
	}
	from := access.OriginOf(tx.ctx)
	err = tx.get(&cursor, `INSERT INTO changes (function, scope, subject, kind, author, message, before, after, created_at, origin, address, agent)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING cursor`,
		string(c.Function), string(c.Scope), c.Subject, c.Kind, c.By, c.Message, orNull(c.Before), orNull(c.After), micros(c.At),
		from.Kind, from.Address, from.Agent)
	if err != nil {
		return 0, fmt.Errorf("insert change: %w", err)
	}
	return cursor, nil
}

func orNull(v json.RawMessage) string {
	if len(v) == 0 {
		return "null"
	}
	return string(v)
}
