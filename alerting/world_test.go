package alerting_test

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/alerting"
	"hadron/collector/metric"
	"hadron/collector/slo"
	"hadron/runtime/function"
)

const interval = 15 * time.Second

// burn is how an objective fares in a window: none, or bad and all events.
type burn struct{ bad, all float64 }

// world is functions, what the metric store says of them, and a clock that only
// the test moves.
type world struct {
	mu        sync.Mutex
	now       time.Time
	functions map[function.Name]*function.Function
	burns     map[alerting.Objective]burn // over every window
	special   map[alerting.Objective]map[string]burn
	keys      map[function.Name]string // routing keys
	asked     []string
	appended  []metric.Sample
	queryErr  error
	listErr   error
	details   alerting.Details
	wakes     int
}

func newWorld(names ...function.Name) *world {
	w := &world{
		now: noon, functions: map[function.Name]*function.Function{}, burns: map[alerting.Objective]burn{},
		special: map[alerting.Objective]map[string]burn{}, keys: map[function.Name]string{},
	}
	for _, n := range names {
		w.register(n, nil)
		w.keys[n] = "key of " + string(n)
	}
	return w
}

func (w *world) register(name function.Name, change func(*function.Manifest)) {
	m := function.DefaultManifest()
	if change != nil {
		change(&m)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.functions[name] = &function.Function{Name: name, Spec: m, SpecOf: 1, Latest: 1}
}

func (w *world) remove(name function.Name) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.functions, name)
}

// set says how an objective fares, in every window or in those named.
func (w *world) set(name function.Name, objective string, b burn, windows ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := alerting.Objective{Function: name, SLO: objective}
	if len(windows) == 0 {
		w.burns[o], w.special[o] = b, nil
		return
	}
	if w.special[o] == nil {
		w.special[o] = map[string]burn{}
	}
	for _, at := range windows {
		w.special[o][at] = b
	}
}

func (w *world) list(context.Context) ([]*function.Function, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []*function.Function
	for _, f := range w.functions {
		out = append(out, f)
	}
	return out, w.listErr
}

// narrowed is what narrows a query to functions.
var narrowed = regexp.MustCompile(`\{[^}]*\}`)

func (w *world) query(ctx context.Context, expr string, at time.Time) ([]metric.Point, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, expr)
	if w.queryErr != nil {
		return nil, w.queryErr
	}
	for _, window := range function.Windows {
		for _, r := range slo.Rules(time.Duration(window), interval) {
			for _, c := range []slo.Count{{}, {Bad: true}, {Long: true}, {Long: true, Bad: true}} {
				if r.Ask(c, "") == narrowed.ReplaceAllString(expr, "") {
					return w.answer(r, at, c), ctx.Err()
				}
			}
		}
	}
	return nil, errors.New("no rule asks this: " + expr)
}

// answer is of every function, whatever the matchers.
func (w *world) answer(r slo.Rule, at time.Time, c slo.Count) (out []metric.Point) {
	for name, f := range w.functions {
		if time.Duration(f.Spec.SLO.Window) != r.SLOWindow {
			continue
		}
		for _, o := range f.Spec.SLO.Objectives() {
			objective := alerting.Objective{Function: name, SLO: o.Name}
			b, ok := w.special[objective][r.Window.Name()]
			if !ok {
				if b, ok = w.burns[objective]; !ok {
					continue
				}
			}
			v := b.all
			if c.Bad {
				v = b.bad
			}
			out = append(out, metric.Point{T: at.UnixMilli(), V: v, Labels: metric.NewLabels("",
				metric.Team, name.Team(), metric.Project, name.Project(), metric.Function, name.Base(), metric.SLO, o.Name)})
		}
	}
	return out
}

func (w *world) routing(name function.Name) (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key, ok := w.keys[name]
	return key, ok
}

func (w *world) config(store alerting.Store) alerting.Config {
	return alerting.Config{
		Query: w.query, List: w.list, Store: store, Interval: interval, Routing: w.routing, Installation: "test", Unmeasured: true,
		Append: func(_ context.Context, samples []metric.Sample) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.appended = append([]metric.Sample(nil), samples...)
			return nil
		},
		Describe: func(context.Context, alerting.Question) alerting.Details { return w.details },
		Wake:     func() { w.wakes++ },
		Now: func() time.Time {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.now
		},
		Registerer: prometheus.NewRegistry(),
	}
}

// evaluator starts anew from what the store holds.
func (w *world) evaluator(tb testing.TB, store alerting.Store) *ticking {
	tb.Helper()
	e, err := alerting.New(w.config(store))
	if err == nil {
		err = e.Load(tb.Context())
	}
	if err != nil {
		tb.Fatal(err)
	}
	return &ticking{e, tb, w}
}

type ticking struct {
	*alerting.Evaluator
	tb testing.TB
	w  *world
}

// tick moves the clock on and evaluates; its answer is the error's text.
func (t *ticking) tick(by time.Duration) string {
	t.w.mu.Lock()
	t.w.now = t.w.now.Add(by)
	t.w.mu.Unlock()
	return t.Tick(t.tb.Context())
}

func (t *ticking) mustTick() {
	t.tb.Helper()
	if err := t.tick(3 * time.Minute); err != "" { // all rules are due
		t.tb.Fatal(err)
	}
}
