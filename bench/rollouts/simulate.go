package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"hadron/runtime/delivery"
	"hadron/runtime/function"
)

// version is how a version behaves: the share of its calls that fail, and how long they
// take, in seconds: a lognormal with a tail.
type version struct {
	errors  float64
	median  float64
	spread  float64 // of the logarithm
	tail    float64 // share of calls in the tail
	tailBy  float64 // how many times longer those take
	noise   float64 // spread, over time, of errors that both versions have in common
	orders  float64 // events of a metric of its own, a call; 0: it has none
	degrade float64 // errors more at half of the traffic and over, such as by a pool that is too small
}

// kind is one kind of rollout.
type kind struct {
	name     string
	rate     float64 // calls a second of the whole alias
	old, new version
	bad      bool // it should not be promoted
	unsure   bool // to stop is as right as to go on
}

var good = version{errors: 0.001, median: 0.02, spread: 0.5, tail: 0.01, tailBy: 4}

func with(v version, edit func(*version)) version {
	edit(&v)
	return v
}

var kinds = []kind{
	{name: "good, 200 calls/s", rate: 200, old: good, new: good},
	{name: "good, 40 calls/s", rate: 40, old: good, new: good},
	{name: "good and faster by a fifth", rate: 200, old: good, new: with(good, func(v *version) { v.median *= 0.8 })},
	{name: "good, both fail by 5 %", rate: 200, old: with(good, func(v *version) { v.errors = 0.05 }), new: with(good, func(v *version) { v.errors = 0.05 })},
	{name: "good, noisy errors from 0 to 20 %", rate: 200, old: with(good, func(v *version) { v.noise = 1 }), new: with(good, func(v *version) { v.noise = 1 })},
	{name: "good, 2 calls/s", rate: 2, old: good, new: good, unsure: true},
	{name: "bad: half of the calls fail", rate: 200, old: good, new: with(good, func(v *version) { v.errors = 0.5 }), bad: true},
	{name: "bad: half fail, 5 calls/s", rate: 5, old: good, new: with(good, func(v *version) { v.errors = 0.5 }), bad: true},
	{name: "bad: 10 % fail", rate: 200, old: good, new: with(good, func(v *version) { v.errors = 0.1 }), bad: true},
	{name: "bad: twice as slow", rate: 200, old: good, new: with(good, func(v *version) { v.median *= 2 }), bad: true},
	{name: "slightly bad: 2 % fail", rate: 200, old: good, new: with(good, func(v *version) { v.errors = 0.02 }), bad: true},
	{name: "slightly bad: 0.5 % fail", rate: 200, old: good, new: with(good, func(v *version) { v.errors = 0.005 }), bad: true},
	{name: "slightly bad: slower by a quarter", rate: 200, old: good, new: with(good, func(v *version) { v.median *= 1.25 }), bad: true},
	{name: "slightly bad: twice the errors, 0.2 %", rate: 200, old: good, new: with(good, func(v *version) { v.errors = 0.002 }), bad: true},
	{name: "slightly bad: 1 % fail, 40 calls/s", rate: 40, old: good, new: with(good, func(v *version) { v.errors = 0.01 }), bad: true},
	{name: "slightly bad: 3 % fail, 10 calls/s", rate: 10, old: good, new: with(good, func(v *version) { v.errors = 0.03 }), bad: true},
	{name: "bad at the tail: 2 % take ten times as long, 40 calls/s", rate: 40, old: good, new: with(good, func(v *version) { v.tail, v.tailBy = 0.02, 10 }), bad: true},
	{name: "bad at the tail: 4 % take ten times as long", rate: 200, old: good, new: with(good, func(v *version) { v.tail, v.tailBy = 0.04, 10 }), bad: true},
	{name: "bad under load: 5 % fail from 50 % on", rate: 200, old: good, new: with(good, func(v *version) { v.degrade = 0.05 }), bad: true},
	{name: "bad, noisy: 10 % more than the noise", rate: 200, old: with(good, func(v *version) { v.noise = 1 }), new: with(good, func(v *version) { v.noise, v.errors = 1, 0.1 }), bad: true},
	{name: "bad by its own metric: half the orders", rate: 200, old: with(good, func(v *version) { v.orders = 0.2 }), new: with(good, func(v *version) { v.orders = 0.1 }), bad: true},
}

// result is how the rollouts of a kind ended.
type result struct {
	promoted, rolledBack, stopped int
	step                          [4]int // where those that were not promoted were, by step
	took                          time.Duration
}

