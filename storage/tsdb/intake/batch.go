package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"

	"hadron/collector/contract"
	"hadron/collector/metric"
)

// Batch is a transaction of one sender. It is not safe for concurrent use. It
// implements storage.AppenderV2; remote write uses Series and what follows it,
// which do not make labels of series that are known.
type Batch struct {
	in     *Intake
	sender contract.Sender
	store  storage.ExemplarAppenderV2
	latest int64 // Unix milliseconds
	minute uint32

	builder labels.ScratchBuilder
	scratch labels.Labels
	pairs   []labels.Label
	sums    []*sum // that samples were folded into

	Outcome Outcome
}

// Outcome is what became of a batch.
type Outcome struct {
	Samples, Histograms, Exemplars int // taken, folded ones included
	Refused                        int // samples and histograms
	Errors                         []error
}

const maxErrors = 10 // that are told of one batch

func (o *Outcome) refuse(samples int, err error) {
	o.Refused += samples
	if len(o.Errors) < maxErrors {
		o.Errors = append(o.Errors, err)
	}
}

func (in *Intake) vendor(ctx context.Context) storage.ExemplarAppenderV2 {
	return in.store.AppenderV2(ctx).(storage.ExemplarAppenderV2) // the store's door gives no other
}

// Series finds or admits the series of these labels, which are reordered. Names and
// values may lie in memory that the caller uses again. Its error is one about the labels.
func (b *Batch) Series(pairs []labels.Label) (*Series, error) {
	team, project, job, name := "", "", "", ""
	ordered := true
	for i, l := range pairs {
		switch l.Name {
		case metric.Team:
			team = l.Value
		case metric.Project:
			project = l.Value
		case metric.Job:
			job = l.Value
		case metric.Name:
			name = l.Value
		}
		if i > 0 && pairs[i-1].Name >= l.Name {
			ordered = false
		}
	}
	ownTeam, ownProject, err := b.own(team, project, name, job)
	if err != nil {
		return nil, err
	}
	if ownTeam != team || ownProject != project {
		pairs = put(put(pairs, metric.Team, ownTeam), metric.Project, ownProject)
	}
	if !ordered {
		slices.SortFunc(pairs, func(a, b labels.Label) int {
			switch {
			case a.Name < b.Name:
				return -1
			case a.Name > b.Name:
				return 1
			}
			return 0
		})
	}
	b.builder.Reset()
	for _, l := range pairs {
		if l.Value != "" {
			b.builder.Add(l.Name, l.Value)
		}
	}
	b.builder.Overwrite(&b.scratch)
	return b.find(b.scratch)
}

// own is the team and project of a series of this sender; a refusal is counted.
func (b *Batch) own(team, project, name, job string) (ownTeam, ownProject string, err error) {
	ownTeam, ownProject, refused := b.sender.Own(team, project)
	if refused == nil {
		refused = b.sender.Reserved(name, job)
	}
	if refused == nil {
		return ownTeam, ownProject, nil
	}
	if t := b.in.team(b.sender.Key()); t != nil {
		t.dropped[dropInvalid].Add(1)
	}
	return "", "", refused
}

// labelled is Series of labels that are sorted, and not taken apart where they bear
// their team already.
func (b *Batch) labelled(ls labels.Labels) (*Series, error) {
	if b.sender.Free() {
		return b.find(ls)
	}
	team, project := ls.Get(metric.Team), ls.Get(metric.Project)
	ownTeam, ownProject, err := b.own(team, project, ls.Get(metric.Name), ls.Get(metric.Job))
	if err != nil {
		return nil, err
	}
	if ownTeam == team && ownProject == project {
		return b.find(ls)
	}
	b.pairs = b.pairs[:0]
	ls.Range(func(l labels.Label) { b.pairs = append(b.pairs, l) })
	return b.Series(b.pairs)
}

func (b *Batch) find(wanted labels.Labels) (*Series, error) {
	hash := wanted.Hash()
	s := b.in.table.find(hash, wanted)
	if s == nil {
		var err error
		if s, err = b.in.admit(b.sender, hash, wanted); err != nil {
			return nil, err
		}
	}
	if s.seen.Load() != b.minute {
		s.seen.Store(b.minute)
	}
	return s, nil
}

