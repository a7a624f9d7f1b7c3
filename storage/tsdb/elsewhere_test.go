package tsdb_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hadron/collector/metric"
	"hadron/storage/tsdb"
	"hadron/storage/tsdb/promapi"
)

// What another store has is what queries find, and what is written here is not.
func TestReadsElsewhere(t *testing.T) {
	there, err := tsdb.Open(tsdb.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	api, err := promapi.New(promapi.Config{DB: there})
	if err != nil {
		t.Fatal(err)
	}
	broken := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer sesame":
			w.WriteHeader(http.StatusUnauthorized)
		case broken:
			http.Error(w, "out of order", http.StatusInternalServerError)
		default:
			http.StripPrefix("/prometheus", api).ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := tsdb.Open(tsdb.Config{Dir: t.TempDir(), QueryURL: server.URL + "/prometheus/", QueryTokenFile: token})
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	now := time.Now().Truncate(time.Second)
	for db, name := range map[*tsdb.DB]string{there: "of_the_other", here: "own"} {
		for i := range 3 {
			at := now.Add(time.Duration(i-3) * time.Second)
			if err := db.Append(t.Context(), []metric.Sample{{Series: &metric.Series{Labels: metric.NewLabels(name, "team", "pay")}, T: at.UnixMilli(), V: float64(i)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	points, err := here.Query(t.Context(), `increase(of_the_other[10s]) > 0 or own`, now)
	if err != nil || len(points) != 1 || points[0].Labels.Get("team") != "pay" {
		t.Errorf("%v %v", points, err)
	}
	querier, err := here.Queryable().Querier(0, now.UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	defer querier.Close()
	for _, name := range []string{"__name__", "team"} {
		values, _, err := querier.LabelValues(t.Context(), name, nil)
		if want := map[string]string{"__name__": "of_the_other", "team": "pay"}[name]; err != nil || len(values) != 1 || values[0] != want {
			t.Errorf("%s: %v %v", name, values, err)
		}
	}
	names, _, err := querier.LabelNames(t.Context(), nil)
	if err != nil || strings.Join(names, " ") != "__name__ team" {
		t.Errorf("%v %v", names, err)
	}
	broken = true
	if _, err := here.Query(t.Context(), "of_the_other", now); !errors.Is(err, tsdb.ErrElsewhere) || !strings.Contains(err.Error(), "out of order") || strings.Contains(err.Error(), "sesame") {
		t.Errorf("%v", err)
	}
	if _, _, err := querier.LabelNames(t.Context(), nil); !errors.Is(err, tsdb.ErrElsewhere) {
		t.Errorf("%v", err)
	}
}
