package tsdb

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/storage"
	promtsdb "github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/annotations"

	"hadron/collector/metric"
)

// rollupBlock is the shortest block of the store of rollups. In the raw store's two
// hours there would be 24 samples of a series, and its index as large as they.
const rollupBlock = 12 * time.Hour

// openRollups opens the second store, below the first one's directory: what is
// written rarely and kept for long.
func openRollups(config Config) (*promtsdb.DB, error) {
	options := promtsdb.DefaultOptions()
	options.RetentionDuration = config.RollupRetention.Milliseconds()
	options.MaxBytes = config.RollupMaxBytes
	options.MinBlockDuration = rollupBlock.Milliseconds()
	options.MaxBlockDuration = longestBlock(config.RollupRetention, rollupBlock)
	return open(config, "rollups", filepath.Join(config.Dir, "rollups"), options)
}

// AppendRollups is Append into the store of rollups, whose series are never those
// of the raw one (metric.IsRollup).
func (d *DB) AppendRollups(ctx context.Context, samples []metric.Sample) error {
	return d.appendTo(ctx, d.rollups, samples)
}

// RollupBounds returns the times of the oldest and newest rollup, both zero where
// there is none.
func (d *DB) RollupBounds() (oldest, newest time.Time) { return d.bounds(d.rollups) }

func (d *DB) bounds(db *promtsdb.DB) (oldest, newest time.Time) {
	if d.enter() != nil {
		return time.Time{}, time.Time{}
	}
	defer d.leave()
	head := db.Head()
	low, high := head.MinTime(), head.MaxTime()
	for _, block := range db.Blocks() {
		low, high = min(low, block.MinTime()), max(high, block.MaxTime()-1)
	}
	if high < low {
		return time.Time{}, time.Time{}
	}
	return timestamp.Time(low), timestamp.Time(high)
}

// bothQuerier reads the two stores as one. A selector that names a metric asks the
// one that has it, any other both; and it opens the blocks of its own time only: an
// expression may read a moment of today and one of ninety days ago, and what lies
// between has an index as large as theirs.
type bothQuerier struct {
	db       *DB
	from, to int64

	mu     sync.Mutex
	opened []io.Closer
}

func (q *bothQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	from, to := narrowed(q.from, q.to, hints)
	querier, err := q.open(from, to, matchers)
	if err != nil {
		return storage.ErrSeriesSet(err)
	}
	return querier.Select(ctx, sorted, hints, matchers...)
}

func (q *bothQuerier) LabelValues(ctx context.Context, name string, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	querier, err := q.open(q.from, q.to, matchers)
	if err != nil {
		return nil, nil, err
	}
	return querier.LabelValues(ctx, name, hints, matchers...)
}

func (q *bothQuerier) LabelNames(ctx context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	querier, err := q.open(q.from, q.to, matchers)
	if err != nil {
		return nil, nil, err
	}
	return querier.LabelNames(ctx, hints, matchers...)
}

// open opens what the matchers need; it stays open until Close, since answers may lie
// in its memory maps.
func (q *bothQuerier) open(from, to int64, matchers []*labels.Matcher) (storage.Querier, error) {
	var found []storage.Querier
	for _, db := range q.db.storesOf(matchers) {
		querier, err := db.Querier(from, to)
		if err != nil {
			return nil, err
		}
		q.mu.Lock()
		q.opened = append(q.opened, querier)
		q.mu.Unlock()
		found = append(found, querier)
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return storage.NewMergeQuerier(found, nil, storage.ChainedSeriesMerge), nil
}

// Close closes all that was opened.
func (q *bothQuerier) Close() error { return closeAll(q.opened) }

// bothChunks is bothQuerier for chunks.
type bothChunks struct {
	bothQuerier
}

func (q *bothChunks) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.ChunkSeriesSet {
	from, to := narrowed(q.from, q.to, hints)
	var found []storage.ChunkQuerier
	for _, db := range q.db.storesOf(matchers) {
		querier, err := db.ChunkQuerier(from, to)
		if err != nil {
			return storage.ErrChunkSeriesSet(err)
		}
		q.mu.Lock()
		q.opened = append(q.opened, querier)
		q.mu.Unlock()
		found = append(found, querier)
	}
	if len(found) == 1 {
		return found[0].Select(ctx, sorted, hints, matchers...)
	}
	merge := storage.NewCompactingChunkSeriesMerger(storage.ChainedSeriesMerge)
	return storage.NewMergeChunkQuerier(found, nil, merge).Select(ctx, sorted, hints, matchers...)
}

func closeAll(opened []io.Closer) error {
	var errs []error
	for _, one := range opened {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

// narrowed is the time that a selector reads, of that of its whole expression.
func narrowed(from, to int64, hints *storage.SelectHints) (int64, int64) {
	if hints == nil || hints.End < hints.Start || hints.Start == 0 && hints.End == 0 {
		return from, to
	}
	return max(from, hints.Start), min(to, hints.End)
}

// readable is one of the stores.
type readable interface {
	storage.Queryable
	storage.ChunkQueryable
}

// storesOf are the stores that have the metric which the matchers name, or both.
func (d *DB) storesOf(matchers []*labels.Matcher) []readable {
	raw := readable(d.db)
	if d.other != nil {
		raw = d.other
	}
	for _, m := range matchers {
		if m.Name != metric.Name || m.Type != labels.MatchEqual {
			continue
		}
		if metric.IsRollup(m.Value) {
			return []readable{d.rollups}
		}
		return []readable{raw}
	}
	return []readable{raw, d.rollups}
}
