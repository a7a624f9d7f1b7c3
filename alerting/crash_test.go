package alerting_test

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"hadron/alerting"
	"hadron/runtime/function"
)

// The whole way from alert to pager, with everything failing now and then, and the
// process ending at any point: in the end the pager knows what is true; it was told
// each change in order; no incident was opened twice.
func TestAnyCrashPoint(t *testing.T) {
	inBubble(t, crashes)
}

// inBubble checks a property in the time of a bubble. rapid gives up after a day, which is
// over soon there, so it is asked again until as many cases were tried as it was to try.
func inBubble(t *testing.T, property func(*testing.T, *rapid.T)) {
	t.Helper()
	checks, err := strconv.Atoi(flag.Lookup("rapid.checks").Value.String())
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		for tried := 0; tried < checks && !t.Failed(); {
			// Without the methods beyond testing.TB: a bubble has no deadline to ask for.
			rapid.Check(struct{ testing.TB }{t}, func(rt *rapid.T) {
				tried++
				property(t, rt)
			})
		}
	})
}

func crashes(t *testing.T, rt *rapid.T) {
	names := []function.Name{"a/b/one", "a/b/two"}
	w, m, p := newWorld(names...), newMemory(), newPager()
	delete(w.keys, "a/b/two") // provisioned late
	trouble := true
	dice, luck := sync.Mutex{}, rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "luck"), 0))
	chance := func(percent int) bool { return trouble && luck.IntN(100) < percent }
	m.fail = func(op string) (bool, bool) {
		dice.Lock()
		defer dice.Unlock()
		if op == "load" {
			return false, false
		}
		return chance(10), chance(10)
	}
	p.answer = func(alerting.Event) (bool, error) {
		dice.Lock()
		defer dice.Unlock()
		switch {
		case chance(15):
			return false, errors.New("503")
		case chance(15):
			return true, errors.New("connection reset")
		}
		return true, nil
	}
	begin := func() (*ticking, *alerting.Deliverer) {
		d := deliverer(rt, m, p, func(c *alerting.DelivererConfig) { c.Routing, c.Now, c.Workers = w.routing, time.Now, 1 })
		if err := d.Start(t.Context()); err != nil {
			rt.Fatal(err)
		}
		return w.evaluator(t, m), d
	}
	w.mu.Lock()
	w.now = time.Now()
	w.mu.Unlock()
	e, d := begin()
	step := func() {
		e.tick(3 * time.Minute)
		d.Wake()
		time.Sleep(3 * time.Minute)
		synctest.Wait()
	}
	for range rapid.IntRange(1, 12).Draw(rt, "steps") {
		name := rapid.SampledFrom(names).Draw(rt, "function")
		switch rapid.IntRange(0, 3).Draw(rt, "what") {
		case 0:
			w.set(name, "availability", outage)
		case 1:
			w.set(name, "availability", calm)
		case 2:
			if err := d.Stop(context.WithoutCancel(t.Context())); err != nil {
				rt.Fatal(err)
			}
			e, d = begin()
		case 3:
			w.mu.Lock()
			w.keys["a/b/two"] = "late key"
			w.mu.Unlock()
		}
		step()
	}
	dice.Lock()
	trouble = false
	dice.Unlock()
	w.mu.Lock()
	w.keys["a/b/two"] = "late key"
	w.mu.Unlock()
	for range 8 { // one that came and went ends a while later
		step()
	}
	if err := d.Stop(context.WithoutCancel(t.Context())); err != nil {
		rt.Fatal(err)
	}
	judge(rt, names, w, m, p)
}

func judge(rt *rapid.T, names []function.Name, w *world, m *memory, p *pager) {
	if len(m.messages) != 0 || len(m.dead) != 0 {
		rt.Fatalf("%d messages wait, %d are dead", len(m.messages), len(m.dead))
	}
	for _, name := range names {
		o := alerting.Objective{Function: name, SLO: "availability"}
		id := w.keys[name] + " " + alerting.DedupKey("test", o)
		if burning := w.burns[o] == outage; p.isOpen[id] != burning {
			rt.Fatalf("%s burns: %v, its incident is open: %v", name, burning, p.isOpen[id])
		}
		var sent, got []alerting.Action
		begun := 0
		for _, x := range m.written {
			if x.Function == name {
				sent = append(sent, x.Event.Action)
				if x.Event.Action == alerting.Trigger {
					begun++
				}
			}
		}
		for _, e := range p.got {
			if e.Component == string(name) {
				got = append(got, e.Action)
			}
		}
		if got = slices.Compact(got); !slices.Equal(slices.Compact(slices.Clone(sent)), got) {
			rt.Fatalf("%s: written %v, received %v", name, sent, got)
		}
		if p.open[id] != begun {
			rt.Fatalf("%s: %d incidents began, %d were opened", name, begun, p.open[id])
		}
	}
}
