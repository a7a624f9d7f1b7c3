package tsdb

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	promtsdb "github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/index"
	"github.com/prometheus/prometheus/tsdb/wlog"
)

// The methods of this file speak Prometheus's types: they are for the packages
// below storage/tsdb.

// Store is what the HTTP API and the scraper read and write.
type Store interface {
	storage.SampleAndChunkQueryable
	storage.AppendableV2
	storage.ExemplarQueryable
}

// Queryable reads both stores, with Config.QueryURL another one and the rollups, and writes the raw one. What it hands out keeps Close waiting
// until it is closed, committed or rolled back.
func (d *DB) Queryable() Store { return door{d} }

// APIEngine evaluates the queries that come from outside.
func (d *DB) APIEngine() promql.QueryEngine { return d.api }

// NotifyWrites has w told of each write to the log from now on, for who reads it there.
func (d *DB) NotifyWrites(w wlog.WriteNotified) { d.told.Store(&w) }

// told passes notices on. The vendor's store must know whom to tell before its first
// write; who reads its log may come later.
type told struct {
	atomic.Pointer[wlog.WriteNotified]
}

// Notify implements wlog.WriteNotified.
func (t *told) Notify() {
	if w := t.Load(); w != nil {
		(*w).Notify()
	}
}

// Dir is the store's directory.
func (d *DB) Dir() string { return d.config.Dir }

// Parser is the dialect of PromQL that the engines speak.
func (d *DB) Parser() parser.Parser { return d.parser }

// Retention is how long raw samples are kept.
func (d *DB) Retention() time.Duration { return d.config.Retention }

// QueryTimeout is the most that one query may take.
func (d *DB) QueryTimeout() time.Duration { return d.config.QueryTimeout }

// HeadStats counts what the head holds, listing the limit largest of each kind.
func (d *DB) HeadStats(limit int) (*promtsdb.Stats, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	stats := d.db.Head().Stats(model.MetricNameLabel, limit)
	if stats.IndexPostingStats == nil {
		stats.IndexPostingStats = &index.PostingsStats{}
	}
	return stats, nil
}

// BlockMetas describes the raw store's persisted blocks, oldest first.
func (d *DB) BlockMetas() ([]promtsdb.BlockMeta, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	metas := []promtsdb.BlockMeta{}
	for _, block := range d.db.Blocks() {
		metas = append(metas, block.Meta())
	}
	return metas, nil
}

type door struct{ db *DB }

func (o door) Querier(from, to int64) (storage.Querier, error) {
	if err := o.db.enter(); err != nil {
		return nil, err
	}
	return &guardedQuerier{&bothQuerier{db: o.db, from: from, to: to}, sync.OnceFunc(o.db.leave)}, nil
}

func (o door) ChunkQuerier(from, to int64) (storage.ChunkQuerier, error) {
	if err := o.db.enter(); err != nil {
		return nil, err
	}
	return &guardedChunkQuerier{&bothChunks{bothQuerier{db: o.db, from: from, to: to}}, sync.OnceFunc(o.db.leave)}, nil
}

// ExemplarQuerier reads a buffer in memory, which stays valid after Close.
func (o door) ExemplarQuerier(ctx context.Context) (storage.ExemplarQuerier, error) {
	if err := o.db.enter(); err != nil {
		return nil, err
	}
	defer o.db.leave()
	return o.db.db.ExemplarQuerier(ctx)
}

// AppenderV2 cannot fail, so after Close every append of its appender does.
func (o door) AppenderV2(ctx context.Context) storage.AppenderV2 {
	if err := o.db.enter(); err != nil {
		return closedAppender{}
	}
	appender := o.db.db.AppenderV2(ctx)
	exemplars, ok := appender.(storage.ExemplarAppenderV2)
	if !ok {
		exemplars = noExemplars{appender}
	}
	return &guardedAppender{exemplars, sync.OnceFunc(o.db.leave)}
}

type guardedQuerier struct {
	storage.Querier
	leave func()
}

func (q *guardedQuerier) Close() error {
	defer q.leave()
	return q.Querier.Close()
}

type guardedChunkQuerier struct {
	storage.ChunkQuerier
	leave func()
}

func (q *guardedChunkQuerier) Close() error {
	defer q.leave()
	return q.ChunkQuerier.Close()
}

type guardedAppender struct {
	storage.ExemplarAppenderV2
	leave func()
}

func (a *guardedAppender) Commit() error {
	defer a.leave()
	return a.ExemplarAppenderV2.Commit()
}

func (a *guardedAppender) Rollback() error {
	defer a.leave()
	return a.ExemplarAppenderV2.Rollback()
}

// noExemplars serves a store that takes samples only.
type noExemplars struct{ storage.AppenderV2 }

func (noExemplars) AppendExemplars(ref storage.SeriesRef, _ labels.Labels, _ []exemplar.Exemplar) (storage.SeriesRef, error) {
	return ref, nil
}

type closedAppender struct{}

func (closedAppender) Append(storage.SeriesRef, labels.Labels, int64, int64, float64, *histogram.Histogram, *histogram.FloatHistogram, storage.AOptions) (storage.SeriesRef, error) {
	return 0, ErrClosed
}

func (closedAppender) AppendExemplars(storage.SeriesRef, labels.Labels, []exemplar.Exemplar) (storage.SeriesRef, error) {
	return 0, ErrClosed
}

func (closedAppender) Commit() error   { return ErrClosed }
func (closedAppender) Rollback() error { return nil }
