// Package tsdb is the one door to Prometheus as a library: its storage, query
// engine and rule manager behind the plain types of collector/metric. Prometheus
// promises no stable Go API, so nothing outside storage/tsdb may name it.
//
// Samples are written through AppenderV2, the only appender Prometheus intends
// to keep, and are in the write-ahead log when Append returns: kill -9 loses
// none of them, a machine that loses power may lose the last seconds.
package tsdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	promtsdb "github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/compression"
)

// DB is an open store. All methods are safe for concurrent use.
type DB struct {
	config  Config
	logger  *slog.Logger
	db      *promtsdb.DB // raw samples
	rollups *promtsdb.DB
	parser  parser.Parser
	own     *promql.Engine // Hadron's queries and rules
	api     *promql.Engine // the HTTP API's queries
	metrics *metrics
	other   *elsewhere // where series are read from instead; nil: here
	epoch   uint64     // marks the references this DB gave out; see append.go

	closing context.Context // ends when Close begins
	cancel  context.CancelCauseFunc
	once    sync.Once
	mu      sync.Mutex
	closed  bool
	users   sync.WaitGroup // appenders and queriers in flight

	rules ruleManager
	told  told
}

// Open opens the store, replaying the write-ahead log of the last process; that
// one may have been killed at any point. It fails with ErrLocked where the last
// process still runs.
func Open(config Config) (*DB, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config.setDefaults()
	other, err := newElsewhere(config)
	if err != nil {
		return nil, err
	}
	logger := slog.New(demoted{config.Logger.With("component", "tsdb").Handler()})
	config.Logger = logger
	raw, err := open(config, "raw", config.Dir, storeOptions(config))
	if err != nil {
		return nil, err
	}
	rollups, err := openRollups(config)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	d := &DB{
		config: config, logger: logger, db: raw, rollups: rollups,
		parser: parser.NewParser(parser.Options{}),
		other:  other,
		epoch:  newEpoch(),
	}
	raw.SetWriteNotified(&d.told)
	d.closing, d.cancel = context.WithCancelCause(context.Background())
	d.own = d.newEngine("own")
	d.api = d.newEngine("api")
	d.metrics = newMetrics(config.Registerer)
	return d, nil
}

func storeOptions(config Config) *promtsdb.Options {
	// Never a literal: the zero value of some options is invalid.
	options := promtsdb.DefaultOptions()
	options.RetentionDuration = config.Retention.Milliseconds()
	options.MaxBytes = config.MaxBytes
	options.MaxBlockDuration = longestBlock(config.Retention, time.Duration(options.MinBlockDuration)*time.Millisecond)
	options.OutOfOrderTimeWindow = max(0, config.OutOfOrderWindow.Milliseconds())
	options.EnableExemplarStorage = true
	options.MaxExemplars = int64(config.MaxExemplars)
	options.EnableSTAsZeroSample = true // a counter that says when it began did so at 0
	return options
}

// longestBlock is what blocks are merged up to, in milliseconds, as Prometheus's
// server does; the library's default would never merge them.
func longestBlock(retention, shortest time.Duration) int64 {
	return max(shortest, min(retention/10, 31*24*time.Hour)).Milliseconds()
}

// What a store holds before it has a sample, for which the library takes 4 MiB each:
// Hadron has two stores, and most nodes have thousands of series and not millions.
const (
	stripes     = 1 << 11 // maps and locks that series are spread over
	chunkBuffer = 256 << 10
)

// open opens one of the two stores. Their metrics carry the label store.
func open(config Config, name, dir string, options *promtsdb.Options) (*promtsdb.DB, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make metrics directory: %w", err)
	}
	options.WALCompression = compression.Snappy
	options.FloatChunkEncoding = chunkenc.EncXOR
	options.StripeSize = stripes
	options.HeadChunksWriteBufferSize = chunkBuffer
	registerer := config.Registerer
	if registerer != nil {
		registerer = prometheus.WrapRegistererWith(prometheus.Labels{"store": name}, registerer)
	}
	db, err := promtsdb.Open(dir, config.Logger.With("store", name), registerer, options, nil)
	if err != nil {
		if errors.Is(err, syscall.EAGAIN) {
			return nil, lockedError(dir)
		}
		return nil, fmt.Errorf("open metrics store in %s: %w", dir, err)
	}
	return db, nil
}

func lockedError(dir string) error {
	return fmt.Errorf("%w: %s; stop the other hadron that runs on it, or give this one a data directory of its own", ErrLocked, dir)
}

// newEngine makes a query engine with slots of its own. Its metrics carry the
// label engine, for there are two.
func (d *DB) newEngine(name string) *promql.Engine {
	registerer := d.config.Registerer
	if registerer != nil {
		registerer = prometheus.WrapRegistererWith(prometheus.Labels{"engine": name}, registerer)
	}
	return promql.NewEngine(promql.EngineOpts{
		Logger:               d.logger,
		Reg:                  registerer,
		MaxSamples:           d.config.QueryMaxSamples,
		Timeout:              d.config.QueryTimeout,
		ActiveQueryTracker:   newSlots(d.config.QueryConcurrency, 16*d.config.QueryConcurrency),
		LookbackDelta:        d.config.LookbackDelta,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		EnablePerStepStats:   true,
		Parser:               d.parser,
		NoStepSubqueryIntervalFn: func(int64) int64 {
			return time.Minute.Milliseconds()
		},
	})
}

// Close stops the rules, ends running queries, waits for appends and flushes.
// Only the first call does; others wait for it and return nil.
func (d *DB) Close() (err error) {
	d.once.Do(func() {
		// In this order a rule under way ends as a cancelled query, which the
		// manager does not take for a failure.
		d.cancel(ErrClosed)
		d.rules.stop()
		d.mu.Lock()
		d.closed = true
		d.mu.Unlock()
		// Head chunks are memory-mapped: a reader left behind would fault.
		d.users.Wait()
		d.other.close()
		err = errors.Join(d.own.Close(), d.api.Close(), d.db.Close(), d.rollups.Close())
		if err != nil {
			err = fmt.Errorf("close metrics store: %w", err)
		}
	})
	return err
}

// Bind returns a context that also ends when the store closes, so that Close
// need not wait for a long query. The caller calls stop when done.
func (d *DB) Bind(ctx context.Context) (bound context.Context, stop func()) {
	bound, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(d.closing, func() { cancel(ErrClosed) })
	return bound, func() { unhook(); cancel(nil) }
}

// enter admits one user of the vendor's store until leave; ErrClosed after Close.
func (d *DB) enter() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	d.users.Add(1)
	return nil
}

func (d *DB) leave() { d.users.Done() }
