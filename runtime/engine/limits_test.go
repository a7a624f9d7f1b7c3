package engine

import (
	"strings"
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Each limit ends a call as its documentation says, and leaves its mark.
func TestLimitsEndCallsAndLeaveTheirMark(t *testing.T) {
	for name, c := range map[string]struct {
		code   string
		limits function.Limits
		want   invocation.Code
		hits   invocation.Hits
		text   string
	}{
		"cpu":         {`for (;;) { for (let i = 0; i < 1e4; i++); await new Promise(r => setTimeout(r)) }`, function.Limits{CPU: function.Duration(50 * time.Millisecond)}, invocation.CPULimit, invocation.HitCPU, "limits.cpu"},
		"cpu, native": {`/^(?=a)(a+)+$/.test("a".repeat(21) + "b"); return new Response("")`, function.Limits{CPU: function.Duration(20 * time.Millisecond)}, invocation.CPULimit, invocation.HitCPU, "limits.cpu"},
		"stack":       {`(function f() { f() })()`, function.Limits{}, invocation.FunctionError, invocation.HitStack, "call stack"},
		"timers":      {`for (;;) setTimeout(() => {}, 1e6)`, function.Limits{Timers: 3}, invocation.FunctionError, invocation.HitTimers, "too many timers"},
		"subrequests": {`await Promise.all([1, 2, 3].map(() => fetch("http://127.0.0.1:1/").catch(e => { if (/too many/.test(e.message)) throw e })))`, function.Limits{Subrequests: 2}, invocation.FunctionError, invocation.HitSubrequests, "too many fetches"},
		"headers":     {`return new Response("", {headers: {x: "y".repeat(2000)}})`, function.Limits{Headers: 1 << 10}, invocation.FunctionError, invocation.HitHeaders, "limits.headers"},
		"memory":      {`"x".repeat(2**30)`, function.Limits{}, invocation.FunctionError, invocation.HitMemory, "Invalid string length"},
		"logs":        {`for (let i = 0; i < 9; i++) console.log(i); return new Response("")`, function.Limits{Logs: 3}, invocation.OK, invocation.HitLogs, ""},
		"none":        {`setTimeout(() => {}); console.log(1); return new Response("")`, function.Limits{CPU: function.Duration(time.Minute)}, invocation.OK, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			id := f.add(1, handlerCode(c.code), func(m *function.Manifest) { m.Limits = c.limits })
			_, out := f.run(t, get(id, "/"))
			message := ""
			if out.Failure != nil {
				message = out.Failure.Message
			}
			if out.Code != c.want || out.Hits != c.hits || !strings.Contains(message, c.text) {
				t.Fatalf("outcome %+v, %v", out, out.Failure)
			}
			f.returns(t)
		})
	}
}

// A call that computes on after its response is ended by its limit as well.
func TestLimitOfCPUCountsBackgroundWork(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, handlerCode(`ctx.waitUntil((async () => { for (;;) { for (let i = 0; i < 1e4; i++); await new Promise(r => setTimeout(r)) } })()); return new Response("x")`),
		func(m *function.Manifest) { m.Limits.CPU = function.Duration(50 * time.Millisecond) })
	s, out := f.run(t, get(id, "/"))
	if out.Code != invocation.OK || !out.Background {
		t.Fatalf("outcome %+v", out)
	}
	if b := <-s.settled; b.Code != invocation.CPULimit || b.Hits != invocation.HitCPU {
		t.Fatalf("background %+v", b)
	}
}

// The wait for a VM has the function's own bound.
func TestLimitOfTheQueue(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.MaxVMs = 1 })
	id := f.add(1, handlerCode(`await new Promise(r => setTimeout(r, 300)); return new Response("")`), func(m *function.Manifest) { m.Limits.Queue = function.Duration(10 * time.Millisecond) })
	first := make(chan invocation.Outcome, 1)
	go func() { first <- f.Invoke(withTimeout(t, 5*time.Second), get(id, "/"), newSink()) }()
	for f.pool.busy() == 0 {
		<-time.After(time.Millisecond)
	}
	_, out := f.run(t, get(id, "/"))
	if out.Code != invocation.NodeOverloaded || out.Hits != invocation.HitQueue {
		t.Fatalf("outcome %+v", out)
	}
	if out := <-first; out.Code != invocation.OK {
		t.Fatalf("outcome %+v", out)
	}
}

// isolation: request gives each call a VM of its own; a version's state is never
// another's.
func TestStateStaysWhereItIs(t *testing.T) {
	code := `let n = 0; globalThis.seen = 0; Array.prototype.mine = 1; exports.default = { fetch() { return Response.json([++n, ++globalThis.seen]) } }`
	f := newFixture(t, nil)
	fresh := f.add(1, code, func(m *function.Manifest) { m.Isolation = function.IsolationRequest })
	kept := f.add(2, code)
	other := f.add(3, handlerCode(`return Response.json([typeof seen, [].mine === undefined])`))
	for range 3 {
		if s := ok(t, f, fresh, get(fresh, "/")); s.body.String() != "[1,1]" {
			t.Fatalf("a fresh VM remembers: %s", s.body.String())
		}
	}
	ok(t, f, kept, get(kept, "/"))
	if s := ok(t, f, kept, get(kept, "/")); s.body.String() != "[2,2]" {
		t.Fatalf("a version's VM forgot: %s", s.body.String())
	}
	if s := ok(t, f, other, get(other, "/")); s.body.String() != `["undefined",true]` {
		t.Fatalf("a version sees another's state: %s", s.body.String())
	}
}

// An interrupted VM is not used again.
func TestInterruptedVMIsThrownAway(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, `let n = 0; exports.default = { fetch(request) { n++; if (request.url.endsWith("/loop")) for (;;); return Response.json(n) } }`)
	ok(t, f, id, get(id, "/"))
	if out := f.Invoke(withTimeout(t, 30*time.Millisecond), get(id, "/loop"), newSink()); out.Code != invocation.Timeout {
		t.Fatalf("outcome %+v", out)
	}
	s, out := f.run(t, get(id, "/"))
	if s.body.String() != "1" || !out.Cold {
		t.Fatalf("answered %s, outcome %+v", s.body.String(), out)
	}
}
