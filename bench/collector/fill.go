package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hadron/collector/metric"
	"hadron/dashgen"
	"hadron/runtime/function"
	"hadron/storage/tsdb"
)

const step = 15 * time.Second

// busy is which functions are called all the time: one in ten. The others rest, so
// that their totals are written once an hour.
func busy(i int) bool { return i%10 == 0 }

func nameOf(i int) function.Name { return function.Name(fmt.Sprintf("team-%d/web/fn-%d", i%100, i)) }

// specOf is a function as it is registered without a manifest.
func specOf(i int) dashgen.Spec {
	m := function.DefaultManifest()
	return dashgen.Spec{
		Function: function.Function{
			Name: nameOf(i), Latest: 1, Spec: m, SpecOf: 1,
			Aliases: []function.Alias{{Name: function.Live, Weights: []function.Weight{{Version: 1, Weight: 1}}}},
		},
		Interval: step, Installation: "bench", ExternalURL: "http://127.0.0.1",
	}
}

// moving is one series of a function and how it moves.
type moving struct {
	series *metric.Series
	each   float64 // a step
	level  bool    // a gauge
	hist   bool
}

func (m moving) sample(at int64, n int) metric.Sample {
	s := metric.Sample{Series: m.series, T: at, V: m.each * float64(n)}
	switch {
	case m.level:
		s.V = m.each
	case m.hist:
		count := int64(m.each) * int64(n)
		s.H = &metric.Histogram{
			Schema: 3, ZeroThreshold: 1e-6, Count: uint64(3 * count), Sum: 0.1 * float64(count),
			Spans: []metric.Span{{Offset: -80, Length: 2}, {Offset: 6, Length: 1}}, Deltas: []int64{count, 0, 0},
		}
	}
	return s
}

// seriesOf are a function's series as the collector writes them once it is called.
func seriesOf(i int) (raw []moving, rolled []*metric.Series) {
	name := nameOf(i)
	series := func(metricName string, pairs ...string) *metric.Series {
		labels := append([]string{
			metric.Job, metric.JobValue, metric.Instance, "node-1",
			metric.Team, name.Team(), metric.Project, name.Project(), metric.Function, name.Base(),
		}, pairs...)
		return &metric.Series{Labels: metric.NewLabels(metricName, labels...)}
	}
	v := metric.Version
	each := 0.
	if busy(i) {
		each = 20
	}
	raw = []moving{
		{series: series(metric.Concurrency), each: 64, level: true},
		{series: series(metric.Info, v, "1", metric.AliasOf, function.Live), each: 1, level: true},
		{series: series(metric.Invocations, v, "1", metric.Trigger, "http"), each: each},
		{series: series(metric.InFlight, v, "1"), each: each / 10, level: true},
		{series: series(metric.Errors, v, "1", metric.CodeName, "function_error"), each: each / 20},
		{series: series(metric.CPU, v, "1"), each: each / 200},
		{series: series(metric.ColdStarts, v, "1"), each: each / 20},
		{series: series(metric.Duration, v, "1"), each: each, hist: true},
		{series: series(metric.Init, v, "1"), each: each / 20, hist: true},
	}
	for _, o := range function.DefaultManifest().SLO.Objectives() {
		raw = append(raw,
			moving{series: series(metric.Objective, metric.SLO, o.Name, metric.Window, "30d"), each: o.Ratio, level: true},
			moving{series: series(metric.Events, v, "1", metric.SLO, o.Name), each: each},
			moving{series: series(metric.BadEvents, v, "1", metric.SLO, o.Name), each: each / 20},
		)
		rolled = append(rolled,
			series(metric.RolledEvents, metric.SLO, o.Name, metric.Created, "1764200000000"),
			series(metric.RolledBadEvents, metric.SLO, o.Name, metric.Created, "1764200000000"))
	}
	return raw, rolled
}

// filled is what a store was filled with, kept beside it.
type filled struct {
	Now       time.Time
	Functions int
	Raw       time.Duration
	Rolled    time.Duration
	Series    int
}

// killed is where a copy of the store lies, taken while it was open.
func killed(o options) string { return filepath.Join(o.dir, "killed") }

