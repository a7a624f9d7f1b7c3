package tsdb_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"hadron/collector/metric"
	"hadron/storage/tsdb"
)

// Both stores are read as one, by name or not, and keep what they have over a restart.
func TestRollupsAreReadWithSamples(t *testing.T) {
	dir, at := t.TempDir(), base()
	for run := range 2 {
		db := open(t, tsdb.Config{Dir: dir})
		if run == 0 {
			old := at.Add(-60 * 24 * time.Hour)
			if err := db.Append(t.Context(), []metric.Sample{{Series: series(metric.Events), T: at.UnixMilli(), V: 7}}); err != nil {
				t.Fatal(err)
			}
			rolled := series(metric.RolledEvents)
			for i, when := range []time.Time{old, at} {
				if err := db.AppendRollups(t.Context(), []metric.Sample{{Series: rolled, T: when.UnixMilli(), V: float64(100 + i)}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		for expr, want := range map[string]float64{
			metric.Events:                                         7,
			metric.RolledEvents:                                   101,
			metric.RolledEvents + " offset 60d":                   100,
			`{__name__="` + metric.RolledEvents + `"}`:            101,
			`sum({__name__=~"hadron_slo_events.*"})`:              108,
			`count({__name__!="", __name__!~"x"})`:                2,
			`sum(last_over_time({__name__=~".+:5m"}[1h]))`:        101,
			`count(count by (__name__) ({__name__=~"hadron.*"}))`: 2,
		} {
			points, err := db.Query(t.Context(), expr, at)
			if err != nil || len(points) != 1 || points[0].V != want {
				t.Errorf("run %d: %s is %v, %v; want %g", run, expr, points, err, want)
			}
		}
		oldest, newest := db.RollupBounds()
		if raw, _ := db.Bounds(); !raw.Equal(at) || !newest.Equal(at) || !oldest.Equal(at.Add(-60*24*time.Hour)) {
			t.Errorf("run %d: bounds %s to %s, raw from %s", run, oldest, newest, raw)
		}
		querier, err := db.Queryable().Querier(0, at.UnixMilli())
		if err != nil {
			t.Fatal(err)
		}
		names, _, err := querier.LabelValues(t.Context(), metric.Name, nil)
		if err != nil || strings.Join(names, " ") != metric.Events+" "+metric.RolledEvents {
			t.Errorf("run %d: names %q, %v", run, names, err)
		}
		_ = querier.Close()
		chunks, err := db.Queryable().ChunkQuerier(0, at.UnixMilli())
		if err != nil {
			t.Fatal(err)
		}
		if n := countSeries(chunks.Select(t.Context(), true, nil, labels.MustNewMatcher(labels.MatchRegexp, metric.Name, ".+"))); n != 2 {
			t.Errorf("run %d: %d series by chunks", run, n)
		}
		_ = chunks.Close()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func countSeries(set storage.ChunkSeriesSet) (n int) {
	for set.Next() {
		n++
	}
	return n
}

// Rollups have to outlast the longest window of an SLO.
func TestRollupRetentionIsLongEnough(t *testing.T) {
	for _, c := range []tsdb.Config{
		{Dir: "x", RollupRetention: 90 * 24 * time.Hour}, {Dir: "x", RollupRetention: -1}, {Dir: "x", RollupMaxBytes: -1},
	} {
		if err := c.Validate(); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	if err := (tsdb.Config{Dir: "x", RollupRetention: 91 * 24 * time.Hour}).Validate(); err != nil {
		t.Error(err)
	}
}
