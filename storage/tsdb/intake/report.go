package intake

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"hadron/collector/contract"
	"hadron/collector/metric"
)

// Usage is what a team has of its budget, and what went past it.
type Usage struct {
	Team      string             // empty: the series that bear none
	Series    int                // live, under their own labels
	Folded    int                // live, counted under other
	Dropped   map[string]uint64  // by reason, with what its functions' budgets dropped
	Functions []FunctionUsage    // past their own budgets, those that lost the most series first
	Past      []contract.Culprit // metrics past a budget, those with the most series first
}

// FunctionUsage is what a function has of its budget.
type FunctionUsage struct {
	contract.Owner
	Series, Folded int
	Dropped        map[string]uint64 // by reason: series and lost
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
		t.mu.Lock()
		u.Past = t.culprits.List(t.name)
		t.dropped.addTo(u.Dropped)
		for owner, d := range t.functions {
			f := FunctionUsage{Owner: owner, Dropped: map[string]uint64{}}
			f.Series, f.Folded = in.ledger.Function(owner)
			d.addTo(f.Dropped)
			d.addTo(u.Dropped)
			delete(f.Dropped, reasonNames[dropInvalid])
			u.Functions = append(u.Functions, f)
		}
		t.mu.Unlock()
		slices.SortFunc(u.Functions, func(a, b FunctionUsage) int {
			return cmp.Or(cmp.Compare(b.all(), a.all()), cmp.Compare(a.Project, b.Project), cmp.Compare(a.Function, b.Function))
		})
		teams = append(teams, u)
	}
	slices.SortFunc(teams, func(a, b Usage) int { return cmp.Compare(a.Team, b.Team) })
	return teams, in.config.Budget, series
}

// addTo adds the counts to those of others.
func (d *drops) addTo(by map[string]uint64) {
	for reason, name := range reasonNames {
		by[name] += d[reason].Load()
	}
}

func (f *FunctionUsage) all() (n uint64) {
	for _, one := range f.Dropped {
		n += one
	}
	return n
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
	return in.eachDropped(func(owner contract.Owner, reason string, n uint64) error {
		set := labels.FromStrings(metric.Function, owner.Function, metric.Instance, in.config.Instance, metric.Job, metric.JobValue,
			metric.Name, metric.Dropped, metric.Project, owner.Project, metric.Reason, reason, metric.Team, owner.Team)
		if _, err := b.store.Append(0, set.WithoutEmpty(), 0, now.UnixMilli(), float64(n), nil, nil, storage.AOptions{}); err != nil && !IsRefusal(err) {
			return err
		}
		return nil
	})
}

// eachDropped tells what was dropped of whose budget, and for what, until tell fails.
func (in *Intake) eachDropped(tell func(owner contract.Owner, reason string, n uint64) error) error {
	for _, t := range in.allTeams() {
		t.mu.Lock()
		functions := maps.Clone(t.functions)
		t.mu.Unlock()
		for reason, name := range reasonNames {
			if n := t.dropped[reason].Load(); n > 0 {
				if err := tell(contract.Owner{Team: t.name}, name, n); err != nil {
					return err
				}
			}
			for owner, d := range functions {
				if n := d[reason].Load(); n > 0 {
					if err := tell(owner, sentReasons[reason], n); err != nil {
						return err
					}
				}
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
	dropped    *prometheus.Desc // of teams
	ofFunction *prometheus.Desc
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
		ofFunction: prometheus.NewDesc(metric.Dropped, metric.DroppedHelp,
			[]string{metric.Team, metric.Project, metric.Function, metric.Reason}, nil),
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
	_ = m.in.eachDropped(func(owner contract.Owner, reason string, n uint64) error {
		if owner.Function == "" {
			ch <- prometheus.MustNewConstMetric(m.dropped, prometheus.CounterValue, float64(n), owner.Team, reason)
			return nil
		}
		ch <- prometheus.MustNewConstMetric(m.ofFunction, prometheus.CounterValue, float64(n), owner.Team, owner.Project, owner.Function, reason)
		return nil
	})
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
