package intake

import (
	"cmp"
	"errors"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"hadron/collector/contract"
	"hadron/collector/metric"
)

// Usage is what a team has of its budget, and what went past it.
type Usage struct {
	Team    string // empty: the series that bear none
	Series  int    // live, under their own labels
	Folded  int    // live, counted under other
	Dropped map[string]uint64
	Past    []contract.Culprit // metrics past the budget, those with the most series first
}

// Usage lists the teams that shows lets through by name, with the budget of each and of
// the node, and how many series all teams together have.
func (in *Intake) Usage(shows func(team string) bool) (teams []Usage, budget contract.Budget, series int) {
	accounts, series := in.ledger.Accounts()
	live := map[string]contract.Account{}
	for _, a := range accounts {
		live[a.Team] = a
	}
	for _, t := range in.allTeams() {
		if !shows(t.name) {
			continue
		}
		u := Usage{Team: t.name, Series: live[t.name].Kept, Folded: live[t.name].Folded, Dropped: map[string]uint64{}}
		for reason, name := range reasonNames {
			u.Dropped[name] = t.dropped[reason].Load()
		}
		t.mu.Lock()
		u.Past = t.culprits.List()
		t.mu.Unlock()
		teams = append(teams, u)
	}
	slices.SortFunc(teams, func(a, b Usage) int { return cmp.Compare(a.Team, b.Team) })
	return teams, in.config.Budget, series
}

// tellEvery is how often the counts of what was dropped are stored, in seconds.
const tellEvery = 15

// tellDropped stores hadron_series_dropped_total of every team with the batch, where it
// is time: so PromQL knows it, and nothing has to run for it.
func (in *Intake) tellDropped(b *Batch) error {
	now := in.config.Now()
	before := in.toldAt.Load()
	if now.Unix() < before+tellEvery || !in.toldAt.CompareAndSwap(before, now.Unix()) {
		return nil
	}
	for _, t := range in.allTeams() {
		for reason, name := range reasonNames {
			n := t.dropped[reason].Load()
			if n == 0 {
				continue
			}
			set := labels.FromStrings(metric.Name, metric.Dropped, metric.Instance, in.config.Instance, metric.Job, metric.JobValue, metric.Reason, name, metric.Team, t.name)
			if _, err := b.store.Append(0, set.WithoutEmpty(), 0, now.UnixMilli(), float64(n), nil, nil, storage.AOptions{}); err != nil && !IsRefusal(err) {
				return err
			}
		}
	}
	return nil
}

type metrics struct {
	in         *Intake
	samples    prometheus.Counter
	histograms prometheus.Counter
	exemplars  prometheus.Counter
	reasons    *prometheus.CounterVec
	series     *prometheus.Desc
	dropped    *prometheus.Desc
}

func newMetrics(registerer prometheus.Registerer, in *Intake) *metrics {
	taken := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hadron_ingest_samples_total", Help: "Samples taken from senders and targets, by kind.",
	}, []string{"kind"})
	m := &metrics{
		in: in, samples: taken.WithLabelValues("float"), histograms: taken.WithLabelValues("histogram"),
		exemplars: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hadron_ingest_exemplars_refused_total", Help: "Exemplars of senders that the store refused.",
		}),
		reasons: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hadron_ingest_samples_refused_total", Help: "Samples of senders that were refused, by reason.",
		}, []string{"reason"}),
		series:  prometheus.NewDesc("hadron_ingest_series", "Series that senders and targets wrote to lately: kept as they are, or folded into other.", []string{"state"}, nil),
		dropped: prometheus.NewDesc(metric.Dropped, metric.DroppedHelp, []string{metric.Team, metric.Reason}, nil),
	}
	if registerer != nil {
		registerer.MustRegister(taken, m.exemplars, m.reasons, m)
	}
	return m
}

// Describe implements prometheus.Collector: nothing, for the collector describes
// hadron_series_dropped_total with the labels of functions.
func (*metrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	accounts, kept := m.in.ledger.Accounts()
	folded := 0
	for _, a := range accounts {
		folded += a.Folded
	}
	ch <- prometheus.MustNewConstMetric(m.series, prometheus.GaugeValue, float64(kept), "kept")
	ch <- prometheus.MustNewConstMetric(m.series, prometheus.GaugeValue, float64(folded), "folded")
	for _, t := range m.in.allTeams() {
		for reason, name := range reasonNames {
			if n := t.dropped[reason].Load(); n > 0 {
				ch <- prometheus.MustNewConstMetric(m.dropped, prometheus.CounterValue, float64(n), t.name, name)
			}
		}
	}
}

func (m *metrics) taken(o Outcome) {
	m.samples.Add(float64(o.Samples))
	m.histograms.Add(float64(o.Histograms))
}

func (m *metrics) refused(err error) {
	reason := "invalid"
	switch {
	case errors.Is(err, ErrBudget):
		reason = "lost"
	case errors.Is(err, storage.ErrDuplicateSampleForTimestamp):
		reason = "duplicate"
	case errors.Is(err, storage.ErrOutOfOrderSample), errors.Is(err, storage.ErrTooOldSample):
		reason = "out_of_order"
	case errors.Is(err, storage.ErrOutOfBounds):
		reason = "out_of_bounds"
	}
	m.reasons.WithLabelValues(reason).Inc()
}

func fromLabels(from labels.Labels) metric.Labels {
	to := make(metric.Labels, 0, from.Len())
	from.Range(func(l labels.Label) { to = append(to, metric.Label{Name: l.Name, Value: l.Value}) })
	return to
}
