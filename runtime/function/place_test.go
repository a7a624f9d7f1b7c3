package function_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hadron/runtime/function"
)

// visitors are keys, the same in each run.
func visitors(n int) []uint64 {
	r := rand.New(rand.NewPCG(5, 11))
	out := make([]uint64, n)
	for i := range out {
		out[i] = r.Uint64()
	}
	return out
}

func split(weights ...int) function.Alias {
	a := function.Alias{Name: "live"}
	for i, w := range weights {
		a.Weights = append(a.Weights, function.Weight{Version: i + 1, Weight: w})
	}
	return a
}

// chiSquare001 is what a chi-square statistic passes with a chance of 0.001, by
// degrees of freedom from 1.
var chiSquare001 = []float64{10.828, 13.816, 16.266, 18.467, 20.515, 22.458, 24.322}

// Weights are met by chi-square over 100,000 visitors of a fixed seed with alpha =
// 0.001, also after a history of changes. Visitors are the same in each of the cases,
// whose weights are fixed too, so this cannot fail by chance on another day.
func TestWeightsAreMet(t *testing.T) {
	keys := visitors(100_000)
	histories := [][]function.Alias{
		{split(95, 5)},
		{split(1, 1)},
		{split(999, 1)},
		{split(50, 30, 20)},
		{split(1, 2, 3, 4, 5, 6, 7, 8)},
		{split(100), split(95, 5), split(75, 25), split(50, 50), split(1, 3)},
		{split(60, 30, 10), split(30, 30, 40), split(10, 80, 10), split(2, 3, 1, 1)},
		{split(5, 5, 5, 5, 5), split(1, 9, 1, 9, 1), split(9, 1, 9, 1, 9), split(0, 7, 7, 0, 7)},
	}
	for _, history := range histories {
		var a function.Alias
		for _, next := range history {
			a = next.Arranged(a)
		}
		sum, free := 0, -1
		for _, w := range a.Weights {
			sum += w.Weight
			if w.Weight > 0 {
				free++
			}
		}
		picked := map[int]int{}
		for _, key := range keys {
			picked[a.Pick(key)]++
		}
		chi := 0.0
		for _, w := range a.Weights {
			if want := float64(len(keys)) * float64(w.Weight) / float64(sum); want > 0 {
				off := float64(picked[w.Version]) - want
				chi += off * off / want
			} else if picked[w.Version] > 0 {
				t.Errorf("%v: version %d has weight 0 and %d visitors", a.Weights, w.Version, picked[w.Version])
			}
		}
		if chi > chiSquare001[free-1] {
			t.Errorf("%v: chi-square %.1f over %.1f: %v", a.Weights, chi, chiSquare001[free-1], picked)
		}
	}
}

// Parts are as large as the weights say, to one in 2^32 a version, hold everyone, and stay few,
// after whatever history.
func TestPartsFollowTheWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a function.Alias
		for range rapid.IntRange(1, 30).Draw(t, "changes") {
			a = drawAlias(t).Arranged(a)
		}
		if a.Whole() != 0 {
			if a.Parts != nil {
				t.Fatalf("%v of one version", a.Parts)
			}
			return
		}
		sum, all := uint64(0), uint64(0)
		for _, w := range a.Weights {
			sum += uint64(w.Weight)
		}
		if len(a.Parts) > 256 {
			t.Fatalf("%d parts", len(a.Parts))
		}
		size := map[int]uint64{}
		for _, p := range a.Parts {
			size[p.Version] += p.Size
			all += p.Size
		}
		if all != 1<<32 {
			t.Fatalf("parts hold %d", all)
		}
		for _, w := range a.Weights {
			want := uint64(w.Weight) << 32 / sum
			if got := size[w.Version]; got < want || got > want+uint64(len(a.Weights)) {
				t.Fatalf("version %d of %v has %d, want %d", w.Version, a.Weights, got, want)
			}
		}
		key := rapid.Uint64().Draw(t, "key")
		version, at := a.Place(key)
		i := slices.IndexFunc(a.Weights, func(w function.Weight) bool { return w.Version == version })
		if i < 0 || at < 0 || at >= a.Weights[i].Weight {
			t.Fatalf("key %d is at %d of version %d in %v", key, at, version, a.Weights)
		}
	})
}

