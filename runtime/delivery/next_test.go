package delivery_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hadron/runtime/delivery"
	"hadron/runtime/function"
)

var began = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func rollout(strategy string) delivery.Rollout {
	return delivery.Rollout{
		ID: 7, Function: "a/b/c", Alias: "live", From: 1, To: 2, By: "ada", State: delivery.Pending,
		Plan:      function.Delivery{Strategy: strategy, Interval: function.Duration(time.Minute), Probe: function.Probe{Path: "/ok"}}.WithDefaults(),
		Weights:   []function.Weight{{Version: 1, Weight: 100}},
		StartedAt: began, UpdatedAt: began, StateAt: began,
	}
}

// world is the store as a crash leaves it: rollout and alias, written together.
type world struct {
	r       delivery.Rollout
	weights []function.Weight
	steps   []int // each time that a step was given its weights
	events  int
}

// write stores a move whole, or not at all where the process ends first.
func (w *world) write(next delivery.Rollout, actions []delivery.Action) {
	points := 0
	for _, a := range actions {
		if a.Event != nil {
			w.events++
		}
		if a.Point == nil {
			continue
		}
		points++
		if next.Step != w.r.Step {
			w.steps = append(w.steps, next.Step)
		}
		w.weights = a.Point.Weights
	}
	if points > 1 {
		panic("two changes of the alias in one move")
	}
	w.r = next
}

func (w *world) share(version int) int {
	for _, x := range w.weights {
		if x.Version == version {
			return x.Weight
		}
	}
	return 0
}

// Whatever happens in whatever order, with the process ending before any write, a
// rollout is in a legal state: the alias is what its state says, no step is left out
// or done twice, and what has ended stays as it is.
func TestAnyInterleavingLeavesALegalState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		strategy := rapid.SampledFrom(function.Strategies).Draw(t, "strategy")
		w := &world{r: rollout(strategy), weights: []function.Weight{{Version: 1, Weight: 100}}}
		now := began
		var calls uint64
		bad := rapid.Float64Range(0, 0.6).Draw(t, "bad")
		for range rapid.IntRange(1, 80).Draw(t, "turns") {
			now = now.Add(rapid.SampledFrom([]time.Duration{0, time.Second, 30 * time.Second, time.Minute, 10 * time.Minute}).Draw(t, "passes"))
			o := delivery.Observation{Objectives: function.DefaultSLO().Objectives()}
			calls += rapid.Uint64Range(0, 400).Draw(t, "calls")
			if rapid.IntRange(0, 20).Draw(t, "restart") == 0 {
				calls = 0 // counts begin anew with the process
			}
			switch rapid.IntRange(0, 9).Draw(t, "seen") {
			case 0:
				o.Trouble = "the store is down"
			case 1:
				o.Harm = "availability pages"
			case 2:
				o.Displaced = &delivery.Displaced{By: "bob", What: "live is at @1"}
			case 3:
				o.Freeze = &delivery.Freeze{Team: "a", Until: now.Add(time.Minute)}
			default:
				o.Sample = sample(calls, uint64(float64(calls)*bad), calls, calls/1000)
			}
			if rapid.Bool().Draw(t, "worked") {
				o.Work = &delivery.Work{Of: w.r.State, Err: rapid.SampledFrom([]string{"", "", "", "boom"}).Draw(t, "err")}
			}
			o.Drained = rapid.Bool().Draw(t, "drained")
			if rapid.IntRange(0, 3).Draw(t, "asked") == 0 {
				o.Command = &delivery.Command{By: "ada", Verb: rapid.SampledFrom([]delivery.Verb{
					delivery.Pause, delivery.Resume, delivery.Promote, delivery.Finish, delivery.Abort,
				}).Draw(t, "verb")}
			}
			was := w.r
			next, actions := delivery.Next(was, o, now)
			if again, twice := delivery.Next(was, o, now); !slices.EqualFunc(actions, twice, func(a, b delivery.Action) bool { return (a.Point == nil) == (b.Point == nil) }) || again.State != next.State {
				t.Fatal("not pure")
			}
			if was.State.Ended() && (len(actions) > 0 || next.State != was.State) {
				t.Fatalf("%s went on to %s", was.State, next.State)
			}
			if len(actions) == 0 && (next.State != was.State || next.Step != was.Step) {
				t.Fatalf("a move from %s to %s that nobody writes", was.State, next.State)
			}
			if rapid.IntRange(0, 4).Draw(t, "crash") == 0 {
				continue // before the write: the next process looks again
			}
			w.write(next, actions)
			legal(t, w, o.Displaced != nil)
			if o.Displaced != nil {
				return
			}
		}
	})
}

