package sql_test

import (
	"path/filepath"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/storage/sql/sqltest"
)

func TestServicesOutliveTheProcess(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "hadron.db")
	db := sqltest.MustOpenAt(t, path)
	first := alerting.Service{Function: "a/b/c", State: "pending"}
	full := alerting.Service{
		Function: "a/b/c", ID: "PABC123", Name: "hadron: a.b.c", URL: "https://pagerduty.example/PABC123", Integration: "PINT",
		RoutingKey: "R0", Policy: "Default", State: "ready", Hash: "x", DeletedAt: time.UnixMicro(1_790_000_000_000_000).UTC(),
	}
	other := alerting.Service{Function: "a/b/d", ID: "PABC124"}
	for _, s := range []alerting.Service{first, full, other} {
		if err := db.PagerDuty().PutService(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = sqltest.MustOpenAt(t, path)
	got, err := db.PagerDuty().Services(ctx)
	if err != nil || len(got) != 2 || !got[0].DeletedAt.Equal(full.DeletedAt) {
		t.Fatalf("%+v, %v", got, err)
	}
	got[0].DeletedAt = full.DeletedAt
	if got[0] != full || got[1] != other {
		t.Errorf("got %+v\nwant %+v", got, []alerting.Service{full, other})
	}
	for range 2 {
		if err := db.PagerDuty().DeleteService(ctx, "a/b/c"); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := db.PagerDuty().Services(ctx); err != nil || len(got) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}