// While the shares of some versions only fall and those of others only grow, a visitor
// moves at most once, whatever the number of versions, their order, and what the
// weights add up to; and no more visitors move than the shares ask for.
func TestVisitorMovesAtMostOnce(t *testing.T) {
	keys := visitors(500)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "versions")
		share := make([]int, n) // of 1000
		left := 1000
		for i := range n - 1 {
			share[i] = rapid.IntRange(0, left).Draw(t, "share")
			left -= share[i]
		}
		share[n-1] = left
		falls := make([]bool, n)
		for i := range falls {
			falls[i] = rapid.Bool().Draw(t, "falls")
		}
		falls[0], falls[n-1] = true, false
		arrange := func(was function.Alias) function.Alias {
			times := rapid.SampledFrom([]int{1, 3, 10}).Draw(t, "times") // the sum is not always the same
			a := function.Alias{Name: "live"}
			for _, i := range rapid.Permutation([]int{0, 1, 2, 3, 4, 5}[:n]).Draw(t, "order") {
				a.Weights = append(a.Weights, function.Weight{Version: i + 1, Weight: share[i] * times})
			}
			return a.Arranged(was)
		}
		// Any history before.
		var was function.Alias
		for range rapid.IntRange(0, 3).Draw(t, "before") {
			was = drawAlias(t).Arranged(was)
		}
		a := arrange(was)
		moves := make([]int, len(keys))
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			before := slices.Clone(share)
			for range rapid.IntRange(1, 3).Draw(t, "shifts") {
				from, to := rapid.IntRange(0, n-1).Draw(t, "from"), rapid.IntRange(0, n-1).Draw(t, "to")
				if falls[from] && !falls[to] {
					some := rapid.IntRange(0, share[from]).Draw(t, "some")
					share[from] -= some
					share[to] += some
				}
			}
			next := arrange(a)
			for i, key := range keys {
				from, to := a.Pick(key), next.Pick(key)
				if from == to {
					continue
				}
				if moves[i]++; moves[i] > 1 {
					t.Fatalf("visitor %d moves from %d to %d, for the second time: %v to %v", i, from, to, a.Weights, next.Weights)
				}
				if share[from-1] >= before[from-1] || share[to-1] <= before[to-1] {
					t.Fatalf("visitor %d moves from %d to %d: %v to %v", i, from, to, before, share)
				}
			}
			a = next
		}
	})
}

// The steps of a canary move the very visitors who are to meet the new version, each
// once, also beside a third version that stays as it is.
func TestCanaryBesideAThirdVersion(t *testing.T) {
	a := split(70, 30).Arranged(function.Alias{})
	moved := map[uint64]int{}
	for _, step := range []int{5, 25, 50, 70} {
		next := split(70-step, 30, step).Arranged(a)
		for _, key := range visitors(10_000) {
			from, to := a.Pick(key), next.Pick(key)
			if from == to {
				continue
			}
			if moved[key]++; moved[key] > 1 || from != 1 || to != 3 {
				t.Fatalf("at %d %% a visitor moves from %d to %d, time %d", step, from, to, moved[key])
			}
		}
		a = next
	}
	if len(moved) < 6800 || len(moved) > 7200 {
		t.Errorf("%d of 10,000 visitors moved, want 70 %%", len(moved))
	}
}

func BenchmarkArranged(b *testing.B) {
	was := split(95, 5).Arranged(function.Alias{})
	for b.Loop() {
		if a := split(75, 25).Arranged(was); len(a.Parts) != 2 {
			b.Fatal(a.Parts)
		}
	}
}
