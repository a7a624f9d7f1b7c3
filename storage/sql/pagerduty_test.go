package sql_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hadron/alerting"
	"hadron/storage/sql/sqltest"
)

func TestServicesOutliveTheProcess(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "hadron.db")
	db := sqltest.MustOpenAt(t, path)
	first := alerting.Service{Scope: "a/b/c", State: "pending"}
	full := alerting.Service{
		Scope: "a/b/c", ID: "PABC123", Name: "hadron: a.b.c", URL: "https://pagerduty.example/PABC123", Integration: "PINT",
		RoutingKey: "R0", Policy: "Default", State: "ready", Hash: "x", DeletedAt: time.UnixMicro(1_790_000_000_000_000).UTC(), Confirmed: true,
	}
	other := alerting.Service{Scope: "a/b", ID: "PABC124"}
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
	if err != nil || len(got) != 2 || !got[1].DeletedAt.Equal(full.DeletedAt) {
		t.Fatalf("%+v, %v", got, err)
	}
	got[1].DeletedAt = full.DeletedAt
	if got[1] != full || got[0] != other {
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

func TestBusinessServicesAreRemembered(t *testing.T) {
	ctx, db := t.Context(), sqltest.MustOpenAt(t, filepath.Join(t.TempDir(), "hadron.db"))
	store := db.PagerDuty()
	for _, s := range []alerting.BusinessService{{Team: "b", ID: "P1"}, {Team: "a", ID: "P2", Hash: "x"}, {Team: "b", ID: "P3", Hash: "y"}} {
		if err := store.PutBusinessService(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	got, err := store.BusinessServices(ctx)
	if want := []alerting.BusinessService{{Team: "a", ID: "P2", Hash: "x"}, {Team: "b", ID: "P3", Hash: "y"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for range 2 {
		if err := store.DeleteBusinessService(ctx, "b"); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := store.BusinessServices(ctx); err != nil || len(got) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}
