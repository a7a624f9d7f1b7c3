package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/storage/tsdb"
)

// burningShare is how many functions burn their budgets in the second measurement: each
// hundredth, of which both windows are read and a common cause is looked for.
const burningShare = 100

// symptomEvery is how often Hadron looks for each symptom, one in an evaluation.
const symptomEvery = 5 * time.Minute

// scale measures every rule, over functions that are well and over some that are not.
func scale(ctx context.Context, sizes []int) (string, error) {
	var b, each strings.Builder
	b.WriteString("| functions | objectives | rules | all of them once: processor time | budgets | symptoms | with 1 % that burn and their common causes | longest tick | at their pace: share of one core |\n" +
		"|---|---|---|---|---|---|---|---|---|\n")
	for i, n := range sizes {
		calm, err := measure(ctx, n, 0)
		if err != nil {
			return "", err
		}
		burning, err := measure(ctx, n, max(1, n/burningShare))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "| %d | %d | %d + %d + %d | %s | %s | %s | %s | %s | %.2f %% |\n", n, 2*n, calm.burnRules, len(calm.symptoms), burning.causes,
			millis(calm.budgets+calm.sum()), millis(calm.budgets), millis(calm.sum()), millis(burning.budgets+burning.sum()+burning.cause), millis(max(calm.tick, burning.tick)), 100*calm.share)
		if i < len(sizes)-1 {
			continue
		}
		fmt.Fprintf(&each, "\nBy symptom, with %d functions: ", n)
		for j, s := range calm.symptoms {
			if j > 0 {
				each.WriteString(", ")
			}
			fmt.Fprintf(&each, "`%s` %s", s.kind, millis(s.took))
		}
		each.WriteString(".\n")
	}
	return b.String() + each.String(), nil
}

func millis(d time.Duration) string {
	if d >= time.Second {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.3g ms", float64(d.Microseconds())/1000)
}

type measured struct {
	burnRules, causes int                      // queries of common causes
	tick              time.Duration            // processor time of an evaluation with every budget due, as after a start
	budgets, cause    time.Duration            // of its queries for budgets and for common causes, one by one
	asked             map[string]time.Duration // of those for budgets, by what was asked
	symptoms          []symptom
	share             float64 // of one core, with each rule at its pace
}

type symptom struct {
	kind string
	took time.Duration
}

func (m measured) sum() (d time.Duration) {
	for _, s := range m.symptoms {
		d += s.took
	}
	return d
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
	m := measured{asked: map[string]time.Duration{}}
	clock := time.Now()
	e, err := alerting.New(alerting.Config{
		Query: m.watch(db.Query), List: func(context.Context) ([]*function.Function, error) { return functions, nil },
		Store: alerting.Forgetful{}, Interval: step, Now: func() time.Time { return at.Add(time.Since(clock)) }, QueryTimeout: 10 * time.Minute,
	})
	if err != nil {
		return m, err
	}
	runtime.GC() // what filling left behind is not the evaluation's
	if err := rest(ctx); err != nil {
		return m, err
	}
	began := processor()
	if err := e.Start(ctx); err != nil {
		return m, err
	}
	for e.Status().At.IsZero() && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	m.tick, m.burnRules = processor()-began, e.Status().Rules
	if text := e.Status().LastError; text != "" {
		return m, fmt.Errorf("evaluate %d functions: %s", n, text)
	}
	if firing := e.Status().Firing; (firing > 0) != (burning > 0) {
		return m, fmt.Errorf("%d of %d functions burn, and %d alerts fire", burning, n, firing)
	}
	if err := e.Stop(ctx); err != nil {
		return m, err
	}
	return m, m.byRule(ctx, db, at)
}

// watch tells the queries for budgets, symptoms and common causes apart, and sums what the
// first and the last cost. The evaluator asks one after the other.
func (m *measured) watch(query func(context.Context, string, time.Time) ([]metric.Point, error)) func(context.Context, string, time.Time) ([]metric.Point, error) {
	return func(ctx context.Context, expr string, at time.Time) ([]metric.Point, error) {
		began := processor()
		points, err := query(ctx, expr, at)
		took := processor() - began
		switch {
		case strings.Contains(expr, metric.Events) || strings.Contains(expr, metric.BadEvents):
			m.budgets += took
			m.asked[narrowed.ReplaceAllString(expr, "")] += took
		case !isSymptom(expr):
			m.causes++
			m.cause += took
		}
		return points, err
	}
}

// narrowed is what narrows a query to functions.
var narrowed = regexp.MustCompile(`\{[^}]*\}`)

func isSymptom(expr string) bool {
	asked := narrowed.ReplaceAllString(expr, "")
	for _, s := range slo.Symptoms() {
		if !s.Known && (asked == narrowed.ReplaceAllString(s.Expr(""), "") || expr == s.Suspects()) {
			return true
		}
	}
	return false
}

// byRule times the rules' queries one by one: what each costs at its pace.
func (m *measured) byRule(ctx context.Context, db *tsdb.DB, at time.Time) error {
	ask := func(expr string) (time.Duration, error) {
		began := processor()
		_, err := db.Query(ctx, expr, at)
		return processor() - began, err
	}
	for _, r := range slo.Rules(time.Duration(sloWindow), step) {
		for _, c := range []slo.Count{{Long: r.LongFirst(), Bad: true}, {Long: r.LongFirst()}} {
			expr := r.Ask(c, "")
			took, known := m.asked[expr]
			if !known { // left to a later tick
				var err error
				if took, err = ask(expr); err != nil {
					return err
				}
				m.budgets += took
			}
			m.share += took.Seconds() / r.Interval.Seconds()
		}
	}
	for _, s := range slo.Symptoms() {
		if s.Known {
			continue // nothing is asked
		}
		took, err := ask(cmp.Or(s.Suspects(), s.Expr(""))) // nobody is suspect here
		if err != nil {
			return fmt.Errorf("symptom %s: %w", s.Kind, err)
		}
		m.symptoms = append(m.symptoms, symptom{s.Kind, took})
		m.share += took.Seconds() / symptomEvery.Seconds()
	}
	return nil
}

// rest waits until the store has put what it was filled with into blocks.
func rest(ctx context.Context) error {
	const look = 500 * time.Millisecond
	for {
		before := processor()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(look):
		}
		if processor()-before < look/50 {
			return nil
		}
	}
}

// processor is the time that this process has computed.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
