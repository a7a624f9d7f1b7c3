// Package logs keeps the log records of functions in bounded files and reads them
// back: by function, newest last, and followed as they come.
//
// Records are JSON lines, so that an operator can read them with grep, spread over
// a fixed number of shards by the function's name. A shard is a directory of
// segments with an equal part of the space: one function's noise can push out the
// logs of its shard only, and a query reads one shard only. A record is in its file
// within 100 ms of Append and survives the death of the process from then on; a
// torn last line after a crash is ignored.
package logs

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// shardCount is part of the layout on disk.
const shardCount = 16

// Bounds of one record; what is longer is cut, and says so.
const (
	maxMessage = 16 << 10
	maxFields  = 32 << 10
	maxLine    = 128 << 10 // a longer line in a file is not one of ours
)

// Config is where logs lie and how much of them is kept.
type Config struct {
	Dir      string
	MaxBytes int64         // of all segments; default 1 GiB
	MaxAge   time.Duration // default 7 days
	Flush    time.Duration // default 100 ms
	Rate     int           // records a second of one function, sustained; default 500
	Burst    int           // records at once of one function; default ten seconds' worth
	// Forward is given every record that is kept, within its bounds, in the order of its
	// function's stream. It must not wait. May be nil.
	Forward    func(invocation.Record)
	Logger     *slog.Logger
	Registerer prometheus.Registerer // may be nil
}

func (cfg Config) withDefaults() Config {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 1 << 30
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = 7 * 24 * time.Hour
	}
	if cfg.Flush == 0 {
		cfg.Flush = 100 * time.Millisecond
	}
	if cfg.Rate == 0 {
		cfg.Rate = 500
	}
	if cfg.Burst == 0 {
		cfg.Burst = 10 * cfg.Rate
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// Validate says what is missing or out of range.
func (cfg Config) Validate() error {
	switch {
	case cfg.Dir == "":
		return errors.New("logs: a directory is needed")
	case cfg.MaxBytes < 0 || cfg.MaxBytes > 0 && cfg.MaxBytes < 16<<20:
		return fmt.Errorf("logs: at least 16 MiB are needed to keep logs, not %d bytes", cfg.MaxBytes)
	case cfg.MaxAge < 0 || cfg.MaxAge > 0 && cfg.MaxAge < time.Minute:
		return fmt.Errorf("logs: the age %s is under a minute", cfg.MaxAge)
	case cfg.Flush < 0 || cfg.Flush > 250*time.Millisecond:
		return fmt.Errorf("logs: the flush interval %s is over 250ms", cfg.Flush)
	case cfg.Rate < 0 || cfg.Burst < 0:
		return errors.New("logs: the rate and burst of a function cannot be negative")
	}
	return nil
}

// ErrClosed is returned by Query and Follow after Close.
var ErrClosed = errors.New("the log store is closed")

// Store keeps and reads the records. Its methods may be called from any goroutine.
type Store struct {
	cfg     Config
	log     *slog.Logger
	metrics storeMetrics
	shards  [shardCount]*shard
	closed  chan struct{}
	once    sync.Once
	done    sync.WaitGroup
}

// Open reads what is there and begins to write behind it.
func Open(cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	s := &Store{cfg: cfg, log: cfg.Logger.With("component", "logs"), closed: make(chan struct{})}
	if err := s.metrics.register(cfg.Registerer); err != nil {
		return nil, err
	}
	for i := range s.shards {
		dir := filepath.Join(cfg.Dir, fmt.Sprintf("%02x", i))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make log directory: %w", err)
		}
		shard, err := openShard(dir, &s.cfg, &s.metrics)
		if err != nil {
			return nil, fmt.Errorf("open logs: %w", err)
		}
		s.shards[i] = shard
	}
	s.done.Go(s.flushLoop)
	s.done.Go(s.retainLoop)
	return s, nil
}

// Close writes what is queued and ends every Follow. It may be called again.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		close(s.closed)
		s.done.Wait()
		var errs []error
		for _, sh := range s.shards {
			errs = append(errs, sh.close())
		}
		err = errors.Join(errs...)
	})
	return err
}

