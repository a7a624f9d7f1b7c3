package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/storage/tsdb"
	"hadron/ui/api"
	"hadron/ui/wire"
)

// trial is a history that is evaluated anew with objectives that may be others.
type trial struct {
	history  *history
	slo      function.SLO
	from, to time.Time
	interval time.Duration // between evaluations
	notes    []string
}

// longestWindow is how much history the alerts at a trial's beginning look back at.
func longestWindow(s function.SLO, interval time.Duration) time.Duration {
	var d time.Duration
	for _, w := range slo.Windows(time.Duration(s.Window), interval) {
		d = max(d, w.Long)
	}
	return d
}

// backtest replays what the store holds of a function.
func (a *App) backtest(ctx context.Context, f function.Function, q api.BacktestQuery) (wire.Backtest, error) {
	t := trial{slo: q.SLO, to: q.To, from: q.From, interval: a.cadence()}
	from := t.from.Add(-longestWindow(t.slo, t.interval))
	var err error
	if t.history, err = recorded(ctx, a.parts.metrics, f.Name, from, t.to); err != nil {
		return wire.Backtest{}, err
	}
	first, last := t.history.bounds()
	if !last.After(t.from) {
		return wire.Backtest{}, fmt.Errorf("%w of %s since %s", alerting.ErrNoHistory, f.Name, t.from.UTC().Format(time.RFC3339))
	}
	for _, o := range t.slo.Objectives() {
		if t.history.countedBy(o) {
			continue
		}
		if err := t.history.measured(ctx, a.parts.metrics, o, later(from, first), t.to, a.cfg.Metrics.Interval); err != nil {
			return wire.Backtest{}, err
		}
		t.notes = append(t.notes, fmt.Sprintf("%s was not counted by %s all the time: it is worked out from the histogram of durations, whose buckets are up to a few percent wide.",
			o.Name, o.Threshold))
	}
	return t.run(ctx)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// maxEvaluations bounds a trial: a month at 15 s.
const maxEvaluations = 200_000

// run evaluates the history with the product's own evaluator.
func (t *trial) run(ctx context.Context) (wire.Backtest, error) {
	first, last := t.history.bounds()
	if last.IsZero() {
		return wire.Backtest{}, fmt.Errorf("%w of %s. %s", alerting.ErrNoHistory, t.history.name, strings.Join(t.notes, " "))
	}
	if first.After(t.from) {
		t.from = first
		t.notes = append(t.notes, "The history begins at "+first.UTC().Format("2006-01-02 15:04")+" UTC.")
	}
	if t.to.Before(t.from) || t.to.Sub(t.from)/t.interval > maxEvaluations {
		return wire.Backtest{}, fmt.Errorf("%w: %s at an interval of %s is more than %d evaluations; give a shorter time",
			alerting.ErrTooMuchHistory, function.Duration(t.to.Sub(t.from)), t.interval, maxEvaluations)
	}
	m := function.DefaultManifest()
	m.SLO = t.slo
	f := &function.Function{Name: t.history.name, Spec: m, SpecOf: 1, Latest: 1}
	db, done, err := t.history.store(ctx, t.slo, t.to)
	if err != nil {
		return wire.Backtest{}, err
	}
	defer done()
	out := wire.Backtest{
		Function: string(f.Name), From: t.from, To: t.to, Interval: t.interval.Seconds(), SLO: sloView(t.slo),
		Objectives: []wire.BacktestObjective{}, Alerts: []wire.BacktestAlert{}, Notes: append([]string{}, t.notes...),
	}
	if t.to.After(t.from) {
		episodes, err := alerting.Replay(ctx, alerting.ReplayConfig{
			QueryRange: db.QueryRange, Functions: []*function.Function{f}, From: t.from, To: t.to, Interval: t.interval,
		})
		if err != nil {
			return wire.Backtest{}, err
		}
		for _, e := range episodes {
			if !e.FiredAt.IsZero() {
				out.Alerts = append(out.Alerts, episodeView(e))
			}
		}
	}
	out.Pages, out.Tickets = incidentsOf(out.Alerts, t.to)
	for _, o := range t.slo.Objectives() {
		used, err := t.used(ctx, db, o)
		if err != nil {
			return wire.Backtest{}, err
		}
		out.Objectives = append(out.Objectives, used)
	}
	return out, nil
}

func episodeView(e alerting.Episode) wire.BacktestAlert {
	out := wire.BacktestAlert{
		SLO: e.SLO, Class: string(e.Class), Window: e.Window, FiredAt: e.FiredAt, Why: e.Why, Ended: e.Ended,
	}
	if !e.EndedAt.IsZero() {
		out.EndedAt = &e.EndedAt
	}
	return out
}

// incidentsOf counts those that would have been opened: while any alert of an objective
// fires there is one, and it pages where one of those is a page.
func incidentsOf(alerts []wire.BacktestAlert, end time.Time) (pages, tickets int) {
	type incident struct {
		until time.Time
		page  bool
	}
	open := map[string]incident{}
	count := func(in incident) {
		switch {
		case in.page:
			pages++
		case !in.until.IsZero():
			tickets++
		}
	}
	sorted := slices.Clone(alerts)
	slices.SortStableFunc(sorted, func(a, b wire.BacktestAlert) int { return a.FiredAt.Compare(b.FiredAt) })
	for _, a := range sorted {
		in := open[a.SLO]
		if in.until.IsZero() || a.FiredAt.After(in.until) {
			count(in)
			in = incident{}
		}
		until := end
		if a.EndedAt != nil {
			until = *a.EndedAt
		}
		in.until, in.page = later(in.until, until), in.page || a.Class == string(slo.Page)
		open[a.SLO] = in
	}
	for _, in := range open {
		count(in)
	}
	return pages, tickets
}

// used is what an objective's budget lost in the time of the trial: a sum of events.
func (t *trial) used(ctx context.Context, db *tsdb.DB, o function.Objective) (wire.BacktestObjective, error) {
	out := wire.BacktestObjective{Name: o.Name, Ratio: o.Ratio, Threshold: o.Threshold.Seconds()}
	span := t.to.Sub(t.from).Truncate(time.Second)
	if span < time.Second {
		return out, nil
	}
	sum := func(series string) (float64, error) {
		points, err := db.Query(ctx, fmt.Sprintf("sum(increase(%s{%s=%q}[%ds]))", series, metric.SLO, o.Name, int(span.Seconds())), t.to)
		if err != nil || len(points) == 0 {
			return 0, err
		}
		return points[0].V, nil
	}
	var err error
	if out.Events, err = sum(metric.Events); err != nil {
		return out, err
	}
	if out.Bad, err = sum(metric.BadEvents); err != nil {
		return out, err
	}
	if out.Events > 0 {
		burn := slo.Burn(out.Bad, out.Events, o.Ratio)
		used := burn * min(1, float64(span)/float64(time.Duration(t.slo.Window)))
		out.Burn, out.BudgetUsed = &burn, &used
	}
	return out, nil
}

// FileTrial says how a file of OpenMetrics is replayed.
type FileTrial struct {
	Text     []byte
	Name     function.Name // whose history; empty: the one function that the file has
	SLO      *function.SLO // to try; nil: what the file says
	Since    time.Duration // before the file's end; 0: all of it
	Interval time.Duration // between evaluations
}

// BacktestFile replays a file, without a server. What the file lacks is told by errors
// that wrap alerting.ErrNoHistory or tsdb.ErrBadText.
func BacktestFile(ctx context.Context, c FileTrial) (wire.Backtest, error) {
	found := map[function.Name]*history{}
	if err := tsdb.ReadOpenMetrics(c.Text, func(set metric.Labels, t int64, v float64) error {
		switch set.Get(metric.Name) {
		case metric.Events, metric.BadEvents, metric.Threshold, metric.Objective:
		default:
			return nil
		}
		name := function.Name(set.Get(metric.Team) + "/" + set.Get(metric.Project) + "/" + set.Get(metric.Function))
		if c.Name != "" && name != c.Name {
			return nil
		}
		h := found[name]
		if h == nil {
			h = newHistory(name)
			found[name] = h
		}
		return h.add(set, t, v)
	}); err != nil {
		return wire.Backtest{}, err
	}
	h, err := theOne(found, c.Name)
	if err != nil {
		return wire.Backtest{}, err
	}
	t := trial{history: h, interval: c.Interval}
	if c.SLO != nil {
		t.slo = *c.SLO
	} else if t.slo, err = h.promised(); err != nil {
		return wire.Backtest{}, err
	}
	for _, o := range t.slo.Objectives() {
		switch {
		case h.countedBy(o):
		case len(h.thresholds[o.Name]) == 0:
			t.notes = append(t.notes, fmt.Sprintf("The file does not say by which threshold %s was counted; it is taken for %s.", o.Name, o.Threshold))
		default:
			h.drop(o.Name)
			t.notes = append(t.notes, fmt.Sprintf("%s is left out: the file's counters are of another threshold than %s, and they cannot tell how many calls were slower than that.", o.Name, o.Threshold))
		}
	}
	t.from, t.to = h.bounds()
	if c.Since > 0 {
		t.from = later(t.from, t.to.Add(-c.Since))
	}
	return t.run(ctx)
}

func theOne(found map[function.Name]*history, name function.Name) (*history, error) {
	var names []string
	for n, h := range found {
		if len(h.rows) > 0 {
			names = append(names, string(n))
		}
	}
	slices.Sort(names)
	switch {
	case len(names) == 1:
		return found[function.Name(names[0])], nil
	case len(names) > 1:
		return nil, fmt.Errorf("the file has %d functions: say which, such as %s", len(names), names[0])
	}
	if name != "" {
		return nil, fmt.Errorf("%w: the file has no samples of %s of %s", alerting.ErrNoHistory, metric.Events, name)
	}
	return nil, fmt.Errorf("%w: the file has no samples of %s", alerting.ErrNoHistory, metric.Events)
}

// promised is the SLO that the history's own series tell.
func (h *history) promised() (function.SLO, error) {
	var out function.SLO
	out.Latency = []function.Latency{}
	for _, o := range h.objectives {
		w, err := function.ParseDuration(o.window)
		if err != nil {
			return out, fmt.Errorf("the file's %s has the window %q: %w", metric.Objective, o.window, err)
		}
		out.Window = w
		if o.slo == "availability" {
			out.Availability = o.ratio * 100
			continue
		}
		l := function.Latency{Quantile: o.ratio}
		if known := h.thresholds[o.slo]; len(known) == 1 {
			l.Threshold = function.Duration(known[0] * float64(time.Second))
		}
		out.Latency = append(out.Latency, l)
	}
	if out.Availability == 0 {
		return out, fmt.Errorf("the file has no %s that says what was promised: give --manifest hadron.yaml", metric.Objective)
	}
	return out, nil
}
