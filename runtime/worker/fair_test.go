package worker

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

const spin = `for (;;);`

// nices are the priorities of a process's threads.
func nices(t *testing.T, pid int) map[int]bool {
	t.Helper()
	files, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/stat")
	if err != nil {
		t.Fatal(err)
	}
	out := map[int]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(data), ") ")
		if fields := strings.Fields(rest); len(fields) > 16 {
			nice, err := strconv.Atoi(fields[16]) // field 19 of proc_pid_stat(5)
			if err != nil {
				t.Fatal(err)
			}
			out[nice] = true
		}
	}
	return out
}

func onlyNice(t *testing.T, w *process, nice int) bool {
	t.Helper()
	seen := nices(t, w.cmd.Process.Pid)
	return len(seen) == 1 && seen[nice]
}

// busyTeams keeps teams of spinning functions until the returned func is called, and
// another one that computes now and then.
func busyTeams(f *fixture, teams ...string) (stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	var all sync.WaitGroup
	for _, team := range teams {
		id := f.add(function.Name(team+"/p/spin"), 1, handler(spin))
		all.Go(func() { f.Invoke(ctx, get(id, "/"), newSink()) })
	}
	calm := f.add("calm/p/f", 1, handler(`for (let i = 0; i < 3e3; i++); return new Response("1")`))
	all.Go(func() {
		for ctx.Err() == nil {
			f.call(get(calm, "/"))
			<-time.After(20 * time.Millisecond)
		}
	})
	return func() {
		cancel(invocation.ErrClientClosed)
		all.Wait()
	}
}

// A worker that takes more than its share gets a lower priority, with all its
// threads, and its own back when it is calm; who takes little keeps its own.
func TestWhoTakesTooMuchIsSlowed(t *testing.T) {
	if !sharesCPU || !mayRaise() {
		t.Skip("priorities cannot be raised again here")
	}
	f := newFixture(t, nil)
	stop := busyTeams(f, "a", "b", "c")
	low := min(ownNice()+lowSteps, mostSteps)
	for _, team := range []string{"a", "b", "c"} {
		eventually(t, team+" is slowed", func() bool { w := f.team(team); return w != nil && onlyNice(t, w, low) })
	}
	eventually(t, "who takes little is not", func() bool { // once it has started
		w := f.team("calm")
		return w != nil && onlyNice(t, w, ownNice()) && f.Status().Slowed == 3
	})
	spinning := f.team("a")
	stop()
	eventually(t, "nobody is slowed", func() bool { return f.Status().Slowed == 0 })
	if w := f.team("a"); w != nil && w == spinning && !onlyNice(t, w, ownNice()) {
		t.Error("its priority has not risen")
	}
	if n := testutil.ToFloat64(f.metrics.lowered); n < 3 {
		t.Errorf("%v were counted", n)
	}
	eventually(t, "nobody looks when nothing runs", f.fair.asleep.Load)
}

// One that has the machine to itself is let alone.
func TestWhoIsAloneIsNotSlowed(t *testing.T) {
	if !sharesCPU {
		t.Skip("this system does not tell what workers compute")
	}
	f := newFixture(t, nil)
	id := f.add("t/p/f", 1, handler(`const end = Date.now() + 400; while (Date.now() < end); return new Response("1")`))
	f.ok(get(id, "/"))
	if n := testutil.ToFloat64(f.metrics.lowered); n != 0 {
		t.Errorf("it was slowed %v times", n)
	}
}

// Where a priority cannot rise again, a slowed worker is replaced once it is calm.
func TestWhoStaysSlowIsReplaced(t *testing.T) {
	if !sharesCPU {
		t.Skip("this system does not tell what workers compute")
	}
	f := newFixture(t, func(c *Config) { c.fair.forGood, c.fair.cores = true, 0.1 })
	id := f.add("a/p/f", 1, handler(`if (request.url.endsWith("/spin")) for (;;); return new Response("1")`))
	f.ok(get(id, "/"))
	w := f.team("a")
	stop := busyTeams(f, "b")
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	ended := make(chan invocation.Outcome, 1)
	go func() { ended <- f.Invoke(ctx, get(id, "/spin"), newSink()) }()
	eventually(t, "it is slowed", func() bool { return onlyNice(t, w, min(ownNice()+lowSteps, mostSteps)) })
	cancel(invocation.ErrClientClosed)
	<-ended
	stop()
	eventually(t, "it has ended", func() bool { return f.team("a") != w })
	f.ok(get(id, "/"))
	if next := f.team("a"); next == w || next == nil || !onlyNice(t, next, ownNice()) {
		t.Error("the next one is slow as well")
	}
	if n := testutil.ToFloat64(f.metrics.replaced); n < 1 {
		t.Errorf("%v replaced", n)
	}
}

// What compiles has a lower priority than what answers calls, also while it starts.
func TestCompilingIsSlow(t *testing.T) {
	if !sharesCPU {
		t.Skip("this system does not tell what workers compute")
	}
	for _, forGood := range []bool{false, true} {
		f := newFixture(t, func(c *Config) { c.fair.forGood, c.BuildTimeout = forGood, time.Minute })
		built := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			_, err := f.Build(ctx, job("export default { fetch() {} }; for (;;) {}"))
			built <- err
		}()
		low := min(ownNice()+jobSteps, mostSteps)
		eventually(t, "one computes, slowly", func() bool {
			return slices.ContainsFunc(children(t), func(pid int) bool {
				seen := nices(t, pid)
				spent, err := cpuTime(pid)
				return len(seen) == 1 && seen[low] && err == nil && spent > 300*time.Millisecond // more than a start
			})
		})
		// A thread of the server's that is lower would keep its collections of garbage waiting.
		eventually(t, "no thread of the server is slow", func() bool {
			seen := nices(t, os.Getpid())
			return len(seen) == 1 && seen[ownNice()]
		})
		cancel()
		if err := <-built; err == nil {
			t.Error("it was compiled")
		}
	}
}

// children are the processes that this one has started.
func children(t *testing.T) (pids []int) {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		for text := range strings.FieldsSeq(string(data)) {
			pid, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}
