package tsdb

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// What callers may tell apart; each is wrapped with its cause.
var (
	// ErrLocked is Open's: another process holds the directory.
	ErrLocked = errors.New("the metrics directory is in use by another process")
	// ErrClosed answers every call after Close has begun.
	ErrClosed = errors.New("the metrics store is closed")
	// ErrBadQuery is an expression that does not parse or has the wrong type.
	ErrBadQuery = errors.New("bad query")
	// ErrQueryTimeout is a query that ran longer than Config.QueryTimeout.
	ErrQueryTimeout = errors.New("query timed out")
	// ErrBusy is a query that found too many others waiting.
	ErrBusy = errors.New("too many queries are waiting: try again later")
	// ErrHistogramResult is a query whose answer holds native histograms: a
	// Point is a number, so the expression must apply a histogram function.
	ErrHistogramResult = errors.New("the answer is a native histogram: apply histogram_quantile, histogram_fraction or another function of histograms")
	// ErrBadRules is a rule file that was refused; the old rules stay.
	ErrBadRules = errors.New("bad rules")
)

// Config says how to open a store. A zero field takes the default named beside it.
type Config struct {
	// Dir is the store's own directory, made if missing. One process at a time.
	Dir string
	// Retention is how long raw samples are kept: 15 days.
	Retention time.Duration
	// MaxBytes bounds the blocks on disk, the oldest going first; 0 is no bound.
	// The write-ahead log comes on top.
	MaxBytes int64
	// RollupRetention is how long rollups are kept: 95 days, the longest window of an
	// SLO and 5 days.
	RollupRetention time.Duration
	// RollupMaxBytes is MaxBytes of the rollups.
	RollupMaxBytes int64
	// OutOfOrderWindow is how far behind its series' newest sample one may
	// arrive: 10 minutes, enough for a sender's retries. Negative refuses all.
	OutOfOrderWindow time.Duration
	// MaxExemplars bounds the exemplars held in memory: 100,000.
	MaxExemplars int

	// QueryTimeout bounds one query: 2 minutes.
	QueryTimeout time.Duration
	// QueryMaxSamples bounds the samples a query holds at once: 20 million, 16
	// bytes each.
	QueryMaxSamples int
	// QueryConcurrency bounds the HTTP API's running queries: 20; sixteen times
	// as many may wait, the next are refused. Hadron's own queries have as many slots to themselves, so that no
	// dashboard can hold up an alert.
	QueryConcurrency int
	// LookbackDelta is how old a sample an instant selector still takes: 5 minutes.
	LookbackDelta time.Duration

	// QueryURL is another store to read from instead: the base of a Prometheus API,
	// below which are api/v1/read and api/v1/labels. Writes, recording rules' results and exemplars stay here.
	QueryURL string
	// QueryTokenFile holds the token for it, and is read again when it changes.
	QueryTokenFile string

	Logger     *slog.Logger          // none: silence
	Registerer prometheus.Registerer // may be nil
}

func (c *Config) setDefaults() {
	setDefault(&c.Retention, 15*24*time.Hour)
	setDefault(&c.RollupRetention, 95*24*time.Hour)
	setDefault(&c.OutOfOrderWindow, 10*time.Minute)
	setDefault(&c.MaxExemplars, 100_000)
	setDefault(&c.QueryTimeout, 2*time.Minute)
	setDefault(&c.QueryMaxSamples, 20_000_000)
	setDefault(&c.QueryConcurrency, 20)
	setDefault(&c.LookbackDelta, 5*time.Minute)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// leastRollups is the longest window of an SLO and a day, for blocks go whole.
const leastRollups = 91 * 24 * time.Hour

// Validate reports the first setting that cannot be, as a sentence.
func (c Config) Validate() error {
	switch {
	case c.Dir == "":
		return errors.New("tsdb: no directory was given")
	case c.Retention < 0 || (c.Retention > 0 && c.Retention < 2*time.Hour):
		return fmt.Errorf("tsdb: retention %s is shorter than the 2h that one block holds", c.Retention)
	case c.RollupRetention < 0 || (c.RollupRetention > 0 && c.RollupRetention < leastRollups):
		return fmt.Errorf("tsdb: rollup retention %s is shorter than the 91 days that the longest window of an SLO needs", c.RollupRetention)
	case c.MaxBytes < 0, c.RollupMaxBytes < 0:
		return fmt.Errorf("tsdb: max bytes %d is negative", min(c.MaxBytes, c.RollupMaxBytes))
	case c.MaxExemplars < 0:
		return fmt.Errorf("tsdb: max exemplars %d is negative", c.MaxExemplars)
	case c.QueryTimeout < 0, c.LookbackDelta < 0:
		return errors.New("tsdb: query timeout and lookback delta must not be negative")
	case c.QueryMaxSamples < 0, c.QueryConcurrency < 0:
		return errors.New("tsdb: query limits must not be negative")
	}
	return nil
}
