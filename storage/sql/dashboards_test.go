package sql_test

import (
	"path/filepath"
	"testing"

	"hadron/storage/sql/sqltest"
)

func TestDashboardsOutliveTheProcess(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "hadron.db")
	db := sqltest.MustOpenAt(t, path)
	if err := db.Dashboards().Save(ctx, map[string][]byte{"a": []byte(`{"v":1}`), "b": []byte(`{}`)}, nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Dashboards().Save(ctx, map[string][]byte{"a": []byte(`{"v":2}`)}, []string{"b", "never"}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := sqltest.MustOpenAt(t, path).Dashboards().Load(ctx)
	if err != nil || len(got) != 1 || string(got["a"]) != `{"v":2}` {
		t.Errorf("%s, %v", got, err)
	}
}
