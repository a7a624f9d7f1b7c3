package collector_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hadron/collector"
	"hadron/collector/metric"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a metric store that keeps samples by series, and refuses what a real
// one would: times that do not grow.
type memory struct {
	t      *testing.T
	mu     sync.Mutex
	series map[string][]metric.Sample
	fail   error
	query  func(expr string, at time.Time) ([]metric.Point, error)
}

func newMemory(t *testing.T) *memory { return &memory{t: t, series: map[string][]metric.Sample{}} }

func (m *memory) Append(_ context.Context, samples []metric.Sample) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	for _, s := range samples {
		id := text(s.Series.Labels)
		if had := m.series[id]; len(had) > 0 && had[len(had)-1].T >= s.T {
			m.t.Errorf("%s: sample at %d behind one at %d", id, s.T, had[len(had)-1].T)
		}
		m.series[id] = append(m.series[id], s)
	}
	return nil
}

// AppendRollups keeps them apart by their names.
func (m *memory) AppendRollups(ctx context.Context, samples []metric.Sample) error {
	for _, s := range samples {
		if !metric.IsRollup(s.Series.Labels.Get(metric.Name)) {
			m.t.Errorf("%s is no rollup", text(s.Series.Labels))
		}
	}
	return m.Append(ctx, samples)
}

func (m *memory) Bounds() (oldest, newest time.Time) { return oldest, newest }

func (m *memory) RollupBounds() (oldest, newest time.Time) { return oldest, newest }

func (m *memory) QueryDistributions(context.Context, string, time.Time) ([]metric.Distribution, error) {
	return nil, nil
}

func (m *memory) Query(_ context.Context, expr string, at time.Time) ([]metric.Point, error) {
	if m.query == nil {
		return nil, nil
	}
	return m.query(expr, at)
}

func (m *memory) setFail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// of returns the samples of the one series with these labels beside those that
// every series of a function has.
func (m *memory) of(name string, pairs ...string) []metric.Sample {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []metric.Sample
next:
	for _, id := range slices.Sorted(maps.Keys(m.series)) {
		samples := m.series[id]
		labels := samples[0].Series.Labels
		if labels.Get(metric.Name) != name {
			continue
		}
		for i := 0; i < len(pairs); i += 2 {
			if labels.Get(pairs[i]) != pairs[i+1] {
				continue next
			}
		}
		if found != nil {
			m.t.Errorf("several series %s %v", name, pairs)
		}
		found = slices.Clone(samples)
	}
	return found
}

func text(labels metric.Labels) string {
	var out string
	for _, l := range labels {
		out += l.Name + "=" + l.Value + ","
	}
	return out
}

const hello = function.Name("acme/web/hello")

func registered(name function.Name, version int, at time.Time) function.Function {
	spec := function.DefaultManifest()
	return function.Function{
		Name: name, Latest: version, Spec: spec, SpecOf: version, CreatedAt: at, UpdatedAt: at, UpdatedBy: "ada",
		Aliases:  []function.Alias{{Name: function.Live, Weights: []function.Weight{{Version: version, Weight: 1}}}},
		Versions: []function.Version{{ID: function.ID{Name: name, Version: version}, Manifest: spec}},
	}
}

func start(t *testing.T, store collector.Store) *collector.Collector {
	t.Helper()
	c, err := collector.New(collector.Config{Store: store, Node: "test", Interval: time.Second, Step: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return c
}

func call(h *collector.Handle, code invocation.Code, took time.Duration) {
	h.Begin()
	h.Observe(invocation.TriggerHTTP, invocation.Outcome{Code: code, Duration: took, CPU: took / 2})
}

func values(samples []metric.Sample) []float64 {
	var out []float64
	for _, s := range samples {
		if s.H != nil {
			out = append(out, float64(s.H.Count))
		} else {
			out = append(out, s.V)
		}
	}
	return out
}

func TestSeriesBeginAtZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemory(t)
		c := start(t, store)
		c.Apply(registered(hello, 1, time.Now()))
		synctest.Wait()
		for _, name := range []string{metric.Invocations, metric.Events, metric.BadEvents} {
			pairs := []string{metric.Version, "1"}
			if name != metric.Invocations {
				pairs = append(pairs, metric.SLO, "availability")
			}
			if got := values(store.of(name, pairs...)); !slices.Equal(got, []float64{0}) {
				t.Errorf("%s at registration: %v", name, got)
			}
		}
		if got := values(store.of(metric.Objective, metric.SLO, "latency-p99")); !slices.Equal(got, []float64{0.99}) {
			t.Errorf("objective: %v", got)
		}
		if store.of(metric.Errors) != nil || store.of(metric.Duration) != nil {
			t.Error("errors and durations exist before their first use")
		}
		h := c.Handle(function.Version{ID: function.ID{Name: hello, Version: 1}})
		for range 3 {
			call(h, invocation.OK, time.Millisecond)
		}
		call(h, invocation.FunctionError, time.Second)
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		for name, want := range map[string][]float64{
			metric.Invocations: {0, 4},
			metric.Errors:      {0, 1},
			metric.Duration:    {0, 4},
		} {
			if got := values(store.of(name)); !slices.Equal(got, want) {
				t.Errorf("%s = %v, want %v", name, got, want)
			}
		}
		for slo, want := range map[string][]float64{"availability": {0, 1}, "latency-p99": {0, 1}} {
			if got := values(store.of(metric.BadEvents, metric.SLO, slo)); !slices.Equal(got, want) {
				t.Errorf("bad events of %s = %v, want %v", slo, got, want)
			}
		}
		health, ok := c.Health(hello)
		if !ok || health.ErrorRatio == nil || *health.ErrorRatio != 0.25 {
			t.Errorf("health: %+v", health)
		}
	})
}
