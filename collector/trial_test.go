package collector_test

import (
	"testing"
	"testing/synctest"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

func TestTrialCountsBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, newMemory(t))
		c.Apply(registered(hello, 2, time.Now()))
		began := time.Now()
		trial := c.Trial(7, hello, 2, 1)
		if again := c.Trial(7, hello, 2, 1); again != trial {
			t.Fatal("asked again, it is another")
		}
		canary, baseline := trial.Sides()
		for range 8 {
			call(c.Handle(version(2)), invocation.OK, time.Millisecond)
		}
		for range 4 { // half of the version's calls are compared
			canary.Observe(invocation.Outcome{Code: invocation.FunctionError, Duration: 10 * time.Millisecond})
		}
		baseline.Observe(invocation.Outcome{Code: invocation.OK, Duration: time.Second, Cold: true})
		baseline.Observe(invocation.Outcome{Code: invocation.OK, Duration: 20 * time.Millisecond})

		c.Record(counted(2, "orders_total", 6))
		c.Record(counted(1, "orders_total", 100)) // of VMs that are not compared
		ofBaseline := counted(1, "orders_total", 5)
		ofBaseline.Version.Baseline = true
		c.Record(ofBaseline)

		since, a, b := trial.Counts()
		if !since.Equal(began) || a.Calls != 4 || a.Errors != 4 || b.Calls != 2 || b.Errors != 0 {
			t.Errorf("since %s: %+v, %+v", since, a, b)
		}
		if len(b.Took) != 1 || b.Took[0].Count != 1 || b.Took[0].Over >= 0.02 || b.Took[0].UpTo < 0.02 {
			t.Errorf("durations %+v, and cold calls do not count", b.Took)
		}
		if a.Own["orders_total"].Events != 3 || b.Own["orders_total"].Events != 5 {
			t.Errorf("own metrics %+v, %+v", a.Own, b.Own)
		}
		if len(c.Durations(function.ID{Name: hello, Version: 2})) == 0 || c.Durations(function.ID{Name: "no/such/one", Version: 1}) != nil {
			t.Error("durations of versions")
		}
		c.EndTrial(7)
		if _, a, _ := c.Trial(7, hello, 2, 1).Counts(); a.Calls != 0 {
			t.Error("a trial that ended is still there")
		}
	})
}