func legal(t *rapid.T, w *world, displaced bool) {
	for i, step := range w.steps {
		if step != i+1 {
			t.Fatalf("steps %v: one is lost or doubled", w.steps)
		}
	}
	want := map[delivery.State]int{}
	switch w.r.State {
	case delivery.Pending, delivery.Prewarming, delivery.Probing, delivery.Failed:
		want[w.r.State] = 0
	case delivery.Promoting, delivery.Completed:
		want[w.r.State] = 100
	case delivery.RollingBack, delivery.RolledBack, delivery.Stopped:
		want[w.r.State] = 0
	case delivery.Running, delivery.Paused:
		want[w.r.State] = 100
		if len(w.r.Plan.Steps) > 0 {
			want[w.r.State] = w.r.Plan.Steps[w.r.Step-1]
		}
	case delivery.Aborted:
		if displaced {
			return // the alias is what somebody else made it
		}
		want[w.r.State] = 0
	}
	if got := w.share(2); got != want[w.r.State] {
		t.Fatalf("%s has %d %% of the traffic at the new version, want %d", w.r.State, got, want[w.r.State])
	}
	if w.share(1)+w.share(2) != 100 {
		t.Fatalf("weights %v", w.weights)
	}
}

func sample(calls, errs, baseCalls, baseErrs uint64) *delivery.Sample {
	took := func(n uint64) delivery.Histogram {
		return delivery.Histogram{Count: n, Buckets: []delivery.Bucket{{Over: 0.01, UpTo: 0.02, Count: n - n/10}, {Over: 0.02, UpTo: 0.04, Count: n / 10}}}
	}
	return &delivery.Sample{
		Since:    began,
		Canary:   delivery.Arm{Calls: calls, Errors: errs, Took: took(calls)},
		Baseline: delivery.Arm{Calls: baseCalls, Errors: baseErrs, Took: took(baseCalls)},
	}
}

// drive moves a rollout with good work and the same observation until it rests.
func drive(t *testing.T, r delivery.Rollout, now *time.Time, o delivery.Observation, turns int) delivery.Rollout {
	t.Helper()
	for range turns {
		o.Work = &delivery.Work{Of: r.State}
		o.Drained = true
		r, _ = delivery.Next(r, o, *now)
		*now = now.Add(10 * time.Second)
	}
	return r
}

func TestEachStrategyComesToItsEnd(t *testing.T) {
	for strategy, want := range map[string]delivery.State{
		function.StrategyAtOnce: delivery.Completed, function.StrategyBlueGreen: delivery.Completed,
		function.StrategyCanary: delivery.Completed, function.StrategyManual: delivery.Paused,
	} {
		t.Run(strategy, func(t *testing.T) {
			now, calls := began, uint64(0)
			r := rollout(strategy)
			for range 80 {
				calls += 200
				r = drive(t, r, &now, delivery.Observation{Sample: sample(calls, 0, calls, 0)}, 1)
			}
			if r.State != want {
				t.Fatalf("%s: %s", r.State, r.Reason)
			}
			if strategy == function.StrategyManual {
				for _, want := range []delivery.State{delivery.Paused, delivery.Promoting} {
					r, _ = delivery.Next(r, delivery.Observation{Command: &delivery.Command{Verb: delivery.Promote, By: "ada"}}, now)
					if r.State != want {
						t.Fatalf("promoted to %s, want %s", r.State, want)
					}
				}
			}
		})
	}
}

// Half of its calls fail: it is out within its first step, long before the step's time
// is over.
func TestAClearlyBadVersionIsOutWithinItsFirstStep(t *testing.T) {
	now := began
	r := drive(t, rollout(function.StrategyCanary), &now, delivery.Observation{}, 3)
	if r.State != delivery.Running || r.Step != 1 {
		t.Fatalf("%s at step %d", r.State, r.Step)
	}
	r, _ = delivery.Next(r, delivery.Observation{Sample: sample(30, 15, 30, 0)}, now)
	if r.State != delivery.RollingBack || r.Ending != delivery.RolledBack {
		t.Fatalf("%s: %s", r.State, r.Reason)
	}
	if r = drive(t, r, &now, delivery.Observation{}, 1); r.State != delivery.RolledBack {
		t.Errorf("%s", r.State)
	}
}

func TestADeadSourceNeverPromotes(t *testing.T) {
	now := began
	r := drive(t, rollout(function.StrategyCanary), &now, delivery.Observation{Trouble: "no answer"}, 200)
	if r.State != delivery.Stopped || r.Step != 1 {
		t.Fatalf("%s at step %d: %s", r.State, r.Step, r.Reason)
	}
}

func TestAPageRollsBack(t *testing.T) {
	for _, strategy := range []string{function.StrategyCanary, function.StrategyManual, function.StrategyBlueGreen} {
		now := began
		r := drive(t, rollout(strategy), &now, delivery.Observation{}, 3)
		r, _ = delivery.Next(r, delivery.Observation{Harm: "availability pages"}, now)
		if r.State != delivery.RollingBack {
			t.Errorf("%s: %s", strategy, r.State)
		}
	}
}

func TestAFreezeHoldsAndLetsGo(t *testing.T) {
	now := began
	frozen := &delivery.Freeze{Team: "a", Reason: "peak", Until: began.Add(time.Hour)}
	r := drive(t, rollout(function.StrategyCanary), &now, delivery.Observation{Freeze: frozen}, 20)
	if r.State != delivery.Probing || r.Step != 0 {
		t.Fatalf("%s at step %d", r.State, r.Step)
	}
	now = began.Add(2 * time.Hour)
	if r = drive(t, r, &now, delivery.Observation{Freeze: frozen}, 1); r.Step != 1 {
		t.Errorf("%s at step %d: %s", r.State, r.Step, r.Reason)
	}
}
