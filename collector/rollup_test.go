package collector_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hadron/collector"
	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
	"hadron/storage/tsdb"
)

const (
	week     = 7 * 24 * time.Hour
	interval = time.Minute
	late     = metric.RollupEvery + interval // how far a rollup may lie behind the moment that is asked for
)

// node is one function on a real store, driven by a clock of its own, and beside it
// what truly happened.
type node struct {
	tb        fatal
	db        *tsdb.DB
	now       time.Time
	collector *collector.Collector
	function  function.Function
	handle    *collector.Handle
	counted   []event // those that a pass has given to the store
	fresh     []event // and those that none has yet
}

type event struct {
	at  time.Time
	bad bool
}

type fatal interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func newNode(tb fatal, dir string, window function.Duration) *node {
	tb.Helper()
	db, err := tsdb.Open(tsdb.Config{Dir: dir})
	if err != nil {
		tb.Fatal(err)
	}
	n := &node{tb: tb, db: db, now: time.Date(2026, 11, 1, 10, 2, 3, 0, time.UTC)}
	n.function = registered(hello, 1, n.now.Add(-time.Millisecond))
	n.function.Spec.SLO.Window = window
	n.start()
	return n
}

func (n *node) start() {
	n.tb.Helper()
	c, err := collector.New(collector.Config{Store: n.db, Node: "test", Interval: interval, Now: func() time.Time { return n.now }})
	if err != nil {
		n.tb.Fatal(err)
	}
	n.collector = c
	c.Apply(n.function)
	n.handle = c.Handle(function.Version{ID: function.ID{Name: hello, Version: 1}, Manifest: n.function.Spec})
	if err := c.CatchUp(context.Background()); err != nil {
		n.tb.Fatal(err)
	}
}

func (n *node) call(bad bool) {
	code := invocation.OK
	if bad {
		code = invocation.FunctionError
	}
	call(n.handle, code, time.Millisecond)
	n.fresh = append(n.fresh, event{n.now, bad})
}

func (n *node) pass() {
	n.tb.Helper()
	if err := n.collector.AppendAll(context.Background()); err != nil {
		n.tb.Fatal(err)
	}
	n.counted, n.fresh = append(n.counted, n.fresh...), nil
}

// crash is the end of a process that had no time to do anything: what no pass gave
// to the store is lost.
func (n *node) crash() {
	n.fresh = nil
	n.start()
}

func (n *node) stop() {
	n.tb.Helper()
	if err := n.collector.LastPass(context.Background()); err != nil {
		n.tb.Fatal(err)
	}
	n.counted, n.fresh = append(n.counted, n.fresh...), nil
	n.now = n.now.Add(time.Second)
	n.start()
}

// within counts what happened since a moment.
func (n *node) within(since time.Time) (events, bad float64) {
	for _, list := range [][]event{n.counted, n.fresh} {
		for _, e := range list {
			if e.at.After(since) {
				events++
				if e.bad {
					bad++
				}
			}
		}
	}
	return events, bad
}

// check compares the budget with what truly happened: nothing within the window is
// left out, and nothing is counted that lies further before it than slack.
func (n *node) check(window, slack time.Duration) {
	n.tb.Helper()
	if err := n.collector.RefreshBudgets(context.Background(), window); err != nil {
		n.tb.Fatal(err)
	}
	events, bad := n.collector.InWindow(hello, "availability")
	leastEvents, leastBad := n.within(n.now.Add(-window))
	mostEvents, mostBad := n.within(n.now.Add(-window - slack))
	if events < leastEvents || events > mostEvents || bad < leastBad || bad > mostBad {
		n.tb.Fatalf("%s at %s: %g events, %g bad; truly %g to %g and %g to %g",
			window, n.now.Format(time.DateTime), events, bad, leastEvents, mostEvents, leastBad, mostBad)
	}
}

// Whatever happens, restarts, crashes, long pauses and sleeping machines among it, a
// budget counts each event that was given to the store once.
func TestBudgetsAreExact(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := newNode(r, t.TempDir(), function.Duration(week))
		defer func() { _ = n.db.Close() }()
		for range rapid.IntRange(3, 20).Draw(r, "steps") {
			switch rapid.IntRange(0, 9).Draw(r, "what") {
			case 0:
				n.crash()
			case 1:
				n.stop()
			case 2: // down, or asleep with the machine
				n.now = n.now.Add(time.Duration(rapid.IntRange(1, 80).Draw(r, "hours")) * time.Hour)
				if rapid.Bool().Draw(r, "down") {
					n.crash()
				}
			case 3:
				n.now = n.now.Add(late)
				n.pass()
			default:
				for range rapid.IntRange(1, 12).Draw(r, "minutes") {
					for range rapid.IntRange(0, 5).Draw(r, "calls") {
						n.call(rapid.IntRange(0, 3).Draw(r, "bad") == 0)
					}
					n.now = n.now.Add(interval)
					n.pass()
				}
			}
			n.call(false)
			n.pass()
			n.check(week, late)
			n.now = n.now.Add(time.Second)
		}
	})
}

