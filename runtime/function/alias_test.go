package function_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"hadron/runtime/function"
)

func drawAlias(t *rapid.T) function.Alias {
	n := rapid.IntRange(1, 6).Draw(t, "weights")
	a := function.Alias{Name: "live"}
	for i := range n {
		a.Weights = append(a.Weights, function.Weight{Version: i + 1, Weight: rapid.IntRange(0, 20).Draw(t, "weight")})
	}
	a.Weights[rapid.IntRange(0, n-1).Draw(t, "some")].Weight++
	return a
}

func TestPickIsStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, key := drawAlias(t), rapid.Uint64().Draw(t, "key")
		first := a.Pick(key)
		if first == 0 || a.Pick(key) != first {
			t.Fatalf("picked %d, then %d", first, a.Pick(key))
		}
		if whole := a.Whole(); whole != 0 && first != whole {
			t.Fatalf("picked %d where %d has all", first, whole)
		}
	})
	if got := (function.Alias{}).Pick(7); got != 0 {
		t.Errorf("an alias without weights picked %d", got)
	}
}

func TestWhole(t *testing.T) {
	for _, c := range []struct {
		weights []function.Weight
		want    int
	}{
		{nil, 0},
		{[]function.Weight{{Version: 3, Weight: 1}}, 3},
		{[]function.Weight{{Version: 3, Weight: 0}, {Version: 4, Weight: 100}}, 4},
		{[]function.Weight{{Version: 3, Weight: 1}, {Version: 4, Weight: 99}}, 0},
	} {
		if got := (function.Alias{Weights: c.weights}).Whole(); got != c.want {
			t.Errorf("%v: %d, want %d", c.weights, got, c.want)
		}
	}
}

func TestAliasValidate(t *testing.T) {
	many := make([]function.Weight, function.MaxWeights+1)
	for i := range many {
		many[i] = function.Weight{Version: i + 1, Weight: 1}
	}
	one := []function.Weight{{Version: 1, Weight: 1}}
	for name, a := range map[string]function.Alias{
		"a name":           {Name: "Live", Weights: one},
		"no weights":       {Name: "live"},
		"many weights":     {Name: "live", Weights: many},
		"version 0":        {Name: "live", Weights: []function.Weight{{Version: 0, Weight: 1}}},
		"a negative share": {Name: "live", Weights: []function.Weight{{Version: 1, Weight: -1}, {Version: 2, Weight: 2}}},
		"a huge share":     {Name: "live", Weights: []function.Weight{{Version: 1, Weight: 1 << 40}}},
		"a version twice":  {Name: "live", Weights: []function.Weight{{Version: 1, Weight: 1}, {Version: 1, Weight: 1}}},
		"nothing":          {Name: "live", Weights: []function.Weight{{Version: 1, Weight: 0}}},
		"no name to issue": {Name: "live", Weights: one, Sticky: function.Sticky{Header: "A", Issue: true}},
		"Hadron's cookie":  {Name: "live", Weights: one, Sticky: function.Sticky{Cookie: "__host-Hadron_session"}},
		"a prefix":         {Name: "live", Weights: one, Sticky: function.Sticky{Cookie: "__Secure-v", Issue: true}},
		"no header":        {Name: "live", Weights: one, Sticky: function.Sticky{Header: "A: b"}},
		"no cookie":        {Name: "live", Weights: one, Sticky: function.Sticky{Cookie: "a;b"}},
	} {
		if err := a.Validate(); !errors.Is(err, function.ErrAlias) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, s := range []function.Sticky{
		{Cookie: "visitor_id"}, {Header: "X-User", Cookie: "visitor_id"}, {Header: "X-User", Cookie: "visitor_id", Issue: true},
	} {
		if err := (function.Alias{Name: "live", Weights: one, Sticky: s}).Validate(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

func BenchmarkPick(b *testing.B) {
	a := function.Alias{Name: "live", Weights: []function.Weight{{Version: 3, Weight: 95}, {Version: 4, Weight: 5}}}
	key := uint64(0)
	for b.Loop() {
		key += 0x9e3779b97f4a7c15
		if a.Pick(key) == 0 {
			b.Fatal("picked nothing")
		}
	}
}
