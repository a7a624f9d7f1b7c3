package tsdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"hadron/collector/metric"
)

// Query evaluates an expression at one instant. The answer is sorted by labels,
// whatever sort function the expression ends in; a scalar is one point without
// labels. Errors: ErrBadQuery, ErrQueryTimeout, ErrHistogramResult, ErrClosed,
// and the cause of ctx.
func (d *DB) Query(ctx context.Context, expr string, at time.Time) (out []metric.Point, err error) {
	err = d.instant(ctx, expr, at, func(answer parser.Value) (err error) {
		switch value := answer.(type) {
		case promql.Scalar:
			out = []metric.Point{{T: value.T, V: value.V}}
		case promql.Vector:
			out, err = points(value)
		default:
			err = fmt.Errorf("query metrics: %w: the answer is a %s, not numbers at one instant", ErrBadQuery, answer.Type())
		}
		return err
	})
	return out, err
}

// QueryDistributions evaluates an expression whose answer is native histograms at one
// instant, sorted by labels; numbers among them are left out. Errors are those of Query.
func (d *DB) QueryDistributions(ctx context.Context, expr string, at time.Time) (out []metric.Distribution, err error) {
	err = d.instant(ctx, expr, at, func(answer parser.Value) error {
		vector, ok := answer.(promql.Vector)
		if !ok {
			return fmt.Errorf("query metrics: %w: the answer is a %s, not histograms at one instant", ErrBadQuery, answer.Type())
		}
		out = distributions(vector)
		return nil
	})
	return out, err
}

// instant evaluates an expression; what use is given ends with it.
func (d *DB) instant(ctx context.Context, expr string, at time.Time, use func(parser.Value) error) error {
	ctx, stop := d.Bind(ctx)
	defer stop()
	query, err := d.own.NewInstantQuery(ctx, d.Queryable(), nil, expr, at)
	if err != nil {
		return queryError(ctx, err, ErrBadQuery)
	}
	defer query.Close()
	result := query.Exec(ctx)
	if result.Err != nil {
		return queryError(ctx, result.Err, nil)
	}
	return use(result.Value)
}

// QueryRange evaluates an expression at start, start+step and so on up to end
// inclusive. The answer is sorted by labels, each series by time; a step without
// a value is left out. Errors are those of Query.
func (d *DB) QueryRange(ctx context.Context, expr string, start, end time.Time, step time.Duration) ([]metric.Range, error) {
	switch {
	case step < time.Millisecond:
		return nil, fmt.Errorf("query metrics: %w: step %s is shorter than 1ms", ErrBadQuery, step)
	case end.Before(start):
		return nil, fmt.Errorf("query metrics: %w: the range ends before it starts", ErrBadQuery)
	}
	ctx, stop := d.Bind(ctx)
	defer stop()
	query, err := d.own.NewRangeQuery(ctx, d.Queryable(), nil, expr, start, end, step)
	if err != nil {
		return nil, queryError(ctx, err, ErrBadQuery)
	}
	defer query.Close()
	result := query.Exec(ctx)
	if result.Err != nil {
		return nil, queryError(ctx, result.Err, nil)
	}
	matrix, err := result.Matrix()
	if err != nil {
		return nil, queryError(ctx, err, nil)
	}
	return ranges(matrix)
}

func points(vector promql.Vector) ([]metric.Point, error) {
	slices.SortFunc(vector, func(a, b promql.Sample) int { return labels.Compare(a.Metric, b.Metric) })
	out := make([]metric.Point, len(vector))
	for i, sample := range vector {
		if sample.H != nil {
			return nil, fmt.Errorf("query metrics: %w", ErrHistogramResult)
		}
		out[i] = metric.Point{Labels: fromLabels(sample.Metric), T: sample.T, V: sample.F}
	}
	return out, nil
}

