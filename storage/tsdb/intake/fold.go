package intake

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"hadron/collector/contract"
	"hadron/collector/metric"
)

// sum is the series that stands for a team's folded series of one metric.
type sum struct {
	labels labels.Labels
	hash   uint64

	mu       sync.Mutex
	ref      storage.SeriesRef
	members  int
	float    contract.Sum
	hist     *histogram.FloatHistogram // instead, where it sums histograms
	decided  bool                      // which of the two it is
	newest   int64                     // time of the newest value that is in it; Unix milliseconds
	written  int64                     // time of the last sample stored
	unstored bool                      // something changed since
}

// sumFor returns the sum that a series is folded into, one member more; nil where there is
// no room.
func (t *team) sumFor(in *Intake, set metric.Labels, past contract.Owner) *sum {
	folded := contract.Fold(set, past)
	builder := labels.NewScratchBuilder(len(folded))
	for _, l := range folded {
		builder.Add(l.Name, l.Value)
	}
	into := builder.Labels()
	hash := into.Hash()
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sums[hash]
	if s != nil && !labels.Equal(s.labels, into) {
		return nil
	}
	if s == nil {
		if !in.ledger.AdmitSum(t.name) {
			return nil
		}
		name := set.Get(metric.Name)
		s = &sum{labels: into, hash: hash, float: contract.Sum{Cumulative: contract.Cumulative(name, t.kindOf(name))}}
		t.sums[hash] = s
	}
	s.members++ // under t.mu, as where it is read
	return s
}

// leave takes a folded series out of its sum, and the sum away with its last.
func (t *team) leave(in *Intake, s *Series) {
	into := s.into
	into.mu.Lock()
	into.float.Drop(&s.last)
	wasHistogram := s.lastH != nil
	s.lastH = nil
	into.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if wasHistogram {
		t.histograms--
	}
	if into.members--; into.members == 0 {
		delete(t.sums, into.hash)
		in.ledger.ReleaseSum(t.name)
	}
}

// fold moves a sum on by a sample of one of its series.
func (b *Batch) fold(s *Series, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram) error {
	into := s.into
	into.mu.Lock()
	defer into.mu.Unlock()
	if h != nil && fh == nil {
		fh = h.ToFloat(nil)
	}
	ended := stale(v, h, fh)
	if !into.decided && !ended {
		into.decided = true
		if fh != nil {
			into.hist = &histogram.FloatHistogram{Schema: fh.Schema, ZeroThreshold: fh.ZeroThreshold, CustomValues: fh.CustomValues}
		}
	}
	var err error
	switch {
	case ended && into.hist != nil:
		return nil // a histogram's last counts stay in the sum, and it goes on from them
	case (fh != nil) != (into.hist != nil) && !ended:
		err = fmt.Errorf("%w: %s was folded with samples of another kind", ErrBudget, s.labels.Get(metric.Name))
	case fh != nil && !ended:
		err = into.addHistogram(b, s, t, fh)
	case !ended && (math.IsNaN(v) || math.IsInf(v, 0)):
		return nil // would stay in the sum for ever
	case t == s.last.T && v == s.last.V:
		return nil // sent again
	case !into.float.Add(&s.last, t, v, ended):
		err = storage.ErrOutOfOrderSample
	}
	if err != nil {
		return err
	}
	into.newest, into.unstored = max(into.newest, t), true
	if !slices.Contains(b.sums, into) {
		b.sums = append(b.sums, into)
	}
	return nil
}

// addHistogram adds what a histogram counted since the last. The caller holds into.mu.
func (into *sum) addHistogram(b *Batch, s *Series, t int64, fh *histogram.FloatHistogram) error {
	if s.last.T != 0 && t <= s.last.T {
		return storage.ErrOutOfOrderSample
	}
	if err := fh.Validate(); err != nil {
		return err
	}
	if buckets(fh) > mostBuckets || buckets(into.hist) > 10*mostBuckets {
		return fmt.Errorf("%w: a folded histogram has too many buckets", ErrBudget)
	}
	if s.lastH == nil && !s.team.histogram(b.in.config.Budget.Folded()/20) {
		return fmt.Errorf("%w: too many folded histograms", ErrBudget)
	}
	counted := fh.Copy()
	if s.lastH != nil && !fh.DetectReset(s.lastH) {
		if _, _, _, err := counted.Sub(s.lastH); err != nil {
			return fmt.Errorf("%w: %w", ErrBudget, err)
		}
	}
	if s.lastH != nil {
		if _, _, _, err := into.hist.Add(counted); err != nil {
			return fmt.Errorf("%w: %w", ErrBudget, err)
		}
	}
	s.lastH, s.last.T = fh.Copy(), t
	return nil
}

// mostBuckets bounds a folded histogram, and tenfold the sum of some.
const mostBuckets = 500

func buckets(h *histogram.FloatHistogram) int {
	return len(h.PositiveBuckets) + len(h.NegativeBuckets) + len(h.CustomValues)
}

// histogram counts one more folded histogram, of which each takes a kilobyte or two.
func (t *team) histogram(most int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.histograms > most {
		return false
	}
	t.histograms++
	return true
}

// write stores the sum as it stands. Senders of one metric have clocks and shards of their own, so
// what comes late is told a millisecond after what was told before.
func (into *sum) write(store storage.AppenderV2) error {
	into.mu.Lock()
	defer into.mu.Unlock()
	if !into.unstored {
		return nil
	}
	into.unstored = false
	at := max(into.newest, into.written+1)
	var fh *histogram.FloatHistogram
	if into.hist != nil {
		fh = into.hist.Copy().Compact(0)
		fh.CounterResetHint = histogram.UnknownCounterReset
	}
	ref, err := store.Append(into.ref, into.labels, 0, at, into.float.Value, nil, fh, storage.AOptions{})
	if err != nil && IsRefusal(err) {
		return nil // of another time than the store takes
	}
	if err == nil {
		into.ref, into.written = ref, at
	}
	return err
}
