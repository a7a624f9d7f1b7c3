package worker

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

const (
	hoard = `const all = []; for (;;) { const a = []; for (let i = 0; i < 1000; i++) a.push({i, s: "x" + i}); all.push(a) }`
	wait  = `console.log("waiting"); await new Promise(r => setTimeout(r, 60000)); return new Response("late")`
)

// start begins a call and returns where its outcome comes.
func (f *fixture) start(req *invocation.Request) <-chan invocation.Outcome {
	ch := make(chan invocation.Outcome, 1)
	go func() {
		_, out := f.call(req)
		ch <- out
	}()
	return ch
}

func (f *fixture) waiting(n int) {
	f.t.Helper()
	eventually(f.t, "the calls run", func() bool {
		return strings.Count(strings.Join(f.lines(), "|"), "waiting") >= n
	})
}

// A worker that is killed loses the calls whose code ran; its team and the others
// go on, and the lines written before are all there.
func TestKilledWorker(t *testing.T) {
	f := newFixture(t, nil)
	slow := f.add("t/p/slow", 1, handler(wait))
	fine := f.add("t/p/fine", 1, handler(`return new Response("fine")`))
	other := f.add("u/p/fine", 1, handler(`return new Response("other")`))
	f.ok(get(other, "/"))
	neighbour := f.team("u")
	lost := f.start(get(slow, "/"))
	f.waiting(1)
	if err := syscall.Kill(f.team("t").cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	out := <-lost
	if out.Code != invocation.WorkerLost || out.Failure == nil || !strings.Contains(out.Failure.Message, "ended by the system (killed)") {
		t.Errorf("%+v %v", out, out.Failure)
	}
	if got := f.ok(get(fine, "/")); got != "fine" {
		t.Error(got)
	}
	if f.ok(get(other, "/")) != "other" || f.team("u") != neighbour {
		t.Error("another team's worker was touched")
	}
	if alone, q := f.trials.of(slow); !alone || q != nil {
		t.Error("the suspect is not on probation")
	}
	if alone, _ := f.trials.of(fine); alone {
		t.Error("a version that did not run is on probation")
	}
}

// Lines that were written just before a death are read to the end.
func TestLinesSurviveDeath(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add("t/p/f", 1, handler(`for (let i = 0; i < 500; i++) console.log("line", i); `+wait))
	lost := f.start(get(id, "/"))
	f.waiting(1)
	_ = syscall.Kill(f.team("t").cmd.Process.Pid, syscall.SIGKILL)
	<-lost
	if n := len(f.lines()); n != 501 {
		t.Errorf("%d lines, want 501", n)
	}
}

// A call that was sent and did not run is sent again.
func TestUnstartedCallIsSentAgain(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add("t/p/f", 1, handler(`return new Response(await request.text())`))
	f.ok(get(id, "/"))
	w := f.team("t")
	if err := syscall.Kill(w.cmd.Process.Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	req := post(id, "/", strings.NewReader("whole"))
	req.Header.Set("Content-Length", "5")
	eventually(t, "it stands", func() bool { return state(w.cmd.Process.Pid) == 'T' })
	late := make(chan string, 1)
	go func() { late <- f.ok(req) }()
	eventually(t, "it is sent", func() bool { return len(w.streams()) == 1 })
	_ = syscall.Kill(w.cmd.Process.Pid, syscall.SIGKILL)
	if got := <-late; got != "whole" {
		t.Error(got)
	}
	if alone, _ := f.trials.of(id); alone {
		t.Error("it is suspected and did not run")
	}
}

// What ends a worker of its own is quarantined, tried again after a while, and
// comes back when it behaves.
func TestQuarantine(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Quarantine, c.Probation = 100*time.Millisecond, time.Nanosecond })
	id := f.add("t/p/slow", 1, `exports.default = { async fetch(request) { if (request.url.endsWith("/ok")) return new Response("ok"); `+wait+`} }`)
	fine := f.add("t/p/fine", 1, handler(`return new Response("fine")`))
	die := func(at place) invocation.Outcome {
		t.Helper()
		before := len(f.lines())
		lost := f.start(get(id, "/"))
		eventually(t, "the call runs", func() bool { return len(f.lines()) > before })
		_ = syscall.Kill(f.at(at).cmd.Process.Pid, syscall.SIGKILL)
		return <-lost
	}
	alone := place{team: "t", alone: id}
	if out := die(place{team: "t"}); out.Code != invocation.WorkerLost {
		t.Fatalf("%+v", out)
	}
	f.ok(get(fine, "/"))
	team := f.team("t")
	die(alone)
	eventually(t, "it is quarantined", func() bool { return len(f.told()) == 1 })
	q := f.Quarantined()
	if len(q) != 1 || q[0].Version != id || q[0].Deaths != 1 || q[0].Reason == "" || !q[0].Until.After(q[0].Since) {
		t.Fatalf("%+v", q)
	}
	_, out := f.call(get(id, "/"))
	if out.Code != invocation.WorkerLost || !strings.Contains(out.Failure.Message, "t/p/slow@1 is quarantined until") {
		t.Errorf("%+v %v", out, out.Failure)
	}
	if f.ok(get(fine, "/")) != "fine" || f.team("t") != team {
		t.Error("its team suffers")
	}
	eventually(t, "its time is up", func() bool { alone, _ := f.trials.of(id); return alone })
	die(alone)
	eventually(t, "it is quarantined again", func() bool { return len(f.told()) == 2 })
	q = f.Quarantined()
	if len(q) != 1 || q[0].Deaths != 2 || q[0].Until.Sub(f.told()[0].Until) < 100*time.Millisecond {
		t.Fatalf("%+v", q)
	}
	eventually(t, "its time is up", func() bool { alone, _ := f.trials.of(id); return alone })
	f.ok(get(id, "/ok"))
	f.ok(get(id, "/ok"))
	eventually(t, "it is let back", func() bool { return len(f.Quarantined()) == 0 })
	if told := f.told(); len(told) != 3 || told[2].standing {
		t.Errorf("%+v", told)
	}
	f.ok(get(id, "/ok"))
	if got := f.team("t"); got != team {
		t.Error("it runs elsewhere")
	}
}

