package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/storage/tsdb"
)

// heard is when somebody would have been told of a scenario's function.
type heard struct{ pages, tickets []span }

// hadron replays the timeline through the product's evaluator.
func hadron(ctx context.Context, db *tsdb.DB, all []scenario, start time.Time) (map[function.Name]heard, error) {
	functions := make([]*function.Function, len(all))
	for i := range all {
		m := function.DefaultManifest()
		m.SLO.Window = sloWindow
		if all[i].slo == "availability" {
			m.SLO.Availability, m.SLO.Latency = all[i].objective*100, []function.Latency{}
		}
		functions[i] = &function.Function{Name: all[i].name, Spec: m, SpecOf: 1, Latest: 1}
	}
	found, err := alerting.Replay(ctx, alerting.ReplayConfig{
		QueryRange: db.QueryRange, Functions: functions, From: start.Add(history), To: start.Add(length), Interval: step, Rollups: true,
	})
	if err != nil {
		return nil, err
	}
	out := map[function.Name]heard{}
	for _, e := range found {
		if e.FiredAt.IsZero() {
			continue
		}
		at := span{e.FiredAt.Sub(start), length}
		if !e.EndedAt.IsZero() {
			at.to = e.EndedAt.Sub(start)
		}
		h := out[e.Function]
		h.add(e.Class == slo.Page, at)
		out[e.Function] = h
	}
	return out, nil
}

func (h *heard) add(isPage bool, at span) {
	if isPage {
		h.pages = append(h.pages, at)
	} else {
		h.tickets = append(h.tickets, at)
	}
}

// merged joins spans that touch: whoever is told once is told.
func merged(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

// slothRule is a rule that sloth generated.
type slothRule struct {
	Service  string            `json:"service"`
	Record   string            `json:"record"`
	Alert    string            `json:"alert"`
	Expr     string            `json:"expr"`
	For      string            `json:"for"`
	Interval string            `json:"interval"`
	Labels   map[string]string `json:"labels"`
}

// slothRules asks sloth, by its own name for each function, for the rules of the same
// objectives. program is the command of bench/alerts/sloth.
func slothRules(ctx context.Context, program []string, all []scenario) ([]slothRule, error) {
	type objective struct {
		Service   string  `json:"service"`
		SLO       string  `json:"slo"`
		Objective float64 `json:"objective"`
		Bad       string  `json:"bad"`
		All       string  `json:"all"`
	}
	asked := make([]objective, len(all))
	for i, s := range all {
		selector := fmt.Sprintf(`{team=%q,project=%q,function=%q,slo=%q}`, s.name.Team(), s.name.Project(), s.name.Base(), s.slo)
		asked[i] = objective{
			Service: strings.ReplaceAll(string(s.name), "/", "-"), SLO: s.slo, Objective: s.objective * 100,
			Bad: "sum(rate(" + metric.BadEvents + selector + "[{{.window}}]))",
			All: "sum(rate(" + metric.Events + selector + "[{{.window}}]))",
		}
	}
	input, err := json.Marshal(asked)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program[0], program[1:]...)
	var problem bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &problem
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run sloth: %w: %s", err, problem.String())
	}
	var out []slothRule
	if err := json.Unmarshal(output, &out); err != nil {
		return nil, fmt.Errorf("read sloth's rules: %w", err)
	}
	return out, nil
}

// pace is how often a recording is evaluated: as the product's rule over the same
// window, so that neither is at an advantage.
func pace(r slothRule) time.Duration {
	switch r.Labels["sloth_window"] {
	case "1d":
		return time.Minute
	case "3d":
		return 2 * time.Minute
	}
	return step
}

// sloth evaluates sloth's rules as Prometheus's rule manager would: recordings into a
// store of their own, with staleness markers, and alerts over those.
func sloth(ctx context.Context, db, recorded *tsdb.DB, rules []slothRule, all []scenario, start time.Time) (map[function.Name]heard, error) {
	var records, alerts []slothRule
	for _, r := range rules {
		switch {
		case r.Alert != "":
			alerts = append(alerts, r)
		case strings.HasPrefix(r.Record, "slo:sli_error:ratio_rate") && r.Labels["sloth_window"] != sloWindow.String():
			records = append(records, r) // the others are not read by any alert
		}
	}
	names := map[string]function.Name{}
	for _, s := range all {
		names[strings.ReplaceAll(string(s.name), "/", "-")] = s.name
	}
	w := &recorder{db: db, into: recorded, start: start, live: map[int]bool{}}
	for _, r := range records {
		pairs := make([]string, 0, 2*len(r.Labels))
		for name, value := range r.Labels {
			pairs = append(pairs, name, value)
		}
		w.rules = append(w.rules, r)
		w.series = append(w.series, &metric.Series{Labels: metric.NewLabels(r.Record, pairs...)})
	}
	out := map[function.Name]heard{}
	const piece = 6 * time.Hour
	for from := history; from < length; from += piece {
		to := min(from+piece, length)
		if err := w.record(ctx, from, to); err != nil {
			return nil, err
		}
		for _, r := range alerts {
			found, err := recorded.QueryRange(ctx, r.Expr, start.Add(from), start.Add(to-step), step)
			if err != nil {
				return nil, fmt.Errorf("evaluate %s of %s: %w", r.Alert, r.Service, err)
			}
			h := out[names[r.Service]]
			for _, series := range found {
				for _, t := range series.T {
					at := time.UnixMilli(t).Sub(start)
					h.add(r.Labels["sloth_severity"] == "page", span{at, at + step})
				}
			}
			h.pages, h.tickets = merged(h.pages), merged(h.tickets)
			out[names[r.Service]] = h
		}
	}
	return out, nil
}

// recorder evaluates recording rules.
type recorder struct {
	db, into *tsdb.DB
	start    time.Time
	rules    []slothRule
	series   []*metric.Series
	live     map[int]bool // rules whose series has a value
}

// record evaluates every recording from the one time up to the other and appends it in
// the order of time, as the store wants it.
func (w *recorder) record(ctx context.Context, from, to time.Duration) error {
	batches := map[int64][]metric.Sample{}
	for i, r := range w.rules {
		every := pace(r)
		found, err := w.db.QueryRange(ctx, r.Expr, w.start.Add(from), w.start.Add(to-time.Millisecond), every)
		if err != nil {
			return fmt.Errorf("record %s of %s: %w", r.Record, r.Service, err)
		}
		values := map[int64]float64{}
		for _, series := range found {
			for j, t := range series.T {
				values[t] = series.V[j]
			}
		}
		for at := from; at < to; at += every {
			t := w.start.Add(at).UnixMilli()
			v, ok := values[t]
			switch {
			case ok:
				batches[t] = append(batches[t], metric.Sample{Series: w.series[i], T: t, V: v})
			case w.live[i]:
				batches[t] = append(batches[t], metric.Sample{Series: w.series[i], T: t, V: metric.Stale})
			}
			w.live[i] = ok
		}
	}
	times := make([]int64, 0, len(batches))
	for t := range batches {
		times = append(times, t)
	}
	slices.Sort(times)
	for _, t := range times {
		if err := w.into.Append(ctx, batches[t]); err != nil {
			return fmt.Errorf("append recordings: %w", err)
		}
	}
	return nil
}