// put sets a label, in its place where the labels are in order.
func put(pairs []labels.Label, name, value string) []labels.Label {
	at := len(pairs)
	for i := range pairs {
		if pairs[i].Name == name {
			pairs[i].Value = value
			return pairs
		}
		if pairs[i].Name > name {
			at = min(at, i)
		}
	}
	if value == "" {
		return pairs
	}
	return slices.Insert(pairs, at, labels.Label{Name: name, Value: value})
}

// Refuse counts samples that are not taken, and why.
func (b *Batch) Refuse(samples int, err error) { b.Outcome.refuse(samples, err) }

// Float adds a sample. Start is when the series began counting, 0 where nobody knows;
// both are Unix milliseconds. It returns an error of the store only, after which the
// batch must be rolled back; what is wrong with the sample is in Outcome.
func (b *Batch) Float(s *Series, start, t int64, v float64) error {
	err := b.add(s, start, t, v, nil, nil, storage.AOptions{})
	if err == nil {
		b.Outcome.Samples++
		return nil
	}
	return b.settle(s.labels, err)
}

// Histogram adds a native histogram; one of the two is nil.
func (b *Batch) Histogram(s *Series, start, t int64, h *histogram.Histogram, fh *histogram.FloatHistogram) error {
	err := b.add(s, start, t, 0, h, fh, storage.AOptions{})
	if err == nil {
		b.Outcome.Histograms++
		return nil
	}
	return b.settle(s.labels, err)
}

// Exemplars adds exemplars to a series that has samples. They are sorted. Those of
// folded series are left out: they would stand for another.
func (b *Batch) Exemplars(s *Series, list []exemplar.Exemplar) error {
	if s.into != nil {
		return nil
	}
	slices.SortFunc(list, exemplar.Compare)
	for len(list) > 0 && list[len(list)-1].Ts > b.latest {
		list = list[:len(list)-1]
		b.refuseExemplar(s, errTooFarAhead)
	}
	_, err := b.store.AppendExemplars(storage.SeriesRef(s.ref.Load()), s.labels, list)
	var partial *storage.AppendPartialError
	switch {
	case err == nil:
		b.Outcome.Exemplars += len(list)
	case errors.As(err, &partial):
		b.Outcome.Exemplars += len(list) - len(partial.ExemplarErrors)
		for _, e := range partial.ExemplarErrors {
			b.refuseExemplar(s, e.Err)
		}
	case errors.Is(err, storage.ErrNotFound): // none of its samples was taken
	default:
		return err
	}
	return nil
}

func (b *Batch) refuseExemplar(s *Series, err error) {
	b.in.metrics.exemplars.Inc()
	b.Outcome.refuse(0, fmt.Errorf("exemplar of %s: %w", short(s.labels.String()), err))
}

var errTooFarAhead = fmt.Errorf("%w: more than %s ahead of the server's clock", storage.ErrOutOfBounds, maxAhead)

// add hands a sample to the store, or to the sum it is folded into.
func (b *Batch) add(s *Series, start, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, options storage.AOptions) error {
	if t > b.latest {
		return errTooFarAhead
	}
	if err := fitSchema(h, fh); err != nil {
		return err
	}
	if s.into != nil {
		return b.fold(s, t, v, h, fh)
	}
	ref := s.ref.Load()
	got, err := b.store.Append(storage.SeriesRef(ref), s.labels, start, t, v, h, fh, options)
	if got != 0 && uint64(got) != ref {
		s.ref.Store(uint64(got))
	}
	return err
}

// fitSchema reduces resolutions that PromQL does not know, as Prometheus does.
func fitSchema(h *histogram.Histogram, fh *histogram.FloatHistogram) error {
	if h != nil && histogram.IsExponentialSchemaReserved(h.Schema) && h.Schema > histogram.ExponentialSchemaMax {
		return h.ReduceResolution(histogram.ExponentialSchemaMax)
	}
	if fh != nil && histogram.IsExponentialSchemaReserved(fh.Schema) && fh.Schema > histogram.ExponentialSchemaMax {
		return fh.ReduceResolution(histogram.ExponentialSchemaMax)
	}
	return nil
}

