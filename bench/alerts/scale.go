package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/storage/tsdb"
)

// filled is how much history a store has for the measurement: as much as the longest
// window that is read from raw samples of every function.
const filled = 6 * time.Hour

// burningShare is how many functions burn their budgets in the second measurement: each
// hundredth, of which both windows are read.
const burningShare = 100

// scale measures one evaluation with every rule due, over functions that are well and
// over some that are not.
func scale(ctx context.Context, sizes []int) (string, error) {
	var b strings.Builder
	b.WriteString("| functions | objectives | rules | longest tick: processor time | the pages alone | at their pace: share of one core | with 1 % of them burning |\n|---|---|---|---|---|---|---|\n")
	for _, n := range sizes {
		calm, err := measure(ctx, n, 0)
		if err != nil {
			return "", err
		}
		burning, err := measure(ctx, n, max(1, n/burningShare))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "| %d | %d | %d | %s | %s | %.2f %% | %s |\n", n, 2*n, calm.rules, millis(calm.processor), millis(calm.pages), 100*calm.share, millis(burning.processor))
	}
	return b.String(), nil
}

func millis(d time.Duration) string {
	if d >= time.Second {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.3g ms", float64(d.Microseconds())/1000)
}

type measured struct {
	rules            int
	processor, pages time.Duration
	share            float64 // of one core, with each rule at its pace
}

func measure(ctx context.Context, n, burning int) (measured, error) {
	dir, err := os.MkdirTemp("", "hadron-alerts-")
	if err != nil {
		return measured{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	db, err := tsdb.Open(tsdb.Config{Dir: filepath.Join(dir, "metrics"), QueryMaxSamples: 100_000_000, QueryTimeout: 10 * time.Minute})
	if err != nil {
		return measured{}, err
	}
	defer func() { _ = db.Close() }()
	functions, at, err := fill(ctx, db, n, burning)
	if err != nil {
		return measured{}, err
	}
	clock := time.Now()
	e, err := alerting.New(alerting.Config{
		Query: db.Query, List: func(context.Context) ([]*function.Function, error) { return functions, nil },
		Store: alerting.Forgetful{}, Interval: step, Now: func() time.Time { return at.Add(time.Since(clock)) }, QueryTimeout: 10 * time.Minute,
	})
	if err != nil {
		return measured{}, err
	}
	began := processor()
	if err := e.Start(ctx); err != nil {
		return measured{}, err
	}
	for e.Status().At.IsZero() && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	m := measured{processor: processor() - began, rules: e.Status().Rules}
	if text := e.Status().LastError; text != "" {
		return measured{}, fmt.Errorf("evaluate %d functions: %s", n, text)
	}
	if firing := e.Status().Firing; (firing > 0) != (burning > 0) {
		return measured{}, fmt.Errorf("%d of %d functions burn, and %d alerts fire", burning, n, firing)
	}
	return m, errJoin(e.Stop(ctx), m.byRule(ctx, db, at))
}

// byRule times the rules' first queries one by one: what each costs at its pace.
func (m *measured) byRule(ctx context.Context, db *tsdb.DB, at time.Time) error {
	for _, r := range slo.Rules(time.Duration(sloWindow), step) {
		began := processor()
		if _, err := db.Query(ctx, r.First(), at); err != nil {
			return err
		}
		took := processor() - began
		m.share += took.Seconds() / r.Interval.Seconds()
		if r.Window.Class == slo.Page {
			m.pages += took
		}
	}
	return nil
}

func errJoin(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// processor is the time that this process has computed.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fill writes the history of n functions with an objective of each sort, the first of
// which fail one call in two.
func fill(ctx context.Context, db *tsdb.DB, n, burning int) ([]*function.Function, time.Time, error) {
	type counted struct {
		all, bad *metric.Series
		rolled   [2]*metric.Series
		fails    bool
	}
	functions := make([]*function.Function, n)
	var counters []counted
	manifest := function.DefaultManifest()
	for i := range n {
		name := function.Name(fmt.Sprintf("team%d/app/f%d", i%100, i))
		functions[i] = &function.Function{Name: name, Spec: manifest, SpecOf: 1, Latest: 1}
		for _, o := range manifest.SLO.Objectives() {
			pairs := []string{metric.Team, name.Team(), metric.Project, name.Project(), metric.Function, name.Base(), metric.SLO, o.Name, metric.Version, strconv.Itoa(1)}
			counters = append(counters, counted{
				&metric.Series{Labels: metric.NewLabels(metric.Events, pairs...)},
				&metric.Series{Labels: metric.NewLabels(metric.BadEvents, pairs...)},
				[2]*metric.Series{
					{Labels: metric.NewLabels(metric.RolledEvents, pairs[:8]...)}, {Labels: metric.NewLabels(metric.RolledBadEvents, pairs[:8]...)},
				},
				i < burning,
			})
		}
	}
	end := time.Now().Truncate(step)
	batch := make([]metric.Sample, 0, 2*len(counters))
	for k := range int(filled/step) + 1 {
		at := end.Add(time.Duration(k)*step - filled).UnixMilli()
		batch = batch[:0]
		for i, c := range counters {
			all := float64(k * (10 + i%90))
			bad := float64(k / 100)
			if c.fails {
				bad = all / 2
			}
			batch = append(batch, metric.Sample{Series: c.all, T: at, V: all}, metric.Sample{Series: c.bad, T: at, V: bad})
		}
		if err := db.Append(ctx, batch); err != nil {
			return nil, end, fmt.Errorf("fill: %w", err)
		}
	}
	// Totals as of now and as of when the long windows begin.
	for i, ago := range []time.Duration{72*time.Hour + time.Minute, 24*time.Hour + time.Minute, time.Minute} {
		rolled := batch[:0]
		for _, c := range counters {
			bad := float64(i)
			if c.fails {
				bad = float64(i) * 50_000
			}
			rolled = append(rolled, metric.Sample{Series: c.rolled[0], T: end.Add(-ago).UnixMilli(), V: float64(i) * 100_000},
				metric.Sample{Series: c.rolled[1], T: end.Add(-ago).UnixMilli(), V: bad})
		}
		if err := db.AppendRollups(ctx, rolled); err != nil {
			return nil, end, fmt.Errorf("fill rollups: %w", err)
		}
	}
	return functions, end, nil
}
