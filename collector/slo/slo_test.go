package slo_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hadron/collector/slo"
	"hadron/runtime/function"
)

const day = 24 * time.Hour

func TestWindowsAtThirtyDaysAreTheWorkbooks(t *testing.T) {
	got := slo.Windows(30*day, 15*time.Second)
	want := []slo.Window{
		{Class: slo.Page, Long: time.Hour, Short: 5 * time.Minute, Factor: 14.4, Share: 0.02},
		{Class: slo.Page, Long: 6 * time.Hour, Short: 30 * time.Minute, Factor: 6, Share: 0.05},
		{Class: slo.Ticket, Long: day, Short: 2 * time.Hour, Factor: 3, Share: 0.10},
		{Class: slo.Ticket, Long: 3 * day, Short: 6 * time.Hour, Factor: 1, Share: 0.10},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d windows, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("window %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
	if name := got[0].Name(); name != "1h/5m" {
		t.Errorf("name %q", name)
	}
}

func TestFactorsFollowTheWindow(t *testing.T) {
	for i, w := range slo.Windows(28*day, time.Second) {
		exact := []float64{13.44, 5.6, 2.8, 14.0 / 15}[i] * 30 / 28 * float64([]time.Duration{time.Hour, 6 * time.Hour, day, 3 * day}[i]) / float64(w.Long) * 28 / 30
		if math.Abs(w.Factor-exact) > 1e-9 {
			t.Errorf("window %s: factor %v, want %v", w.Name(), w.Factor, exact)
		}
	}
}

func TestShortWindowsAreClampedAndSaySo(t *testing.T) {
	for _, w := range slo.Windows(time.Hour, 15*time.Second) {
		if w.Short < 75*time.Second || w.Long < 75*time.Second || !w.Clamped {
			t.Errorf("%+v: want at least five intervals, and clamped", w)
		}
	}
}

func TestWindowProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		window := time.Duration(rapid.SampledFrom(function.Windows).Draw(t, "window"))
		interval := time.Duration(rapid.IntRange(1, 300).Draw(t, "seconds")) * time.Second
		for _, w := range slo.Windows(window, interval) {
			if w.Short > w.Long || w.Long%interval != 0 || w.Short%interval != 0 {
				t.Fatalf("%+v at %s", w, interval)
			}
			if spent := w.Factor * float64(w.Long) / float64(window); math.Abs(spent-w.Share) > 1e-9 {
				t.Fatalf("%+v spends %v of the budget, want %v", w, spent, w.Share)
			}
		}
	})
}

func TestBudget(t *testing.T) {
	for _, c := range []struct{ bad, all, objective, left float64 }{
		{0, 0, 0.999, 1},
		{0, 1000, 0.999, 1},
		{1, 1000, 0.999, 0},
		{1, 2000, 0.999, 0.5},
		{4, 1000, 0.999, -3},
	} {
		if got := slo.BudgetLeft(c.bad, c.all, c.objective); math.Abs(got-c.left) > 1e-9 {
			t.Errorf("BudgetLeft(%v, %v, %v) = %v, want %v", c.bad, c.all, c.objective, got, c.left)
		}
	}
	if got := slo.Exhaustion(0.5, 5, 30*day); got != 3*day {
		t.Errorf("half a budget at five times the rate lasts %s, want 3 days", got)
	}
	if got := slo.Exhaustion(0, 5, 30*day); got != 0 {
		t.Errorf("a spent budget lasts %s", got)
	}
}
