package sql_test

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"hadron/collector"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/storage/sql/sqltest"
)

func TestErrorGroupsOutliveTheProcess(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "hadron.db")
	db := sqltest.MustOpenAt(t, path)
	at := time.UnixMicro(1_790_000_000_000_000).UTC()
	group := func(name function.Name, id string, n int64) collector.KeptGroup {
		return collector.KeptGroup{Function: name, ErrorGroup: collector.ErrorGroup{
			Fingerprint: id, Code: "function_error", Message: "boom", Stack: []invocation.Frame{{Function: "f", File: "a.ts", Line: 3, Column: 4}},
			Count: n, FirstSeen: at, LastSeen: at.Add(time.Duration(n) * time.Second), Versions: []int{1, 2}, Since: 1, Request: "r1",
		}}
	}
	save := func(c collector.GroupChanges) {
		t.Helper()
		if err := db.ErrorGroups().Save(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	save(collector.GroupChanges{Groups: []collector.KeptGroup{group("a/b/c", "1", 1), group("a/b/c", "2", 2), group("a/b/d", "1", 3)}})
	save(collector.GroupChanges{Groups: []collector.KeptGroup{group("a/b/c", "1", 9)}, Dropped: []collector.KeptGroup{group("a/b/c", "2", 0)}})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = sqltest.MustOpenAt(t, path)
	got, err := db.ErrorGroups().Load(ctx)
	if want := []collector.KeptGroup{group("a/b/c", "1", 9), group("a/b/d", "1", 3)}; err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v\nwant %+v", got, err, want)
	}
	// A function that was deleted and made anew begins with its own.
	save(collector.GroupChanges{Gone: []function.Name{"a/b/c", "a/b/d"}, Groups: []collector.KeptGroup{group("a/b/c", "3", 1)}})
	if got, err := db.ErrorGroups().Load(ctx); err != nil || len(got) != 1 || got[0].Fingerprint != "3" {
		t.Errorf("%+v, %v", got, err)
	}
}