// Append queues a record. It never waits for the disk: past the queue's bound, or
// the function's rate, the record is dropped, and a record in the function's stream
// says how many were.
func (s *Store) Append(r invocation.Record) {
	s.shard(r.Function).append(r, time.Now())
}

// Remove makes the function's records until now unreadable, so that a function
// of the same name does not begin with them. The space comes back by retention.
func (s *Store) Remove(name function.Name) {
	s.shard(name).remove(name, time.Now())
}

func (s *Store) shard(name function.Name) *shard {
	h := fnv.New32a()
	_, _ = io.WriteString(h, string(name))
	return s.shards[h.Sum32()%shardCount]
}

// flushLoop writes the queues to their files.
func (s *Store) flushLoop() {
	ticker := time.NewTicker(s.cfg.Flush)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-s.closed:
			return
		case now := <-ticker.C:
			var errs []error
			for _, sh := range s.shards {
				sh.settle(now)
				errs = append(errs, sh.flush())
			}
			err := errors.Join(errs...)
			if err != nil && !failing {
				s.log.Error("logs could not be written", "error", err)
			}
			failing = err != nil
		}
	}
}

const retainEvery = 30 * time.Second

// retainLoop removes the oldest segments past the bounds of size and age.
func (s *Store) retainLoop() {
	ticker := time.NewTicker(retainEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.closed:
			return
		case now := <-ticker.C:
			var errs []error
			for _, sh := range s.shards {
				errs = append(errs, sh.retain(now))
			}
			if err := errors.Join(errs...); err != nil {
				s.log.Error("old logs could not be removed", "error", err)
			}
		}
	}
}

// Query returns the function's newest records that the filter takes, newest last.
func (s *Store) Query(ctx context.Context, f Filter) ([]invocation.Record, error) {
	if s.isClosed() {
		return nil, ErrClosed
	}
	view, _, err := s.shard(f.Function).view(nil)
	if err != nil {
		return nil, err
	}
	return view.read(ctx, f)
}

// Follow calls emit with what Query would return, a record at a time, and then with
// records as they come, with no gap and none twice between the two, until ctx
// ends, the store is closed (both nil), or emit fails (its error). A slow emit
// misses records; one in their place says how many.
func (s *Store) Follow(ctx context.Context, f Filter, emit func(invocation.Record) error) error {
	if s.isClosed() {
		return ErrClosed
	}
	follower := newFollower(f)
	view, detach, err := s.shard(f.Function).view(follower)
	if err != nil {
		return err
	}
	defer detach()
	backlog, err := view.read(ctx, f)
	if err != nil {
		return err
	}
	for _, r := range backlog {
		if err := emit(r); err != nil {
			return err
		}
	}
	for {
		for _, r := range follower.take() {
			if err := emit(r); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.closed:
			return nil
		case <-follower.wake:
		}
	}
}

func (s *Store) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// storeMetrics are the store's numbers about itself.
type storeMetrics struct {
	records, bytes, failures, torn prometheus.Counter
	dropped                        *prometheus.CounterVec
}

// The reasons of hadron_log_dropped_total.
const (
	dropRate  = "rate"  // the function's rate
	dropQueue = "queue" // the writer fell behind, or the record is too long
)

func (m *storeMetrics) register(r prometheus.Registerer) error {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m.records = counter("hadron_log_records_total", "Log records taken.")
	m.bytes = counter("hadron_log_bytes_total", "Bytes of log records written to segments.")
	m.failures = counter("hadron_log_write_failures_total", "Writes of log records that failed.")
	m.torn = counter("hadron_log_torn_lines_total", "Lines in segments that are no records, met while reading.")
	m.dropped = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hadron_log_dropped_total", Help: "Log records dropped, by reason."}, []string{"reason"})
	if r == nil {
		return nil
	}
	for _, c := range []prometheus.Collector{m.records, m.bytes, m.failures, m.torn, m.dropped} {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("register log metrics: %w", err)
		}
	}
	return nil
}
