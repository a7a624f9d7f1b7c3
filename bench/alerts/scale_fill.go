package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"hadron/collector/metric"
	"hadron/runtime/function"
	"hadron/storage/tsdb"
)

// filled is how much history of budgets a store has for the measurement: as much as the
// longest window that is read from raw samples of every function; watched is that of the
// series in which symptoms and common causes are seen.
const (
	filled  = 6 * time.Hour
	watched = time.Hour + 5*time.Minute
)

// counted is a series and how it grows with each sample.
type counted struct {
	*metric.Series
	at func(k int) float64
}

// made is one function's series.
type made struct {
	budgets, symptoms []counted
	rolled            []counted // totals; k is the hours since long ago
}

// series are those of a function with an objective of each sort, which has calls all the
// time, a cold start now and then, and asks one host. It fails one call in two, or one
// in some thousands.
func series(name function.Name, objectives []function.Objective, i int, fails bool) made {
	base := []string{metric.Team, name.Team(), metric.Project, name.Project(), metric.Function, name.Base()}
	of := func(series string, at func(int) float64, more ...string) counted {
		pairs := append(append([]string{}, base...), more...)
		return counted{&metric.Series{Labels: metric.NewLabels(series, pairs...)}, at}
	}
	calls := 10 + i%90 // in an interval
	all := func(k int) float64 { return float64(k * calls) }
	few := func(k int) float64 { return float64((k + i%100) / 100) } // not all in the same moment
	bad := few
	if fails {
		bad = func(k int) float64 { return all(k) / 2 }
	}
	level := func(v float64) func(int) float64 { return func(int) float64 { return v } }
	const version = "1"
	var m made
	for _, o := range objectives {
		m.budgets = append(m.budgets,
			of(metric.Events, all, metric.SLO, o.Name, metric.Version, version), of(metric.BadEvents, bad, metric.SLO, o.Name, metric.Version, version))
		total := func(perHour float64) func(int) float64 { return func(h int) float64 { return float64(h) * perHour } }
		lost := 1.0
		if fails {
			lost = 50_000
		}
		m.rolled = append(m.rolled, of(metric.RolledEvents, total(100_000), metric.SLO, o.Name), of(metric.RolledBadEvents, total(lost), metric.SLO, o.Name))
	}
	m.symptoms = []counted{
		of(metric.Invocations, all, metric.Version, version, metric.Trigger, "http"),
		of(metric.Errors, bad, metric.Version, version, metric.CodeName, "function_error"),
		of(metric.Errors, few, metric.Version, version, metric.CodeName, "http_5xx"),
		of(metric.Timeouts, few, metric.Version, version), of(metric.NearTimeout, few, metric.Version, version), of(metric.ColdStarts, few, metric.Version, version),
		of(metric.InFlight, level(3), metric.Version, version), of(metric.Concurrency, level(64)),
		of(metric.Dropped, level(0), metric.Reason, "labels"),
		of(metric.Fetches, all, metric.Version, version, metric.Host, "api.example.com", metric.CodeName, "2xx"),
		of(metric.Fetches, bad, metric.Version, version, metric.Host, "api.example.com", metric.CodeName, "5xx"),
	}
	return m
}

// fill writes the history of n functions in a hundred teams, the first of which fail: they
// are of one team, so that their common cause is looked for.
func fill(ctx context.Context, db *tsdb.DB, n, burning int) ([]*function.Function, time.Time, error) {
	functions := make([]*function.Function, n)
	manifest := function.DefaultManifest()
	all := make([]made, n)
	for i := range n {
		name := function.Name("team" + strconv.Itoa(i/max(1, n/100)) + "/app/f" + strconv.Itoa(i))
		functions[i] = &function.Function{Name: name, Spec: manifest, SpecOf: 1, Latest: 1}
		all[i] = series(name, manifest.SLO.Objectives(), i, i < burning)
	}
	end := time.Now().Truncate(step)
	var batch []metric.Sample
	put := func(list []counted, at time.Time, k int) {
		for _, c := range list {
			batch = append(batch, metric.Sample{Series: c.Series, T: at.UnixMilli(), V: c.at(k)})
		}
	}
	for k := range int(filled/step) + 1 {
		at := end.Add(time.Duration(k)*step - filled)
		batch = batch[:0]
		for _, m := range all {
			put(m.budgets, at, k)
			if end.Sub(at) <= watched {
				put(m.symptoms, at, k)
			}
		}
		if err := db.Append(ctx, batch); err != nil {
			return nil, end, fmt.Errorf("fill: %w", err)
		}
	}
	// Totals as of now, of when the long windows begin, and of the hours to which traffic
	// is compared.
	const longAgo = 22 * 24 // hours
	hours := []int{3*7*24 + 1, 3 * 7 * 24, 2*7*24 + 1, 2 * 7 * 24, 7*24 + 1, 7 * 24, 73, 72, 49, 48, 25, 24, 1, 0}
	for _, ago := range hours {
		at := end.Add(-time.Duration(ago)*time.Hour - time.Minute)
		batch = batch[:0]
		for _, m := range all {
			put(m.rolled, at, longAgo-ago)
		}
		if err := db.AppendRollups(ctx, batch); err != nil {
			return nil, end, fmt.Errorf("fill rollups: %w", err)
		}
	}
	return functions, end, nil
}
