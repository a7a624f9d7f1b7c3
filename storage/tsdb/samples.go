package tsdb

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"hadron/collector/metric"
)

// Samples hands over the numbers, as they were stored, of every series that has these
// labels: one series after the other, each by time, from and to included. Histograms are
// left out, staleness markers are not. The labels are the same slice for all samples of
// a series. It ends with each's first error, or with ErrClosed or the cause of ctx.
func (d *DB) Samples(ctx context.Context, having metric.Labels, from, to time.Time, each func(series metric.Labels, t int64, v float64) error) (err error) {
	ctx, stop := d.Bind(ctx)
	defer stop()
	querier, err := d.Queryable().Querier(from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return queryError(ctx, err, nil)
	}
	defer func() {
		if closing := querier.Close(); err == nil && closing != nil {
			err = queryError(ctx, closing, nil)
		}
	}()
	matchers := make([]*labels.Matcher, len(having))
	for i, l := range having {
		if matchers[i], err = labels.NewMatcher(labels.MatchEqual, l.Name, l.Value); err != nil {
			return fmt.Errorf("read samples: %w: %w", ErrBadQuery, err)
		}
	}
	found := querier.Select(ctx, true, nil, matchers...)
	var iterator chunkenc.Iterator
	for found.Next() {
		series := found.At()
		named := fromLabels(series.Labels())
		iterator = series.Iterator(iterator)
		for kind := iterator.Next(); kind != chunkenc.ValNone; kind = iterator.Next() {
			if kind != chunkenc.ValFloat {
				continue
			}
			t, v := iterator.At()
			if err := each(named, t, v); err != nil {
				return err
			}
		}
		if err := iterator.Err(); err != nil {
			return queryError(ctx, err, nil)
		}
		if ctx.Err() != nil {
			return queryError(ctx, ctx.Err(), nil)
		}
	}
	if err := found.Err(); err != nil {
		return queryError(ctx, err, nil)
	}
	return nil
}
