package sql

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

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
	Issue    bool   `db:"sticky_issue"`
	Parts    string `db:"parts"`
	Revision int64  `db:"revision"`
	Version  int    `db:"version"`
	Weight   int    `db:"weight"`
}

// loadChunk is how many functions are read at a time: the rows of all of them
// together would take as much memory again as the index does.
const loadChunk = 1000

// Load implements registry.Store.
func (r *Registry) Load(ctx context.Context, names ...function.Name) (registry.Snapshot, error) {
	var snap registry.Snapshot
	err := r.db.read(ctx, func(tx tx) error {
		if err := tx.get(&snap.Cursor, "SELECT COALESCE(MAX(cursor), 0) FROM changes"); err != nil {
			return err
		}
		a := assembly{manifests: map[string]function.Manifest{}, words: map[string]string{}}
		if len(names) > 0 {
			_, err := a.read(tx, "{name} IN (?)", names)
			snap.Records = a.records
			return err
		}
		var count int
		if err := tx.get(&count, "SELECT COUNT(*) FROM functions WHERE deleted = 0"); err != nil {
			return err
		}
		a.records = make([]registry.Record, 0, count)
		for after := ""; ; {
			var last string
			err := tx.get(&last, "SELECT COALESCE(MAX(name), '') FROM (SELECT name FROM functions WHERE deleted = 0 AND name > ? ORDER BY name LIMIT ?) AS chunk", after, loadChunk)
			if err != nil || last == "" {
				snap.Records = a.records
				return err
			}
			n, err := a.read(tx, "{alive} AND {name} > ? AND {name} <= ?", after, last)
			if err != nil {
				return err
			}
			if n == 0 {
				return fmt.Errorf("load functions behind %s: there are none up to %s", after, last)
			}
			after = last
		}
	})
	if err != nil {
		return registry.Snapshot{}, err
	}
	return snap, nil
}

// assembly makes records of rows. What many functions have in common is kept once.
type assembly struct {
	records   []registry.Record
	manifests map[string]function.Manifest // by their text; some
	words     map[string]string            // names of people; some
}

// mostShared bounds what an assembly remembers; past it sharing begins anew.
const mostShared = 1000

// read appends the records of the functions that a condition selects: {name} in it
// is the column of the name, {alive} what excludes deleted functions.
func (a *assembly) read(tx tx, condition string, args ...any) (int, error) {
	var (
		functions []functionRow
		weights   []weightRow
		versions  []versionRow
	)
	selectAll := func(dest any, query, column, alive string) error {
		query, args, err := in(fmt.Sprintf(query, strings.NewReplacer("{name}", column, "{alive}", alive).Replace(condition)), args...)
		if err != nil {
			return err
		}
		return tx.selectAll(dest, query, args...)
	}
	if err := selectAll(&functions, "SELECT * FROM functions WHERE %s ORDER BY name", "name", "deleted = 0"); err != nil {
		return 0, err
	}
	if err := selectAll(&weights, `SELECT a.function, a.name AS alias, a.sticky_header, a.sticky_cookie, a.sticky_issue, a.parts, a.revision, w.version, w.weight
		FROM aliases a JOIN alias_weights w ON w.function = a.function AND w.alias = a.name
		WHERE %s ORDER BY a.function, a.name, w.position`, "a.function", "1 = 1"); err != nil {
		return 0, err
	}
	if err := selectAll(&versions, `SELECT `+versionColumns+` FROM functions f JOIN versions v ON v.function = f.name
		WHERE %s AND (v.number = f.spec_of OR EXISTS (SELECT 1 FROM alias_weights w WHERE w.function = v.function AND w.version = v.number))
		ORDER BY v.function, v.number`, "f.name", "f.deleted = 0"); err != nil {
		return 0, err
	}
	return len(functions), a.assemble(functions, weights, versions)
}

// assemble joins rows that are sorted by function into records.
func (a *assembly) assemble(functions []functionRow, weights []weightRow, versions []versionRow) error {
	for _, row := range functions {
		rec := registry.Record{
			Function: function.Function{
				Name: function.Name(row.Name), Latest: row.Latest, SpecOf: row.SpecOf,
				CreatedAt: fromMicros(row.CreatedAt), UpdatedAt: fromMicros(row.UpdatedAt), UpdatedBy: a.word(row.UpdatedBy),
			},
			Revision: row.Revision, Deleted: row.Deleted,
		}
		if err := json.Unmarshal([]byte(row.Lived), &rec.Lived); err != nil {
			return fmt.Errorf("decode the way of %s: %w", row.Name, err)
		}
		rec.Lived = slices.Clip(rec.Lived)
		named := 0
		for named < len(weights) && weights[named].Function == row.Name {
			named++
		}
		mine := weights[:named]
		weights = weights[named:]
		for _, w := range mine {
			if err := addWeight(&rec.Function, w); err != nil {
				return err
			}
		}
		for ; len(versions) > 0 && versions[0].Function == row.Name; versions = versions[1:] {
			v, err := a.version(versions[0], rec.Function.Name)
			if err != nil {
				return err
			}
			if v.ID.Version == row.SpecOf {
				rec.Function.Spec = v.Manifest
			}
			if slices.ContainsFunc(mine, func(w weightRow) bool { return w.Version == v.ID.Version }) {
				rec.Function.Versions = append(rec.Function.Versions, v)
			}
		}
		a.records = append(a.records, rec)
	}
	return nil
}

func (a *assembly) version(row versionRow, name function.Name) (function.Version, error) {
	v := row.head()
	v.ID.Name, v.Author = name, a.word(v.Author)
	m, known := a.manifests[row.Manifest]
	if !known {
		if err := json.Unmarshal([]byte(row.Manifest), &m); err != nil {
			return v, fmt.Errorf("decode manifest of %s: %w", v.ID, err)
		}
		if len(a.manifests) >= mostShared {
			clear(a.manifests)
		}
		a.manifests[row.Manifest] = m
	}
	v.Manifest = m
	return v, nil
}

// word is a string that is kept once, however often it comes.
func (a *assembly) word(s string) string {
	if known, ok := a.words[s]; ok {
		return known
	}
	if len(a.words) >= mostShared {
		clear(a.words)
	}
	a.words[s] = s
	return s
}

func addWeight(f *function.Function, w weightRow) error {
	last := len(f.Aliases) - 1
	if last < 0 || f.Aliases[last].Name != w.Alias {
		name := w.Alias
		if name == function.Live {
			name = function.Live // one string for all
		}
		f.Aliases = append(f.Aliases, function.Alias{
			Name: name, Sticky: function.Sticky{Header: w.Header, Cookie: w.Cookie, Issue: w.Issue}, Revision: w.Revision,
		})
		last++
		if w.Parts != "" {
			if err := json.Unmarshal([]byte(w.Parts), &f.Aliases[last].Parts); err != nil {
				return fmt.Errorf("decode the parts of %s@%s: %w", f.Name, w.Alias, err)
			}
		}
	}
	f.Aliases[last].Weights = append(f.Aliases[last].Weights, function.Weight{Version: w.Version, Weight: w.Weight})
	return nil
}
