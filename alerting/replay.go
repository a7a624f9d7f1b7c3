package alerting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

// ReplayConfig says what is replayed. All but Rollups is required.
type ReplayConfig struct {
	// QueryRange evaluates PromQL from start to end at each step, as the metric store does.
	QueryRange func(ctx context.Context, expr string, start, end time.Time, step time.Duration) ([]metric.Range, error)
	Functions  []*function.Function // whose alerts are of interest, with the objectives to try
	From, To   time.Time            // both evaluated
	Interval   time.Duration        // between evaluations, as Config.Interval
	Rollups    bool                 // the history has them: long windows are counted from them, as in operation
}

// Validate says what is missing or out of range.
func (c ReplayConfig) Validate() error {
	switch {
	case c.QueryRange == nil:
		return errors.New("alerting: QueryRange is required")
	case c.Interval < time.Millisecond:
		return fmt.Errorf("alerting: interval %s: give at least 1ms", c.Interval)
	case !c.From.Before(c.To):
		return errors.New("alerting: a replay ends after it begins")
	}
	return nil
}

// What a history can lack; each is wrapped with whose it is.
var (
	ErrNoHistory      = errors.New("there is no history")
	ErrTooMuchHistory = errors.New("the history is too long")
)

// Episode is one time that an alert was active in a replay.
type Episode struct {
	Key
	ActiveAt time.Time
	FiredAt  time.Time // zero: it was pending only
	EndedAt  time.Time // zero: it was active at the end
	Why      string    // it fired
	Ended    string    // why it ended; empty where it did not
}

// Replay runs the rules over a history and returns what each alert would have done,
// by time. It is the evaluator itself that runs, with its guards and pace, from a
// state in which nothing is known.
func Replay(ctx context.Context, cfg ReplayConfig) ([]Episode, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	from, to := cfg.From.UTC().Truncate(time.Millisecond), cfg.To.UTC()
	source := &replayed{cfg: cfg, steps: map[string]time.Duration{}, pieces: map[string]*piece{}}
	for _, f := range cfg.Functions {
		for _, r := range slo.Rules(time.Duration(f.Spec.SLO.Window), cfg.Interval) {
			r.Raw = !cfg.Rollups
			for _, c := range []slo.Count{{}, {Bad: true}, {Long: true}, {Long: true, Bad: true}} {
				expr := r.Ask(c, "") // a window of two rules is read at the pace of the faster one
				source.steps[expr] = min(r.Interval, cmp.Or(source.steps[expr], r.Interval))
			}
		}
	}
	store := &episodes{open: map[Key]*Episode{}}
	now := from
	e, err := New(Config{
		Query: source.query, Store: store, Interval: cfg.Interval, Now: func() time.Time { return now },
		List:   func(context.Context) ([]*function.Function, error) { return cfg.Functions, nil },
		Logger: slog.New(slog.DiscardHandler), QueryTimeout: time.Hour, // of history, read at leisure
	})
	if err != nil {
		return nil, err
	}
	e.replaying, e.raw = true, !cfg.Rollups
	for ; !now.After(to); now = now.Add(cfg.Interval) {
		if err := e.evaluate(ctx, now); err != nil {
			return nil, fmt.Errorf("replay %s: %w", now.Format(time.RFC3339), err)
		}
	}
	return store.list(), nil
}

// replayed answers the rules' queries from range queries, a piece at a time: a window
// that slides is read once, not once an evaluation.
type replayed struct {
	cfg    ReplayConfig
	steps  map[string]time.Duration // by expression
	pieces map[string]*piece
}

// pieceSteps bounds what a piece holds in memory.
const pieceSteps = 240

type piece struct {
	from, to time.Time
	points   map[int64][]metric.Point // by Unix milliseconds
}

func (r *replayed) query(ctx context.Context, expr string, at time.Time) ([]metric.Point, error) {
	step := cmp.Or(r.steps[expr], r.cfg.Interval)
	p := r.pieces[expr]
	if p == nil || at.Before(p.from) || at.After(p.to) || at.Sub(p.from)%step != 0 {
		p = &piece{from: at, to: at.Add(step * (pieceSteps - 1)), points: map[int64][]metric.Point{}}
		if end := r.cfg.To.Add(step); p.to.After(end) {
			p.to = end
		}
		found, err := r.cfg.QueryRange(ctx, expr, p.from, p.to, step)
		if err != nil {
			return nil, err
		}
		for _, series := range found {
			for i, t := range series.T {
				p.points[t] = append(p.points[t], metric.Point{Labels: series.Labels, T: t, V: series.V[i]})
			}
		}
		r.pieces[expr] = p
	}
	return p.points[at.UnixMilli()], nil
}

// Forgetful is a Store that keeps nothing, for measurements.
type Forgetful struct{}

// Load implements Store: nothing is known.
func (Forgetful) Load(context.Context, time.Time) (Snapshot, error) { return Snapshot{}, nil }

// Commit implements Store.
func (Forgetful) Commit(context.Context, Change) error { return nil }

// Hands implements Store: nobody did anything.
func (Forgetful) Hands(context.Context) (map[Objective]Hand, error) { return nil, nil }

// episodes is a Store that remembers what happened.
type episodes struct {
	Forgetful
	open map[Key]*Episode
	done []Episode
}

// Commit implements Store.
func (s *episodes) Commit(_ context.Context, c Change) error {
	for k, status := range c.Alerts {
		e := s.open[k]
		switch status.State {
		case Pending, Firing:
			if e == nil {
				e = &Episode{Key: k, ActiveAt: status.ActiveAt}
				s.open[k] = e
			}
			if status.State == Firing && e.FiredAt.IsZero() {
				e.FiredAt, e.Why = status.FiredAt, status.Why
			}
		case Inactive, Resolved, Disabled:
			if e != nil {
				e.EndedAt, e.Ended = c.At, status.Why
				s.done = append(s.done, *e)
				delete(s.open, k)
			}
		}
	}
	return nil
}

func (s *episodes) list() []Episode {
	out := slices.Clone(s.done)
	for _, e := range s.open {
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b Episode) int {
		return cmp.Or(a.ActiveAt.Compare(b.ActiveAt), strings.Compare(string(a.Function), string(b.Function)),
			strings.Compare(a.SLO, b.SLO), compareRules(a.rule(), b.rule()))
	})
	return out
}
