package app

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"time"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/runtime/function"
	"hadron/storage/tsdb"
)

// history is what one function counted, to be evaluated anew.
type history struct {
	name   function.Name
	series map[string]*metric.Series
	rows   []row
	// thresholds are what latency objectives were counted by, seconds; more than one where
	// they changed.
	thresholds map[string][]float64
	objectives []recordedObjective
}

type row struct {
	series *metric.Series
	t      int64
	v      float64
}

// recordedObjective is the last sample of an objective's series.
type recordedObjective struct {
	slo, window string
	ratio       float64
	t           int64
}

// maxHistory bounds the samples of a history: ten days of some fifteen versions at 15 s.
const maxHistory = 2_000_000

func newHistory(name function.Name) *history {
	return &history{name: name, series: map[string]*metric.Series{}, thresholds: map[string][]float64{}}
}

// add takes a sample of the function's objectives; others are left out.
func (h *history) add(set metric.Labels, t int64, v float64) error {
	slo := set.Get(metric.SLO)
	switch set.Get(metric.Name) {
	case metric.Events, metric.BadEvents:
		return h.put(set, t, v)
	case metric.Threshold:
		if !metric.IsStale(v) && !slices.Contains(h.thresholds[slo], v) {
			h.thresholds[slo] = append(h.thresholds[slo], v)
		}
	case metric.Objective:
		h.note(recordedObjective{slo, set.Get(metric.Window), v, t})
	}
	return nil
}

// note keeps the newest of each objective.
func (h *history) note(o recordedObjective) {
	if metric.IsStale(o.ratio) {
		return
	}
	for i, known := range h.objectives {
		if known.slo == o.slo {
			if o.t >= known.t {
				h.objectives[i] = o
			}
			return
		}
	}
	h.objectives = append(h.objectives, o)
}

func (h *history) put(set metric.Labels, t int64, v float64) error {
	if len(h.rows) == maxHistory {
		return fmt.Errorf("%w: it has more than %d samples; give a shorter time", alerting.ErrTooMuchHistory, maxHistory)
	}
	id := fmt.Sprint(set)
	s := h.series[id]
	if s == nil {
		s = &metric.Series{Labels: set}
		h.series[id] = s
	}
	h.rows = append(h.rows, row{s, t, v})
	return nil
}

// drop takes out what was counted for an objective.
func (h *history) drop(slo string) {
	h.rows = slices.DeleteFunc(h.rows, func(r row) bool { return r.series.Labels.Get(metric.SLO) == slo })
}

// bounds are the times of the first and the last event that was counted.
func (h *history) bounds() (first, last time.Time) {
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	for _, r := range h.rows {
		low, high = min(low, r.t), max(high, r.t)
	}
	if high < low {
		return time.Time{}, time.Time{}
	}
	return time.UnixMilli(low).UTC(), time.UnixMilli(high).UTC()
}

// countedBy reports whether the objective was counted by this threshold, all the time.
func (h *history) countedBy(o function.Objective) bool {
	known := h.thresholds[o.Name]
	return o.Threshold == 0 || len(known) == 1 && math.Abs(known[0]-o.Threshold.Seconds()) < 1e-9
}

// recorded reads the function's counters from the store.
func recorded(ctx context.Context, db *tsdb.DB, name function.Name, from, to time.Time) (*history, error) {
	h := newHistory(name)
	for _, series := range []string{metric.Events, metric.BadEvents, metric.Threshold, metric.Objective} {
		if err := db.Samples(ctx, seriesOf(series, name), from, to, h.add); err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
	}
	return h, nil
}

func seriesOf(series string, name function.Name) metric.Labels {
	return metric.NewLabels(series, metric.Team, name.Team(), metric.Project, name.Project(), metric.Function, name.Base())
}

// piece is how much of the durations is read at once: histograms are large.
const piece = 6 * time.Hour