func distributions(vector promql.Vector) (out []metric.Distribution) {
	slices.SortFunc(vector, func(a, b promql.Sample) int { return labels.Compare(a.Metric, b.Metric) })
	for _, sample := range vector {
		if sample.H == nil || !histogram.IsExponentialSchema(sample.H.Schema) {
			continue
		}
		to := metric.Distribution{Labels: fromLabels(sample.Metric), Schema: sample.H.Schema, ZeroCount: sample.H.ZeroCount}
		for buckets := sample.H.PositiveBucketIterator(); buckets.Next(); {
			if b := buckets.At(); b.Count != 0 {
				to.Buckets = append(to.Buckets, metric.Bucket{Index: b.Index, Count: b.Count})
			}
		}
		out = append(out, to)
	}
	return out
}

func ranges(matrix promql.Matrix) ([]metric.Range, error) {
	slices.SortFunc(matrix, func(a, b promql.Series) int { return labels.Compare(a.Metric, b.Metric) })
	out := make([]metric.Range, len(matrix))
	for i, series := range matrix {
		if len(series.Histograms) > 0 {
			return nil, fmt.Errorf("query metrics: %w", ErrHistogramResult)
		}
		to := metric.Range{
			Labels: fromLabels(series.Metric),
			T:      make([]int64, len(series.Floats)),
			V:      make([]float64, len(series.Floats)),
		}
		for j, point := range series.Floats {
			to.T[j], to.V[j] = point.T, point.F
		}
		out[i] = to
	}
	return out, nil
}

// queryError translates the engine's errors; otherwise is the sentinel of those
// it has no word for.
func queryError(ctx context.Context, err, otherwise error) error {
	var (
		canceled promql.ErrQueryCanceled
		timeout  promql.ErrQueryTimeout
	)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("query metrics: %w", context.Cause(ctx))
	case errors.Is(err, ErrClosed):
	case errors.As(err, &timeout), errors.Is(err, context.DeadlineExceeded): // while it ran, or waited
		otherwise = ErrQueryTimeout
	case errors.As(err, &canceled):
		otherwise = context.Canceled
	}
	if otherwise != nil {
		return fmt.Errorf("query metrics: %w: %w", otherwise, err)
	}
	return fmt.Errorf("query metrics: %w", err)
}

// LabelValues lists the values that a label has between two times, sorted; of
// __name__ the names of metrics. Errors: ErrClosed and the cause of ctx.
func (d *DB) LabelValues(ctx context.Context, label string, from, to time.Time) ([]string, error) {
	ctx, stop := d.Bind(ctx)
	defer stop()
	querier, err := d.Queryable().Querier(from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("list label values: %w", err)
	}
	values, _, err := querier.LabelValues(ctx, label, nil)
	values = slices.Clone(values) // theirs end with the querier
	for i := range values {
		values[i] = strings.Clone(values[i])
	}
	if err = errors.Join(err, querier.Close()); err != nil {
		return nil, fmt.Errorf("list label values: %w", err)
	}
	return values, nil
}

// Bounds returns the times of the oldest and newest raw sample, both zero where
// there is none.
func (d *DB) Bounds() (oldest, newest time.Time) { return d.bounds(d.db) }

// slots bounds an engine's running queries. The rest wait their turn, and past
// a number of those more are refused with ErrBusy.
type slots struct {
	free    chan struct{}
	waiting chan struct{}
}

func newSlots(running, waiting int) *slots {
	return &slots{make(chan struct{}, running), make(chan struct{}, waiting)}
}

// GetMaxConcurrent is part of promql.QueryTracker.
func (s *slots) GetMaxConcurrent() int { return cap(s.free) }

// Insert is part of promql.QueryTracker: it takes a slot.
func (s *slots) Insert(ctx context.Context, _ string) (int, error) {
	select {
	case s.free <- struct{}{}:
		return 0, nil
	default:
	}
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		return 0, ErrBusy
	}
	select {
	case s.free <- struct{}{}:
		return 0, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// Delete is part of promql.QueryTracker: it gives a slot back.
func (s *slots) Delete(int) { <-s.free }

// Close is part of promql.QueryTracker.
func (s *slots) Close() error { return nil }

var _ promql.QueryTracker = (*slots)(nil)
