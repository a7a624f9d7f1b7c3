package tsdb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	promtsdb "github.com/prometheus/prometheus/tsdb"

	"hadron/collector/metric"
)

// A Series may outlive the DB that numbered it, or be given to a second one, so
// a cached reference carries the DB's epoch above the bits Prometheus uses (its
// references stay below 2^40).
const (
	refBits = 40
	refMask = 1<<refBits - 1
)

func newEpoch() uint64 {
	return uint64(1+rand.Uint32N(1<<24-1)) << refBits
}

// RejectedError tells how many samples of a batch were refused. The others are
// stored: a refused sample will be refused again, so there is nothing to retry.
type RejectedError struct {
	Samples    int // of the batch
	OutOfOrder int // older than the window
	Duplicate  int // another value of the same series and time
	Invalid    int // labels or histogram
	First      error
}

// Rejected is the count of all refused samples.
func (e *RejectedError) Rejected() int { return e.OutOfOrder + e.Duplicate + e.Invalid }

func (e *RejectedError) Error() string {
	var parts []string
	for _, part := range []struct {
		count int
		what  string
	}{{e.OutOfOrder, "out of order"}, {e.Duplicate, "duplicate"}, {e.Invalid, "invalid"}} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.what))
		}
	}
	return fmt.Sprintf("append samples: %d of %d refused (%s), first: %v",
		e.Rejected(), e.Samples, strings.Join(parts, ", "), e.First)
}

// Unwrap returns the first refusal's cause.
func (e *RejectedError) Unwrap() error { return e.First }

// Append stores the samples in one transaction and in their order; nothing of
// them is kept or changed but Series.Ref. Two samples of one series in a batch
// must have rising times. Where some are refused it stores the rest and returns
// a *RejectedError; any other error means that nothing was stored.
func (d *DB) Append(ctx context.Context, samples []metric.Sample) error {
	return d.appendTo(ctx, d.db, samples)
}

func (d *DB) appendTo(ctx context.Context, db *promtsdb.DB, samples []metric.Sample) error {
	if len(samples) == 0 {
		return nil
	}
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	a := appending{
		db: d, appender: db.AppenderV2(ctx),
		rejected: RejectedError{Samples: len(samples)},
	}
	for i := range samples {
		if i%4096 == 4095 && ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), a.appender.Rollback())
		}
		a.add(&samples[i])
	}
	if err := a.appender.Commit(); err != nil {
		return fmt.Errorf("append samples: %w", err)
	}
	d.metrics.appended(&a.rejected, a.exemplars)
	if a.rejected.Rejected() > 0 {
		return &a.rejected
	}
	return nil
}

type appending struct {
	db        *DB
	appender  storage.AppenderV2
	builder   labels.ScratchBuilder
	exemplar  [1]exemplar.Exemplar
	rejected  RejectedError
	exemplars int // refused
}

func (a *appending) add(sample *metric.Sample) {
	var h *histogram.Histogram
	if sample.H != nil && !metric.IsStale(sample.V) {
		h = toHistogram(sample.H)
	}
	var options storage.AOptions
	if sample.Exemplar != nil {
		exemplarLabels, err := a.labels(sample.Exemplar.Labels)
		if err == nil {
			a.exemplar[0] = exemplar.Exemplar{
				Labels: exemplarLabels, Value: sample.Exemplar.V, Ts: sample.Exemplar.T, HasTs: true,
			}
			options.Exemplars = a.exemplar[:]
		} else {
			a.exemplars++
		}
	}
	cached := sample.Series.Ref.Load()
	if cached != 0 && cached&^refMask == a.db.epoch {
		_, err := a.append(cached&refMask, labels.EmptyLabels(), sample, h, options)
		if err == nil || !errors.Is(err, errNoSeries) {
			a.count(err)
			return
		}
	}
	seriesLabels, err := a.labels(sample.Series.Labels)
	if err == nil && seriesLabels.IsEmpty() {
		err = errors.New("a series without labels")
	}
	if err != nil {
		a.count(err)
		return
	}
	ref, err := a.append(0, seriesLabels, sample, h, options)
	if ref != 0 {
		sample.Series.Ref.Store(uint64(ref) | a.db.epoch)
	}
	a.count(err)
}

// errNoSeries is a cached reference whose series the head has dropped since.
var errNoSeries = errors.New("unknown series reference")

// append hands one sample over. With a reference the labels may be empty: they
// are looked at only where the reference is gone, and that is errNoSeries.
func (a *appending) append(ref uint64, series labels.Labels, sample *metric.Sample, h *histogram.Histogram, options storage.AOptions) (storage.SeriesRef, error) {
	got, err := a.appender.Append(storage.SeriesRef(ref), series, 0, sample.T, sample.V, h, nil, options)
	switch {
	case err == nil:
		return got, nil
	case errors.Is(err, (*storage.AppendPartialError)(nil)): // only the exemplar failed
		a.exemplars++
		return got, nil
	case ref != 0 && !isRefusal(err):
		return 0, errNoSeries
	}
	return 0, err
}

// isRefusal tells the errors about a sample from those about its series.
func isRefusal(err error) bool {
	var histogramError histogram.Error
	return isOutOfOrder(err) || errors.Is(err, storage.ErrDuplicateSampleForTimestamp) || errors.As(err, &histogramError)
}

func isOutOfOrder(err error) bool {
	return errors.Is(err, storage.ErrOutOfOrderSample) || errors.Is(err, storage.ErrTooOldSample) ||
		errors.Is(err, storage.ErrOutOfBounds)
}

func (a *appending) count(err error) {
	switch {
	case err == nil:
		return
	case isOutOfOrder(err):
		a.rejected.OutOfOrder++
	case errors.Is(err, storage.ErrDuplicateSampleForTimestamp):
		a.rejected.Duplicate++
	default:
		a.rejected.Invalid++
	}
	if a.rejected.First == nil {
		a.rejected.First = err
	}
}
