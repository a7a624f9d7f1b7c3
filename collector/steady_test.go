package collector_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"hadron/collector"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// TestSteadyErrorsDoNotFlap lets a share of the calls fail that stays the same for six hours,
// each a function of its own: the state follows the share and not its chance, so that
// nobody is told of a recovery that was none.
func TestSteadyErrorsDoNotFlap(t *testing.T) {
	const hours = 6
	for name, tt := range map[string]struct {
		perSecond, share float64
		recoveries       int // at most, of all hours
		changes          int
	}{
		"an eighth of few":    {3.5, 0.125, 1, 8},
		"an eighth of many":   {50, 0.125, 0, 3},
		"a quarter of rare":   {1, 0.25, 4, 24},
		"a thirtieth of few":  {3.5, 0.033, 40, 170},
		"a thirtieth of many": {50, 0.033, 0, 3},
		"what is allowed":     {50, 0.0005, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			recoveries, changes := 0, 0
			for hour := range uint64(hours) {
				synctest.Test(t, func(t *testing.T) {
					c, err := collector.New(collector.Config{Store: newMemory(t), Node: "test"})
					if err != nil {
						t.Fatal(err)
					}
					c.Apply(registered(hello, 1, time.Now()))
					h := c.Handle(function.Version{ID: function.ID{Name: hello, Version: 1}})
					random := rand.New(rand.NewPCG(hour, 1))
					state, due := collector.Unknown, 0.0
					for second := range 3600 {
						for due += tt.perSecond; due >= 1; due-- {
							code := invocation.OK
							if random.Float64() < tt.share {
								code = invocation.FunctionError
							}
							call(h, code, time.Millisecond)
						}
						c.Compute(time.Second)
						health, _ := c.Health(hello)
						if second > 60 && health.State != state {
							changes++
							if health.State == collector.Healthy {
								recoveries++
							}
						}
						state = health.State
					}
				})
			}
			t.Logf("in %d h: %d changes of state, %d to healthy", hours, changes, recoveries)
			if recoveries > tt.recoveries || changes > tt.changes {
				t.Errorf("%d changes of state in %d h, %d to healthy; want at most %d and %d", changes, hours, recoveries, tt.changes, tt.recoveries)
			}
		})
	}
}
