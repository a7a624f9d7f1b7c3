package engine

import (
	"testing"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// spared waits until the engine has its spare VMs.
func (f *fixture) spared(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); f.spares.count() < f.cfg.Spares; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no spare VMs are made")
		}
	}
}

// A spare VM is its version's from the first call on: with that version's bounds, and
// with nothing of another's in it.
func TestSpareVMsBelongToOneVersion(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Spares, c.Eval = 1, true })
	marks := f.add(1, handlerCode(`globalThis.mark = 1; Object.prototype.mark = 1; Response.mark = 1; return new Response("marked")`))
	looks := f.add(2, handlerCode(`return new Response([typeof mark, typeof ({}).mark, typeof Response.mark].join())`))
	small := f.add(3, handlerCode(`try { "x".repeat(5e6); return new Response("made") } catch (e) { return new Response(e.name) }`),
		func(m *function.Manifest) { m.Limits.Memory = 4 << 20 })
	large := f.add(4, handlerCode(`return new Response("" + "x".repeat(5e6).length)`))
	evals := f.add(5, handlerCode(`return new Response("" + new Function("return 6 * 7")())`), func(m *function.Manifest) { m.UnsafeEval = true })
	refused := f.add(6, handlerCode(`try { new Function("return 6 * 7"); return new Response("made") } catch (e) { return new Response(e.name) }`))
	for _, c := range []struct {
		id   function.ID
		want string
	}{
		{marks, "marked"},
		{looks, "undefined,undefined,undefined"},
		{small, "RangeError"},
		{large, "5000000"},
		{evals, "42"},
		{refused, "EvalError"},
		{looks, "undefined,undefined,undefined"},
	} {
		f.spared(t)
		s, out := f.run(t, get(c.id, "/"))
		if out.Code != invocation.OK || s.body.String() != c.want {
			t.Errorf("version %d answers %q, want %q (%+v %v)", c.id.Version, s.body.String(), c.want, out.Code, out.Failure)
		}
	}
}

// A function cannot tell a spare VM from one that was made for it.
func TestSpareVMsAreLikeOthers(t *testing.T) {
	code := handlerCode(`
		const names = Object.getOwnPropertyNames(globalThis).sort().join();
		const own = o => Reflect.ownKeys(o).map(String).join();
		const early = performance.now() < 1e3 && Math.abs(performance.timeOrigin - Date.now()) < 1e4;
		return Response.json([names, own(Object), own(JSON), own(Response), own("".repeat), "".repeat.name, "".repeat.length, [].concat.length, early])`)
	var answers [2]string
	for i, spares := range []int{-1, 2} {
		f := newFixture(t, func(c *Config) { c.Spares = spares })
		if spares > 0 {
			f.spared(t)
		}
		s, out := f.run(t, get(f.add(1, code), "/"))
		if out.Code != invocation.OK {
			t.Fatalf("%+v %v", out, out.Failure)
		}
		answers[i] = s.body.String()
	}
	if answers[0] != answers[1] {
		t.Errorf("made for it: %s\nspare: %s", answers[0], answers[1])
	}
}
