package sql_test

import (
	"path/filepath"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/storage/sql/sqltest"
)

func TestQuarantinesOutliveTheProcess(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "hadron.db")
	db := sqltest.MustOpenAt(t, path)
	at := time.UnixMicro(1_790_000_000_000_000).UTC()
	first := invocation.Quarantine{Version: function.ID{Name: "a/b/c", Version: 2}, Since: at, Until: at.Add(time.Minute), Deaths: 1, Reason: "killed"}
	again := first
	again.Deaths, again.Until, again.Reason = 2, at.Add(time.Hour), "out of memory"
	other := invocation.Quarantine{Version: function.ID{Name: "a/b/c", Version: 1}, Since: at}
	for _, q := range []invocation.Quarantine{first, again, other} {
		if err := db.Quarantines().Put(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = sqltest.MustOpenAt(t, path)
	got, err := db.Quarantines().List(ctx)
	if err != nil || len(got) != 2 || got[0] != other || got[1] != again {
		t.Fatalf("got %+v, %v\nwant %+v", got, err, []invocation.Quarantine{other, again})
	}
	for range 2 {
		if err := db.Quarantines().Remove(ctx, again.Version); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := db.Quarantines().List(ctx); err != nil || len(got) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}