func TestRelease(t *testing.T) {
	held := Quarantine{Version: function.ID{Name: "t/p/f", Version: 1}, Since: time.Now(), Until: time.Now().Add(time.Hour), Deaths: 3, Reason: "it ended"}
	f := newFixture(t, func(c *Config) { c.Quarantined = []Quarantine{held} })
	id := f.add("t/p/f", 1, handler(`return new Response("ok")`))
	if _, out := f.call(get(id, "/")); out.Code != invocation.WorkerLost {
		t.Fatalf("%+v", out)
	}
	if !f.Release(id) || f.Release(id) || len(f.Quarantined()) != 0 {
		t.Error("it is not released once")
	}
	f.ok(get(id, "/"))
	if told := f.told(); len(told) != 1 || told[0].standing || told[0].Deaths != 3 {
		t.Errorf("%+v", told)
	}
}

// Memory that no guard sees ends one worker with the code for it.
func TestMemoryDeath(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Memory = 96 << 20 })
	id := f.add("t/p/f", 1, handler(hoard))
	fine := f.add("t/p/fine", 1, handler(`return new Response("fine")`))
	f.ok(get(fine, "/"))
	req := get(id, "/")
	_, out := f.call(req)
	if out.Code != invocation.MemoryLimit {
		t.Errorf("%+v %v", out, out.Failure)
	}
	eventually(t, "its team goes on", func() bool { // once the memory is free
		s, out := f.call(get(fine, "/"))
		return out.Code == invocation.OK && s.body.String() == "fine"
	})
}

// A VM that nothing can stop does not hold the client, and its worker is ended
// after a moment, in which the team's other calls go elsewhere.
func TestWedge(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Wedged = 400 * time.Millisecond })
	id := f.add("t/p/f", 1, handler(`console.log("waiting"); const a = new Float64Array(6e6); for (;;) a.map(x => x).sort()`))
	fine := f.add("t/p/fine", 1, handler(`return new Response("fine")`))
	f.ok(get(fine, "/"))
	w := f.team("t")
	if err := syscall.Kill(w.cmd.Process.Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it stands", func() bool { return state(w.cmd.Process.Pid) == 'T' })
	started := time.Now()
	out := f.callFor(get(id, "/"), 100*time.Millisecond)
	if out.Code != invocation.Timeout && out.Code != invocation.FunctionError || time.Since(started) > time.Second {
		t.Errorf("%+v after %s", out, time.Since(started))
	}
	out = f.callFor(get(fine, "/"), 100*time.Millisecond)
	if out.Code != invocation.Timeout {
		t.Errorf("%+v", out)
	}
	if f.ok(get(fine, "/")) != "fine" {
		t.Error("its team suffers")
	}
	<-w.read
	if w.verdict.reason != wedgedReason {
		t.Errorf("%+v", w.verdict)
	}
}

func (f *fixture) callFor(req *invocation.Request, d time.Duration) invocation.Outcome {
	ctx, cancel := context.WithTimeoutCause(context.Background(), d, invocation.ErrTimeout)
	defer cancel()
	return f.Invoke(ctx, req, newSink())
}

// A worker ends with its server, however that ends.
func TestWorkersEndWithTheirParent(t *testing.T) {
	command := self(t)
	cmd := exec.CommandContext(t.Context(), command[0], "orphans")
	cmd.Path = command[0]
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 32)
	n, err := out.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(buf[:n])))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the worker is not there: %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	eventually(t, "the worker is gone", func() bool { return state(pid) == 0 })
}

// The parent takes nothing that a worker cannot mean: its calls fail, and the next
// worker is another.
func TestHostileFrames(t *testing.T) {
	for _, what := range []string{"long", "kind", "stream", "body-first", "head", "code", "fetches", "twice", "flood", "log", "stats", "built", "call", "parts"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(c *Config) {
				c.Command = append(c.Command[:2:2], "rubbish", what)
			})
			id := f.add("t/p/f", 1, "")
			var lost atomic.Int32
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					switch out := f.callFor(get(id, "/"), 15*time.Second); out.Code {
					case invocation.WorkerLost:
						lost.Add(1)
					case invocation.OK:
						if what != "twice" {
							t.Errorf("%+v", out)
						}
					default:
						t.Errorf("%+v %v", out, out.Failure)
					}
				})
			}
			wg.Wait()
			if n := testutil.ToFloat64(f.metrics.violations); n < 1 || lost.Load() == 0 && what != "twice" {
				t.Errorf("%d calls lost, %v violations", lost.Load(), n)
			}
		})
	}
}
