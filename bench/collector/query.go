package main

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"syscall"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/dashgen"
	"hadron/runtime/function"
	"hadron/storage/tsdb"
	"hadron/storage/tsdb/promapi"
)

// timed is one query and how long it took over HTTP's handler, answer encoded.
type timed struct {
	what string
	took time.Duration
	size int // bytes of the answer
}

// measureQueries fills a store with many functions, and asks all that a dashboard of
// one asks, then what is asked of all at once.
func measureQueries(ctx context.Context, o options, f *figures) error {
	dir := filepath.Join(o.dir, "query")
	now, err := prepare(ctx, o, dir, f)
	if err != nil {
		return err
	}
	if o.measures("replay") {
		if err := measureReplay(o, f); err != nil {
			return err
		}
	}
	db, err := tsdb.Open(tsdb.Config{Dir: dir, QueryTimeout: 5 * time.Minute, QueryMaxSamples: 200_000_000})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	handler, err := promapi.New(promapi.Config{DB: db})
	if err != nil {
		return err
	}
	q := querier{ctx: ctx, handler: handler, now: now, runs: o.runs}
	values := map[string]string{"__rate_interval": "1m", "version": ".+", "window": "1h"}
	for _, row := range dashgen.ForFunction(specOf(0)).Rows {
		for _, panel := range row.Panels {
			sum := timed{what: panel.Title}
			for _, query := range panel.Queries {
				params := url.Values{"query": {query.At(values)}}
				path := "query"
				if !query.Instant {
					path = "query_range"
					params.Set("start", unix(now.Add(-o.raw)))
					params.Set("end", unix(now))
					params.Set("step", "30")
				}
				t, err := q.ask(path, params)
				if err != nil {
					return fmt.Errorf("panel %q: %w", panel.Title, err)
				}
				sum.took += t.took
				sum.size += t.size
			}
			f.panels = append(f.panels, sum)
		}
	}
	window := time.Duration(function.DefaultManifest().SLO.Window)
	for _, all := range []struct{ what, expr string }{
		{"the ten functions that fail most", "topk(10, sum by (team, project, function) (rate(" + metric.Errors + "[5m])))"},
		{"p99 of every function", "histogram_quantile(0.99, sum by (function) (rate(" + metric.Duration + "[5m])))"},
		{"burn over 5 minutes, from raw samples", recorded(window, slo.BurnRecord)},
		{"events of 1 hour, from raw samples", slo.Increase(metric.Events, "", time.Hour)},
		{"events of 3 days, from rollups", slo.Increase(metric.Events, "", 72*time.Hour)},
		{"events of 29 days, from rollups", slo.Increase(metric.Events, "", 29*24*time.Hour)},
		{"… the same by increase()", "sum by (team, project, function, slo) (increase(" + metric.RolledEvents + "[29d]))"},
		{"budgets left of all objectives, 30 days", recorded(window, slo.BudgetRecord)},
	} {
		t, err := q.ask("query", url.Values{"query": {all.expr}, "time": {unix(now)}})
		if err != nil {
			return fmt.Errorf("%s: %w", all.what, err)
		}
		t.what = all.what
		f.fleet = append(f.fleet, t)
	}
	return nil
}

// recorded is the expression of a recording rule, of a burn rate that over the
// shortest window.
func recorded(window time.Duration, name string) string {
	for _, g := range slo.Groups([]time.Duration{window}, step) {
		for _, r := range g.Records {
			if r.Name == name {
				return r.Expr
			}
		}
	}
	return ""
}

func unix(t time.Time) string { return fmt.Sprint(t.Unix()) }

type querier struct {
	ctx     context.Context
	handler http.Handler
	now     time.Time
	runs    int
}

// ask asks several times and returns the middle.
func (q querier) ask(path string, params url.Values) (timed, error) {
	if params.Get("time") == "" && path == "query" {
		params.Set("time", unix(q.now))
	}
	var took []float64
	size := 0
	for range q.runs {
		r := httptest.NewRequestWithContext(q.ctx, http.MethodGet, "/api/v1/"+path+"?"+params.Encode(), nil)
		w := httptest.NewRecorder()
		begun := time.Now()
		q.handler.ServeHTTP(w, r)
		took = append(took, float64(time.Since(begun)))
		if w.Code != http.StatusOK {
			return timed{}, fmt.Errorf("%d: %s\n%s", w.Code, w.Body, params.Get("query"))
		}
		size = w.Body.Len()
	}
	return timed{took: time.Duration(middle(took)), size: size}, nil
}

// measureReplay opens a copy of a store as a process that was killed left it.
func measureReplay(o options, f *figures) error {
	left := killed(o)
	f.walSize = sizeOf(filepath.Join(left, "wal")) + sizeOf(filepath.Join(left, "rollups", "wal"))
	before, begun := processorTime(), time.Now()
	db, err := tsdb.Open(tsdb.Config{Dir: left})
	if err != nil {
		return err
	}
	f.replay, f.replayCPU = time.Since(begun), processorTime()-before
	return db.Close()
}

func sizeOf(dir string) (sum int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // a folder that is not there has no size
		}
		if info, err := entry.Info(); err == nil && !entry.IsDir() {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