// What a process counted after its last rollup and before its crash is before a window
// that begins a little later.
func TestWindowBeginsSoonAfterACrash(t *testing.T) {
	n := newNode(t, t.TempDir(), function.Duration(week))
	defer func() { _ = n.db.Close() }()
	began := n.now
	for range 7 {
		n.call(true)
		n.call(false)
		n.now = n.now.Add(interval)
		n.pass()
	}
	n.now = n.now.Add(2 * time.Hour)
	n.crash()
	n.call(false)
	n.pass()
	n.now = began.Add(week + 22*time.Minute)
	n.call(false)
	n.pass()
	n.check(week, late)
}

// A short window is counted from the raw samples.
func TestBudgetOfAnHour(t *testing.T) {
	n := newNode(t, t.TempDir(), function.Duration(time.Hour))
	defer func() { _ = n.db.Close() }()
	for minute := range 150 {
		for range minute % 7 {
			n.call(minute%3 == 0)
		}
		n.now = n.now.Add(interval)
		n.pass()
		if minute == 70 || minute == 100 {
			n.crash()
			n.now = n.now.Add(time.Second)
			n.pass()
		}
		n.check(time.Hour, 2*interval)
	}
}

// PromQL over the rollups says what was counted, and the totals are there for as long
// as a window may ask for them, also of a function that nobody calls.
func TestRollupsByPromQL(t *testing.T) {
	n := newNode(t, t.TempDir(), function.Duration(week))
	defer func() { _ = n.db.Close() }()
	for hour := range 9 * 24 {
		if hour%5 == 0 {
			n.call(hour%10 == 0)
		}
		for range 12 {
			n.now = n.now.Add(metric.RollupEvery)
			n.pass()
		}
		if hour == 40 {
			n.crash()
		}
	}
	for _, window := range []time.Duration{slo.RollupsFrom, 3 * 24 * time.Hour, week} {
		wantEvents, wantBad := n.within(n.now.Add(-window))
		for name, want := range map[string]float64{metric.Events: wantEvents, metric.BadEvents: wantBad} {
			points, err := n.db.Query(context.Background(), slo.Increase(name, `slo="availability"`, window), n.now)
			if err != nil || len(points) != 1 || points[0].V < want || points[0].V > want+1 {
				t.Errorf("%s over %s: %v, %v; %g were counted", name, window, points, err, want)
			}
		}
	}
	resting, err := n.db.Query(context.Background(), fmt.Sprintf("count_over_time(%s{slo=\"availability\"}[1d])", metric.RolledEvents), n.now)
	if err != nil || len(resting) != 1 || resting[0].V < 20 || resting[0].V > 40 {
		t.Errorf("samples of a day in which a total rests mostly: %v, %v", resting, err)
	}
}

// A function that is made anew under a name that one had before begins with nothing
// spent.
func TestBudgetOfAFunctionMadeAnew(t *testing.T) {
	n := newNode(t, t.TempDir(), function.Duration(week))
	defer func() { _ = n.db.Close() }()
	for range 20 {
		n.call(true)
	}
	n.now = n.now.Add(late)
	n.pass()
	n.collector.Remove(hello)
	n.now = n.now.Add(time.Minute)
	n.pass()
	n.counted = nil
	n.function.CreatedAt = n.now
	n.collector.Apply(n.function)
	n.handle = n.collector.Handle(n.function.Versions[0])
	n.call(false)
	n.now = n.now.Add(late)
	n.pass()
	n.check(week, late)
	n.crash()
	n.now = n.now.Add(time.Second)
	n.pass()
	n.check(week, late)
}