// measured counts a latency objective anew, by its threshold, from the durations that
// the store has as native histograms: their counters tell of the old threshold only.
func (h *history) measured(ctx context.Context, db *tsdb.DB, o function.Objective, from, to time.Time, step time.Duration) error {
	h.drop(o.Name)
	selector := fmt.Sprintf("%s{%s=%q,%s=%q,%s=%q}", metric.Duration,
		metric.Team, h.name.Team(), metric.Project, h.name.Project(), metric.Function, h.name.Base())
	slow := map[string]float64{} // so far, by series: a counter only rises
	counted := map[string]float64{}
	for at := from; !at.After(to); at = at.Add(piece) {
		end := at.Add(piece - step)
		if end.After(to) {
			end = to
		}
		all, err := db.QueryRange(ctx, "histogram_count("+selector+")", at, end, step)
		if err != nil {
			return fmt.Errorf("read durations: %w", err)
		}
		fast, err := db.QueryRange(ctx, "histogram_fraction(0, "+strconv.FormatFloat(o.Threshold.Seconds(), 'f', -1, 64)+", "+selector+")", at, end, step)
		if err != nil {
			return fmt.Errorf("read durations: %w", err)
		}
		shares := map[string]map[int64]float64{}
		for _, r := range fast {
			of := make(map[int64]float64, len(r.T))
			for i, t := range r.T {
				of[t] = r.V[i]
			}
			shares[fmt.Sprint(r.Labels)] = of
		}
		for _, r := range all {
			id := fmt.Sprint(r.Labels)
			for i, t := range r.T {
				n := r.V[i]
				if n < counted[id] {
					slow[id] = 0 // it began anew
				}
				counted[id] = n
				if share := shares[id][t]; n > 0 && !math.IsNaN(share) {
					// Buckets that were merged tell a little less: no reason to count backwards.
					slow[id] = max(slow[id], n*(1-min(1, share)))
				}
				if err := h.put(h.labels(metric.Events, o.Name, r.Labels), t, n); err != nil {
					return err
				}
				if err := h.put(h.labels(metric.BadEvents, o.Name, r.Labels), t, slow[id]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (h *history) labels(series, slo string, from metric.Labels) metric.Labels {
	return metric.NewLabels(series, metric.Team, h.name.Team(), metric.Project, h.name.Project(), metric.Function, h.name.Base(),
		metric.SLO, slo, metric.Version, from.Get(metric.Version), metric.Instance, from.Get(metric.Instance))
}

// batch is how many samples are appended in one transaction.
const batch = 20_000

// store puts the history into a metric store of its own, with the objectives that are
// tried, up to the end; done throws it away.
func (h *history) store(ctx context.Context, s function.SLO, end time.Time) (db *tsdb.DB, done func(), err error) {
	dir, err := os.MkdirTemp("", "hadron-backtest-")
	if err != nil {
		return nil, nil, fmt.Errorf("make room for the history: %w", err)
	}
	db, err = tsdb.Open(tsdb.Config{Dir: dir, Retention: 10 * 365 * 24 * time.Hour})
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, nil, err
	}
	done = func() {
		_ = db.Close() // of what is thrown away
		_ = os.RemoveAll(dir)
	}
	first, last := h.bounds()
	for _, o := range s.Objectives() {
		promise := &metric.Series{Labels: append(seriesOf(metric.Objective, h.name), metric.Label{Name: metric.SLO, Value: o.Name}, metric.Label{Name: metric.Window, Value: s.Window.String()})}
		for t := first; !t.After(later(last, end)); t = t.Add(time.Minute) { // well under the lookback of a query
			h.rows = append(h.rows, row{promise, t.UnixMilli(), o.Ratio})
		}
	}
	slices.SortStableFunc(h.rows, func(a, b row) int { return cmp.Compare(a.t, b.t) })
	samples := make([]metric.Sample, 0, batch)
	for rows := range slices.Chunk(h.rows, batch) {
		samples = samples[:0]
		for _, r := range rows {
			samples = append(samples, metric.Sample{Series: r.series, T: r.t, V: r.v})
		}
		if err := db.Append(ctx, samples); err != nil {
			done()
			return nil, nil, fmt.Errorf("read history: %w", err)
		}
	}
	return db, done, nil
}
