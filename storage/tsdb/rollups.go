package tsdb

import (
	"context"
	"path/filepath"
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
// one that has it; any other is answered by both.
type bothQuerier struct {
	storage.Querier // of both
	raw, rollups    storage.Querier
}

func newBothQuerier(raw, rollups storage.Querier) bothQuerier {
	return bothQuerier{storage.NewMergeQuerier([]storage.Querier{raw, rollups}, nil, storage.ChainedSeriesMerge), raw, rollups}
}

func (q bothQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	return oneOf(matchers, q.raw, q.rollups, q.Querier).Select(ctx, sorted, hints, matchers...)
}

func (q bothQuerier) LabelValues(ctx context.Context, name string, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return oneOf(matchers, q.raw, q.rollups, q.Querier).LabelValues(ctx, name, hints, matchers...)
}

func (q bothQuerier) LabelNames(ctx context.Context, hints *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return oneOf(matchers, q.raw, q.rollups, q.Querier).LabelNames(ctx, hints, matchers...)
}

type bothChunks struct {
	storage.ChunkQuerier
	raw, rollups storage.ChunkQuerier
}

func newBothChunks(raw, rollups storage.ChunkQuerier) bothChunks {
	merge := storage.NewCompactingChunkSeriesMerger(storage.ChainedSeriesMerge)
	return bothChunks{storage.NewMergeChunkQuerier([]storage.ChunkQuerier{raw, rollups}, nil, merge), raw, rollups}
}

func (q bothChunks) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.ChunkSeriesSet {
	return oneOf(matchers, q.raw, q.rollups, q.ChunkQuerier).Select(ctx, sorted, hints, matchers...)
}

// oneOf is the store that has the metric which the matchers name, or both.
func oneOf[T any](matchers []*labels.Matcher, raw, rollups, both T) T {
	for _, m := range matchers {
		if m.Name != labels.MetricName || m.Type != labels.MatchEqual {
			continue
		}
		if metric.IsRollup(m.Value) {
			return rollups
		}
		return raw
	}
	return both
}