// An objective that goes and comes back goes on with its total.
func TestRollupsOfAnObjectiveThatReturns(t *testing.T) {
	n := newNode(t, t.TempDir(), function.Duration(week))
	defer func() { _ = n.db.Close() }()
	latency := n.function.Spec.SLO.Latency
	for _, objectives := range [][]function.Latency{latency, nil, latency} {
		n.function.Spec.SLO.Latency = objectives
		n.collector.Apply(n.function)
		for range 5 {
			n.call(false)
		}
		n.now = n.now.Add(late)
		n.pass()
	}
	n.crash()
	n.now = n.now.Add(late)
	n.pass()
	if err := n.collector.RefreshBudgets(context.Background(), week); err != nil {
		t.Fatal(err)
	}
	if events, _ := n.collector.InWindow(hello, "latency-p99"); events != 10 {
		t.Errorf("%g events of an objective that was there for ten of fifteen calls", events)
	}
}

// Where the rollups are lost, they are made again from the raw samples.
func TestLostRollupsAreMadeAgain(t *testing.T) {
	n := newNode(t, t.TempDir(), function.Duration(week))
	defer func() { _ = n.db.Close() }()
	for range 200 {
		n.call(true)
		n.now = n.now.Add(interval)
		n.pass()
	}
	n.now = n.now.Add(time.Second)
	lost := &withoutRollups{DB: n.db, other: openStore(t)}
	c, err := collector.New(collector.Config{Store: lost, Node: "test", Interval: interval, Now: func() time.Time { return n.now }})
	if err != nil {
		t.Fatal(err)
	}
	c.Apply(n.function)
	if err := c.CatchUp(context.Background()); err != nil {
		t.Fatal(err)
	}
	if events, bad := c.InWindow(hello, "availability"); events != 200 || bad != 200 {
		t.Errorf("%g events, %g bad were found again of 200", events, bad)
	}
	points, err := lost.other.Query(context.Background(), "last_over_time("+metric.RolledEvents+`{slo="availability"}[70m])`, n.now.Add(-2*time.Hour))
	if err != nil || len(points) != 1 || points[0].V < 20 || points[0].V > 80 {
		t.Errorf("the total of two hours ago: %v, %v", points, err)
	}
}

// withoutRollups is a store whose rollups are those of another one.
type withoutRollups struct {
	*tsdb.DB
	other *tsdb.DB
}

func (s *withoutRollups) AppendRollups(ctx context.Context, samples []metric.Sample) error {
	return s.other.AppendRollups(ctx, samples)
}

func (s *withoutRollups) RollupBounds() (oldest, newest time.Time) { return s.other.RollupBounds() }

// The budget is unknown until the store has answered, and the store is asked again.
func TestBudgetIsUnknownUntilTheStoreAnswers(t *testing.T) {
	n := newNode(t, t.TempDir(), function.Duration(week))
	defer func() { _ = n.db.Close() }()
	for range 20 {
		n.call(true)
	}
	n.now = n.now.Add(late)
	n.pass()
	n.now = n.now.Add(time.Hour)
	store := &refusing{DB: n.db, err: errors.New("warming up")}
	c, err := collector.New(collector.Config{Store: store, Node: "test", Interval: interval, Now: func() time.Time { return n.now }})
	if err != nil {
		t.Fatal(err)
	}
	c.Apply(n.function)
	tick := func() *float64 {
		n.now = n.now.Add(time.Second)
		if err := c.AppendAll(context.Background()); err != nil {
			t.Fatal(err)
		}
		c.Compute(time.Second)
		health, _ := c.Health(hello)
		return health.BudgetLeft
	}
	if err := c.CatchUp(context.Background()); err == nil || tick() != nil {
		t.Error("a budget before the store answered")
	}
	store.err = nil
	if err := c.CatchUp(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := c.RefreshBudgets(context.Background(), week); err != nil {
		t.Fatal(err)
	}
	if left := tick(); left == nil || *left > -998 || *left < -1000 { // all of 20 are bad, one in a thousand may be
		t.Errorf("budget left %v", left)
	}
	h := c.Handle(n.function.Versions[0])
	for range 20 {
		call(h, invocation.OK, time.Millisecond)
	}
	if left := tick(); left == nil || *left > -498 || *left < -500 {
		t.Errorf("budget left after as many good ones: %v", left)
	}
}

// refusing is a store that does not answer.
type refusing struct {
	*tsdb.DB
	err error
}

func (s *refusing) Query(ctx context.Context, expr string, at time.Time) ([]metric.Point, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.DB.Query(ctx, expr, at)
}

func openStore(t *testing.T) *tsdb.DB {
	t.Helper()
	db, err := tsdb.Open(tsdb.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
