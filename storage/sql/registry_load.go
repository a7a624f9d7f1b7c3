package sql

import (
	"context"
	"encoding/json"
	"fmt"

	"hadron/runtime/function"
	"hadron/runtime/registry"
)

type functionRow struct {
	Name      string `db:"name"`
	Revision  int64  `db:"revision"`
	Deleted   bool   `db:"deleted"`
	Latest    int    `db:"latest"`
	SpecOf    int    `db:"spec_of"`
	Lived     string `db:"lived"`
	CreatedAt int64  `db:"created_at"`
	UpdatedAt int64  `db:"updated_at"`
	UpdatedBy string `db:"updated_by"`
}

type weightRow struct {
	Function string `db:"function"`
	Alias    string `db:"alias"`
	Header   string `db:"sticky_header"`
	Cookie   string `db:"sticky_cookie"`
	Revision int64  `db:"revision"`
	Version  int    `db:"version"`
	Weight   int    `db:"weight"`
}

// Load implements registry.Store.
func (r *Registry) Load(ctx context.Context, names ...function.Name) (registry.Snapshot, error) {
	var (
		snap      registry.Snapshot
		functions []functionRow
		weights   []weightRow
		versions  []versionRow
	)
	err := r.db.read(ctx, func(tx tx) error {
		if err := tx.get(&snap.Cursor, "SELECT COALESCE(MAX(cursor), 0) FROM changes"); err != nil {
			return err
		}
		if err := selectNamed(tx, &functions, "SELECT * FROM functions WHERE %s ORDER BY name", "name", "deleted = 0", names); err != nil {
			return err
		}
		if err := selectNamed(tx, &weights, `SELECT a.function, a.name AS alias, a.sticky_header, a.sticky_cookie, a.revision, w.version, w.weight
			FROM aliases a JOIN alias_weights w ON w.function = a.function AND w.alias = a.name
			WHERE %s ORDER BY a.function, a.name, w.position`, "a.function", "1 = 1", names); err != nil {
			return err
		}
		return selectNamed(tx, &versions, `SELECT `+versionColumns+` FROM functions f JOIN versions v ON v.function = f.name
			WHERE %s AND (v.number = f.spec_of OR EXISTS (SELECT 1 FROM alias_weights w WHERE w.function = v.function AND w.version = v.number))
			ORDER BY v.function, v.number`, "f.name", "f.deleted = 0", names)
	})
	if err != nil {
		return registry.Snapshot{}, err
	}
	records, err := assemble(functions, weights, versions)
	if err != nil {
		return registry.Snapshot{}, err
	}
	snap.Records = records
	return snap, nil
}

// selectNamed runs a query whose %s is the condition on names: column IN (…), or
// all where there are none.
func selectNamed(tx tx, dest any, query, column, all string, names []function.Name) error {
	if len(names) == 0 {
		return tx.selectAll(dest, fmt.Sprintf(query, all))
	}
	query, args, err := in(fmt.Sprintf(query, column+" IN (?)"), names)
	if err != nil {
		return err
	}
	return tx.selectAll(dest, query, args...)
}

// assemble joins rows that are sorted by function into records.
func assemble(functions []functionRow, weights []weightRow, versions []versionRow) ([]registry.Record, error) {
	records := make([]registry.Record, 0, len(functions))
	for _, row := range functions {
		rec := registry.Record{
			Function: function.Function{
				Name: function.Name(row.Name), Latest: row.Latest, SpecOf: row.SpecOf,
				CreatedAt: fromMicros(row.CreatedAt), UpdatedAt: fromMicros(row.UpdatedAt), UpdatedBy: row.UpdatedBy,
			},
			Revision: row.Revision, Deleted: row.Deleted,
		}
		if err := json.Unmarshal([]byte(row.Lived), &rec.Lived); err != nil {
			return nil, fmt.Errorf("decode the way of %s: %w", row.Name, err)
		}
		named := make(map[int]bool)
		for ; len(weights) > 0 && weights[0].Function == row.Name; weights = weights[1:] {
			w := weights[0]
			addWeight(&rec.Function, w)
			named[w.Version] = true
		}
		for ; len(versions) > 0 && versions[0].Function == row.Name; versions = versions[1:] {
			v, err := versions[0].version()
			if err != nil {
				return nil, err
			}
			if v.ID.Version == row.SpecOf {
				rec.Function.Spec = v.Manifest
			}
			if named[v.ID.Version] {
				rec.Function.Versions = append(rec.Function.Versions, v)
			}
		}
		records = append(records, rec)
	}
	return records, nil
}

func addWeight(f *function.Function, w weightRow) {
	last := len(f.Aliases) - 1
	if last < 0 || f.Aliases[last].Name != w.Alias {
		f.Aliases = append(f.Aliases, function.Alias{
			Name: w.Alias, Sticky: function.Sticky{Header: w.Header, Cookie: w.Cookie}, Revision: w.Revision,
		})
		last++
	}
	f.Aliases[last].Weights = append(f.Aliases[last].Weights, function.Weight{Version: w.Version, Weight: w.Weight})
}