func report(runs int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rollouts of each kind, steps of 5, 25 and 50 %%, at least 2 minutes each, seeds 1 to %d.\n\n", runs, runs)
	b.WriteString("| kind | promoted | rolled back | stopped, inconclusive | out at step 1 / 2 / 3 | median time |\n|---|---:|---:|---:|---:|---:|\n")
	falsePromotions, falseRollbacks, badRuns, goodRuns := 0, 0, 0, 0
	for _, k := range kinds {
		r := simulate(k, runs)
		if k.bad {
			badRuns += runs
			falsePromotions += r.promoted
		} else {
			goodRuns += runs
			falseRollbacks += r.rolledBack
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d / %d / %d | %s |\n", k.name, r.promoted, r.rolledBack, r.stopped, r.step[1], r.step[2], r.step[3], r.took.Round(time.Second))
	}
	fmt.Fprintf(&b, "\nFalse promotions: %d of %d bad versions. False rollbacks: %d of %d good ones.\n", falsePromotions, badRuns, falseRollbacks, goodRuns)
	return b.String()
}

func simulate(k kind, runs int) result {
	var out result
	times := make([]time.Duration, 0, runs)
	for seed := range runs {
		r, took := run(k, uint64(seed+1))
		times = append(times, took)
		switch r.State {
		case delivery.Completed:
			out.promoted++
		case delivery.RolledBack:
			out.rolledBack++
			out.step[r.Step]++
		default:
			out.stopped++
			out.step[r.Step]++
		}
	}
	out.took = median(times)
	return out
}

func median(times []time.Duration) time.Duration {
	for i := range times {
		for j := i; j > 0 && times[j] < times[j-1]; j-- {
			times[j], times[j-1] = times[j-1], times[j]
		}
	}
	return times[len(times)/2]
}

// run is one rollout, a look a second, as the controller does it.
func run(k kind, seed uint64) (delivery.Rollout, time.Duration) {
	random := rand.New(rand.NewPCG(seed, 42))
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := delivery.Rollout{
		ID: 1, Function: "a/b/c", Alias: "live", From: 1, To: 2, By: "sim", State: delivery.Pending, StartedAt: now, StateAt: now,
		Plan: function.Delivery{Strategy: function.StrategyCanary}.WithDefaults(),
	}
	if k.old.orders > 0 {
		r.Plan.Analysis.Metrics = []function.AnalysisMetric{{Name: "orders_total", Better: function.BetterHigher}}
	}
	began := now
	canary, baseline := newArm(), newArm()
	since := now
	noise := 0.0
	history := newArm()
	for range 2000 {
		history.call(k.old, 0, random)
	}
	past := history.arm().Took
	objectives := function.DefaultSLO().Objectives()
	for !r.State.Ended() {
		if random.IntN(20) == 0 {
			noise = random.Float64() * random.Float64() * 0.2
		}
		share := 0.0
		if r.Step > 0 {
			share = float64(r.Plan.Steps[r.Step-1]) / 100
		}
		more := 0.0
		if share >= 0.5 {
			more = k.new.degrade
		}
		for range poisson(k.rate*share, random) {
			canary.call(k.new, noise*k.new.noise+more, random)
		}
		for range poisson(k.rate*min(share, 1-share), random) {
			baseline.call(k.old, noise*k.old.noise, random)
		}
		o := delivery.Observation{
			Objectives: objectives, History: &past, Work: &delivery.Work{Of: r.State}, Drained: true,
			Sample: &delivery.Sample{Since: since, Canary: canary.arm(), Baseline: baseline.arm()},
		}
		r, _ = delivery.Next(r, o, now)
		now = now.Add(time.Second)
	}
	return r, now.Sub(began)
}

// arm counts as the collector does: eight buckets to each doubling.
type arm struct {
	calls, errors uint64
	orders        float64
	buckets       [320]uint64
}

const lowest = -160

func newArm() *arm { return &arm{} }

func (a *arm) call(v version, more float64, random *rand.Rand) {
	a.calls++
	if random.Float64() < v.errors+more {
		a.errors++
	}
	took := v.median * math.Exp(v.spread*random.NormFloat64())
	if random.Float64() < v.tail {
		took *= v.tailBy
	}
	if v.orders > 0 && random.Float64() < v.orders {
		a.orders++
	}
	at := int(math.Ceil(math.Log2(took)*8)) - lowest
	a.buckets[max(0, min(at, len(a.buckets)-1))]++
}

func (a *arm) arm() delivery.Arm {
	out := delivery.Arm{Calls: a.calls, Errors: a.errors}
	if a.orders > 0 {
		out.Metrics = map[string]delivery.Metric{"orders_total": {Events: a.orders}}
	}
	for at, n := range a.buckets {
		if n > 0 {
			out.Took.Buckets = append(out.Took.Buckets, delivery.Bucket{
				Over: math.Exp2(float64(at+lowest-1) / 8), UpTo: math.Exp2(float64(at+lowest) / 8), Count: n,
			})
			out.Took.Count += n
		}
	}
	return out
}

func poisson(mean float64, random *rand.Rand) int {
	if mean > 30 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*random.NormFloat64())))
	}
	limit, p, n := math.Exp(-mean), 1.0, 0
	for {
		p *= random.Float64()
		if p <= limit {
			return n
		}
		n++
	}
}