// prepare fills the store, or finds the one that an earlier run with the same -dir
// filled, and returns the time up to which it has samples.
func prepare(ctx context.Context, o options, dir string, f *figures) (time.Time, error) {
	mark := filepath.Join(o.dir, "filled.json")
	var had filled
	if data, err := os.ReadFile(mark); err == nil {
		if err := json.Unmarshal(data, &had); err != nil {
			return time.Time{}, fmt.Errorf("read %s: %w", mark, err)
		}
		if had.Functions != o.functions || had.Raw != o.raw || had.Rolled != o.rolled {
			return time.Time{}, fmt.Errorf("%s was filled with something else: %+v", o.dir, had)
		}
		f.filled = had.Series
		return had.Now, nil
	}
	db, err := tsdb.Open(tsdb.Config{Dir: dir})
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = db.Close() }()
	now := time.Now().Truncate(step)
	if f.filled, err = fill(ctx, db, o, now); err != nil {
		return time.Time{}, err
	}
	if err := settle(ctx, filepath.Join(dir, "rollups")); err != nil {
		return time.Time{}, err
	}
	if err := os.CopyFS(killed(o), os.DirFS(dir)); err != nil {
		return time.Time{}, err
	}
	data, err := json.Marshal(filled{now, o.functions, o.raw, o.rolled, f.filled})
	if err != nil {
		return time.Time{}, err
	}
	return now, os.WriteFile(mark, data, 0o600)
}

// settle waits until the store has made blocks of what was written faster than it
// ever is: until none is being written, and none came or went for a while.
func settle(ctx context.Context, dir string) error {
	const calm = 8 * time.Second
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	last, since := "", time.Now()
	for time.Since(since) < calm {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		now := fmt.Sprint(entries)
		if now != last || strings.Contains(now, ".tmp-for-") {
			last, since = now, time.Now()
		}
	}
	return nil
}

// fill writes the raw samples and rollups of all functions up to now.
func fill(ctx context.Context, db *tsdb.DB, o options, now time.Time) (series int, err error) {
	var raw []moving
	var rolled [][]*metric.Series
	for i := range o.functions {
		r, totals := seriesOf(i)
		raw, rolled = append(raw, r...), append(rolled, totals)
	}
	// Two stores, and in the raw one series that never meet: so all processors fill.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var filling sync.WaitGroup
	begin := func(part func() error) {
		filling.Go(func() {
			if err := part(); err != nil {
				cancel(err)
			}
		})
	}
	begin(func() error { return fillRollups(ctx, db, o, rolled, now) })
	half := len(raw) / 2
	for _, series := range [][]moving{raw[:half], raw[half:]} {
		begin(func() error { return fillRaw(ctx, db, o, series, now) })
	}
	filling.Wait()
	return len(raw) + 4*o.functions, context.Cause(ctx)
}

func fillRaw(ctx context.Context, db *tsdb.DB, o options, series []moving, now time.Time) error {
	var chunk []metric.Sample
	for n := range int(o.raw / step) {
		at := now.Add(time.Duration(n+1)*step - o.raw).UnixMilli()
		for i := range series {
			if chunk = append(chunk, series[i].sample(at, n)); len(chunk) == 10_000 || i == len(series)-1 {
				if err := db.Append(ctx, chunk); err != nil {
					return err
				}
				chunk = chunk[:0]
			}
		}
	}
	return nil
}

func fillRollups(ctx context.Context, db *tsdb.DB, o options, rolled [][]*metric.Series, now time.Time) error {
	var chunk []metric.Sample
	flush := func() error {
		err := db.AppendRollups(ctx, chunk)
		chunk = chunk[:0]
		return err
	}
	for n := range int(o.rolled / metric.RollupEvery) {
		at := now.Add(time.Duration(n+1)*metric.RollupEvery - o.rolled).UnixMilli()
		for i, series := range rolled {
			rests := time.Duration(n)*metric.RollupEvery%metric.RollupRest != 0
			if !busy(i) && rests {
				continue
			}
			for k, s := range series {
				total := 1000.
				if busy(i) {
					total = float64(400 * (n + 1))
				}
				if k%2 == 1 {
					total /= 20
				}
				if chunk = append(chunk, metric.Sample{Series: s, T: at, V: total}); len(chunk) == 10_000 {
					if err := flush(); err != nil {
						return err
					}
				}
			}
		}
	}
	return flush()
}
