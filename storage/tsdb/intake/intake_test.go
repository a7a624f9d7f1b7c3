package intake_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"go.uber.org/goleak"

	"hadron/collector/contract"
	"hadron/runtime/access"
	"hadron/storage/tsdb"
	"hadron/storage/tsdb/intake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

type fixture struct {
	db       *tsdb.DB
	in       *intake.Intake
	clock    *clock
	registry *prometheus.Registry
}

func open(t testing.TB, budget contract.Budget) fixture {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	db, err := tsdb.Open(tsdb.Config{Dir: t.TempDir(), OutOfOrderWindow: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	c := &clock{at: time.Now().Add(-time.Hour).Truncate(time.Second)}
	in, err := intake.New(intake.Config{DB: db, Budget: budget, Instance: "n", Now: c.now, Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	return fixture{db, in, c, registry}
}

var pay = contract.SenderOf([]access.Scope{"pay"})

func (f fixture) value(t testing.TB, expr string) float64 {
	t.Helper()
	points, err := f.db.Query(t.Context(), expr, f.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	if len(points) != 1 {
		t.Fatalf("%s has %d elements", expr, len(points))
	}
	return points[0].V
}

// begin opens a batch that is given up at the latest when the test ends.
func (f fixture) begin(t testing.TB, sender contract.Sender) *intake.Batch {
	t.Helper()
	b := f.in.Begin(t.Context(), sender)
	t.Cleanup(func() { _ = b.Rollback() })
	return b
}

func series(t testing.TB, b *intake.Batch, pairs ...string) *intake.Series {
	t.Helper()
	var list []labels.Label
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, labels.Label{Name: pairs[i], Value: pairs[i+1]})
	}
	s, err := b.Series(list)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func commit(t testing.TB, b *intake.Batch) {
	t.Helper()
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if len(b.Outcome.Errors) > 0 {
		t.Fatal(errors.Join(b.Outcome.Errors...))
	}
}

// Gauges past the budget are summed while they live: a stale marker and an hour of
// silence take a member out.
func TestFoldedGaugesLeave(t *testing.T) {
	f := open(t, contract.Budget{Team: 1, Node: 10})
	write := func(values map[string]float64) {
		b := f.begin(t, pay)
		for id, v := range values {
			if err := b.Float(series(t, b, "__name__", "depth", "id", id), 0, f.clock.now().UnixMilli(), v); err != nil {
				t.Fatal(err)
			}
		}
		commit(t, b)
	}
	write(map[string]float64{"0": 1})
	write(map[string]float64{"1": 5})
	if _, err := f.begin(t, pay).Series([]labels.Label{{Name: "__name__", Value: "depth"}, {Name: "id", Value: "2"}}); !errors.Is(err, intake.ErrBudget) {
		t.Fatalf("a second folded series of a budget of 1: %v", err)
	}
	f.clock.add(time.Second)
	write(map[string]float64{"0": 1, "1": 7})
	if got := f.value(t, `depth{id="other"}`); got != 7 {
		t.Errorf("folded: %v", got)
	}
	// After an hour of silence both places are free again.
	for range 300 * 5 {
		f.clock.add(20 * time.Second / 5)
		_ = f.in.Begin(t.Context(), pay).Rollback()
	}
	usage, _, kept := f.in.Usage(func(string) bool { return true })
	if kept != 0 || usage[0].Folded != 0 {
		t.Fatalf("%d kept, %+v", kept, usage)
	}
	write(map[string]float64{"9": 3})
	if got := f.value(t, `depth{id="9"}`); got != 3 {
		t.Errorf("after the others left: %v", got)
	}
}

// Histograms past the budget are summed by what they count from one time to the next.
func TestFoldedHistograms(t *testing.T) {
	f := open(t, contract.Budget{Team: 1, Node: 10})
	h := func(n uint64) *histogram.Histogram {
		return &histogram.Histogram{
			Schema: 1, ZeroThreshold: 1e-9, Count: n, Sum: float64(n), PositiveSpans: []histogram.Span{{Length: 1}}, PositiveBuckets: []int64{int64(n)},
		}
	}
	for _, n := range []uint64{10, 14, 3} { // the last after a restart
		f.clock.add(time.Second)
		b := f.begin(t, pay)
		ms := f.clock.now().UnixMilli()
		if err := b.Float(series(t, b, "__name__", "up"), 0, ms, 1); err != nil {
			t.Fatal(err)
		}
		s := series(t, b, "__name__", "latency", "id", "a")
		if err := b.Histogram(s, 0, ms, h(n), nil); err != nil {
			t.Fatal(err)
		}
		if err := b.Histogram(s, 0, ms-10, h(n), nil); err != nil {
			t.Fatal(err)
		}
		if b.Outcome.Histograms != 1 || b.Outcome.Refused != 1 {
			t.Errorf("%+v", b.Outcome)
		}
		if err := b.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.value(t, `histogram_count(latency{id="other"})`); got != 7 {
		t.Errorf("4 and then 3 were counted: %v", got)
	}
}

// What comes by Prometheus's own interfaces is held to the same, and a series that is refused
// takes nothing else with it.
func TestDoor(t *testing.T) {
	f := open(t, contract.Budget{Team: 2, Node: 2})
	app := intake.Door{Intake: f.in, Sender: contract.Operator}.AppenderV2(t.Context())
	refs := map[storage.SeriesRef]bool{}
	for i, pairs := range [][]string{
		{"__name__", "up"},
		{"__name__", "x", "id", "1"},
		{"__name__", "x", "id", "2"}, // folded
		{"__name__", "x", "id", "3"}, // folded
		{"__name__", "x", "id", "4"}, // lost
		{"__name__", "hadron_x", "job", "hadron"},
		{"__name__", "x", "id", strings.Repeat("long", 1000)},
	} {
		ref, err := app.Append(0, labels.FromStrings(pairs...), 0, f.clock.now().UnixMilli(), float64(i), nil, nil, storage.AOptions{})
		if err != nil || ref == 0 || refs[ref] {
			t.Errorf("%v: %d %v", pairs, ref, err)
		}
		refs[ref] = true
	}
	if _, err := app.Append(0, labels.FromStrings("__name__", "up"), 0, f.clock.now().Add(time.Hour).UnixMilli(), 1, nil, nil, storage.AOptions{}); !errors.Is(err, storage.ErrOutOfBounds) {
		t.Errorf("of the future: %v", err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := f.value(t, `x{id="other"}`); got != 2+3 {
		t.Errorf("folded: %v", got)
	}
	if got := f.value(t, `hadron_series_dropped_total{reason="series"}`); got != 2 {
		t.Errorf("told: %v", got)
	}
	want := strings.NewReader(`
		# HELP hadron_ingest_series Series that senders and targets wrote to lately: kept as they are, or folded into other.
		# TYPE hadron_ingest_series gauge
		hadron_ingest_series{state="folded"} 2
		hadron_ingest_series{state="kept"} 2
		# HELP hadron_series_dropped_total Series or measurements that were not kept as they were made, by function, or by team where others sent them.
		# TYPE hadron_series_dropped_total counter
		hadron_series_dropped_total{reason="invalid",team=""} 2
		hadron_series_dropped_total{reason="lost",team=""} 1
		hadron_series_dropped_total{reason="series",team=""} 2
	`)
	if err := testutil.GatherAndCompare(f.registry, want, "hadron_ingest_series", "hadron_series_dropped_total"); err != nil {
		t.Error(err)
	}
}

// Many senders at once: nothing is counted twice, whatever is new to whom.
func TestSendersAtOnce(t *testing.T) {
	f := open(t, contract.Budget{Team: 50, Node: 200})
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for range 20 {
				b := f.begin(t, pay)
				for i := range 80 {
					s, err := b.Series([]labels.Label{{Name: "__name__", Value: "m"}, {Name: "id", Value: fmt.Sprint(i)}})
					if err != nil {
						continue
					}
					if err := b.Float(s, 0, f.clock.now().UnixMilli(), 1); err != nil {
						t.Error(err)
					}
				}
				if err := b.Commit(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	senders.Wait()
	usage, _, kept := f.in.Usage(func(string) bool { return true })
	if kept != 50 || usage[0].Series != 50 || usage[0].Folded != 30 {
		t.Errorf("%d kept, %+v", kept, usage)
	}
}

func TestAfterClose(t *testing.T) {
	f := open(t, contract.Budget{})
	if err := f.db.Close(); err != nil {
		t.Fatal(err)
	}
	b := f.begin(t, pay)
	if err := b.Float(series(t, b, "__name__", "a"), 0, 1, 1); !errors.Is(err, tsdb.ErrClosed) {
		t.Errorf("%v", err)
	}
	_ = b.Rollback()
}

// A function past its budget is folded, then lost, under its own name; its team's other
// series and its neighbours' are not, and its metric is named.
func TestBudgetOfAFunction(t *testing.T) {
	f := open(t, contract.Budget{Function: 3, Team: 30, Node: 100})
	for round := range 2 {
		f.clock.add(20 * time.Second)
		b := f.begin(t, pay)
		ms := f.clock.now().UnixMilli()
		for i, of := range [][]string{{"project", "web", "function", "cart"}, {"project", "web", "function", "pay"}, {"function", "no-project"}, {"app", "x"}} {
			lost := 0
			for id := range 8 {
				if i == 1 && id == 3 {
					break
				}
				list := []labels.Label{{Name: "__name__", Value: "visits_total"}, {Name: "id", Value: fmt.Sprint(id)}}
				for k := 0; k < len(of); k += 2 {
					list = append(list, labels.Label{Name: of[k], Value: of[k+1]})
				}
				s, err := b.Series(list)
				if errors.Is(err, intake.ErrBudget) {
					if lost++; !strings.Contains(err.Error(), "function pay/web/cart has more than its budget of 3 series") {
						t.Error(err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if err := b.Float(s, 0, ms, float64(10*round)); err != nil {
					t.Fatal(err)
				}
			}
			if want := map[int]int{0: 2}[i]; lost != want {
				t.Errorf("%v: %d lost, want %d", of, lost, want)
			}
		}
		commit(t, b)
	}
	for expr, want := range map[string]float64{
		`visits_total{function="cart",project="web",id="other"}`:                                           30,
		`count(visits_total{function="cart",id!="other"})`:                                                 3,
		`count(visits_total{id="other"})`:                                                                  1, // nobody else's
		`hadron_series_dropped_total{team="pay",project="web",function="cart",reason="sent",job="hadron"}`: 3,
		`hadron_series_dropped_total{team="pay",project="web",function="cart",reason="lost"}`:              4,
		`count(hadron_series_dropped_total)`:                                                               2,
	} {
		if got := f.value(t, expr); got != want {
			t.Errorf("%s is %v, want %v", expr, got, want)
		}
	}
	usage, _, _ := f.in.Usage(func(string) bool { return true })
	u := usage[0]
	cart := contract.Owner{Team: "pay", Project: "web", Function: "cart"}
	if len(u.Functions) != 1 || u.Functions[0].Owner != cart || u.Functions[0].Series != 3 || u.Functions[0].Folded != 3 ||
		u.Functions[0].Dropped["series"] != 3 || u.Functions[0].Dropped["lost"] != 4 || u.Dropped["series"] != 3 || u.Dropped["lost"] != 4 {
		t.Errorf("%+v", u)
	}
	if len(u.Past) != 1 || u.Past[0].Past != cart || u.Past[0].Label != "id" || u.Past[0].Series != 7 {
		t.Errorf("%+v", u.Past)
	}
	want := strings.NewReader(`
		# HELP hadron_series_dropped_total Series or measurements that were not kept as they were made, by function, or by team where others sent them.
		# TYPE hadron_series_dropped_total counter
		hadron_series_dropped_total{function="cart",project="web",reason="lost",team="pay"} 4
		hadron_series_dropped_total{function="cart",project="web",reason="sent",team="pay"} 3
	`)
	if err := testutil.GatherAndCompare(f.registry, want, "hadron_series_dropped_total"); err != nil {
		t.Error(err)
	}
	// What is silent for an hour gives its place back.
	for range 300 * 5 {
		f.clock.add(20 * time.Second / 5)
		_ = f.in.Begin(t.Context(), pay).Rollback()
	}
	if usage, _, kept := f.in.Usage(func(string) bool { return true }); kept != 0 || usage[0].Functions[0].Series != 0 || usage[0].Functions[0].Folded != 0 {
		t.Errorf("%d kept, %+v", kept, usage)
	}
}