// IsRefusal reports whether an error is about a sample, so that sending it again
// will not help.
func IsRefusal(err error) bool {
	var (
		histogramError histogram.Error
		refused        *contract.Refusal
	)
	return isTime(err) || errors.Is(err, ErrBudget) || errors.As(err, &histogramError) || errors.As(err, &refused)
}

// settle counts what is wrong with a sample, and returns what is wrong with the store.
func (b *Batch) settle(of labels.Labels, err error) error {
	if !IsRefusal(err) {
		return err
	}
	b.in.metrics.refused(err)
	b.Outcome.refuse(1, fmt.Errorf("%w for series %s", err, short(of.String())))
	return nil
}

// Append implements storage.AppenderV2, for the scraper and for OTLP's translation.
func (b *Batch) Append(_ storage.SeriesRef, ls labels.Labels, start, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, options storage.AOptions) (storage.SeriesRef, error) {
	s, err := b.labelled(ls)
	if err != nil {
		return 0, err
	}
	if !options.Metadata.IsEmpty() {
		b.DescribeSeries(s, Metadata{Type: string(options.Metadata.Type), Help: options.Metadata.Help, Unit: options.Metadata.Unit})
	}
	err = b.add(s, start, t, v, h, fh, options)
	if err != nil && !errors.Is(err, (*storage.AppendPartialError)(nil)) {
		return 0, err
	}
	return storage.SeriesRef(s.ref.Load()), err
}

// Commit stores the batch, and what it changed in the sums of folded series.
func (b *Batch) Commit() error {
	for _, s := range b.sums {
		if err := s.write(b.store); err != nil {
			return errors.Join(err, b.store.Rollback())
		}
	}
	if err := b.in.tellDropped(b); err != nil {
		return errors.Join(err, b.store.Rollback())
	}
	if err := b.store.Commit(); err != nil {
		return err
	}
	b.in.metrics.taken(b.Outcome)
	return nil
}

// Rollback gives the batch up. Sums keep what was folded, and do not count it again.
func (b *Batch) Rollback() error { return b.store.Rollback() }

// Door is the intake of one sender as Prometheus's parts know storage. They give up all
// of a scrape or a request for one series that is refused, so none is: it is
// counted, in Outcome as well, and left out.
type Door struct {
	Intake *Intake
	Sender contract.Sender
}

// AppenderV2 implements storage.AppendableV2.
func (d Door) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return Lenient{d.Intake.Begin(ctx, d.Sender)}
}

// Lenient is a batch that fails only where the store does.
type Lenient struct{ *Batch }

// Append implements storage.AppenderV2.
func (l Lenient) Append(ref storage.SeriesRef, ls labels.Labels, start, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, options storage.AOptions) (storage.SeriesRef, error) {
	got, err := l.Batch.Append(ref, ls, start, t, v, h, fh, options)
	switch {
	case err == nil, errors.Is(err, (*storage.AppendPartialError)(nil)):
		l.Outcome.Samples++
		return got, err
	case isTime(err):
		return 0, err // known to all of them
	case IsRefusal(err):
		l.in.metrics.refused(err)
		l.Outcome.refuse(1, err)
		return storage.SeriesRef(l.in.noRef()), nil
	}
	return 0, err
}

// isTime reports whether a sample was refused for its time alone.
func isTime(err error) bool {
	return errors.Is(err, storage.ErrOutOfOrderSample) || errors.Is(err, storage.ErrTooOldSample) ||
		errors.Is(err, storage.ErrOutOfBounds) || errors.Is(err, storage.ErrDuplicateSampleForTimestamp)
}

func stale(v float64, h *histogram.Histogram, fh *histogram.FloatHistogram) bool {
	return value.IsStaleNaN(v) || h != nil && value.IsStaleNaN(h.Sum) || fh != nil && value.IsStaleNaN(fh.Sum)
}
