package engine

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// The clock of expressions that backtrack goes on until no match can be under way.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"))
}

const testName = function.Name("team/project/fn")

// bench is an engine over bundles that a test gives.
type fixture struct {
	*Engine
	mu      sync.Mutex
	bundles map[function.ID]function.Bundle
	records []invocation.Record
	wrote   chan struct{}
}

func newFixture(t testing.TB, change func(*Config)) *fixture {
	t.Helper()
	f := &fixture{bundles: map[function.ID]function.Bundle{}, wrote: make(chan struct{}, 1)}
	cfg := Config{
		Bundle: func(_ context.Context, id function.ID) (function.Bundle, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			b, ok := f.bundles[id]
			if !ok {
				return b, errors.New("no such bundle")
			}
			return b, nil
		},
		Log: func(r invocation.Record) {
			f.mu.Lock()
			f.records = append(f.records, r)
			f.mu.Unlock()
			select {
			case f.wrote <- struct{}{}:
			default:
			}
		},
	}
	if change != nil {
		change(&cfg)
	}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.Engine = e
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return f
}

// add registers a version made of the body of a CommonJS module.
func (f *fixture) add(version int, code string, change ...func(*function.Manifest)) function.ID {
	id := function.ID{Name: testName, Version: version}
	m := function.DefaultManifest()
	for _, fn := range change {
		fn(&m)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bundles[id] = function.Bundle{ID: id, Code: []byte(code), Manifest: m}
	return id
}

// handler wraps the body of a fetch handler.
func handlerCode(body string) string {
	return "exports.default = { async fetch(request, env, ctx) {" + body + "} };"
}

func (f *fixture) logged() []invocation.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]invocation.Record(nil), f.records...)
}

// sink records a response.
type sink struct {
	heads    int
	status   int
	header   http.Header
	streamed bool
	body     strings.Builder
	chunks   []string
	onWrite  func(p []byte) error
	settled  chan invocation.Background
}

func newSink() *sink { return &sink{settled: make(chan invocation.Background, 1)} }

func (s *sink) Head(status int, h http.Header, streamed bool) error {
	s.heads++
	s.status, s.header, s.streamed = status, h, streamed
	return nil
}

func (s *sink) Write(p []byte) error {
	s.body.Write(p)
	s.chunks = append(s.chunks, string(p))
	if s.onWrite != nil {
		return s.onWrite(p)
	}
	return nil
}
func (s *sink) Settled(b invocation.Background) { s.settled <- b }

func get(id function.ID, path string) *invocation.Request {
	return &invocation.Request{
		ID: "r1", Version: id, Trigger: invocation.TriggerHTTP, Method: "GET", URL: "http://localhost" + path,
		Header: http.Header{}, Limits: function.DefaultManifest().Limits,
	}
}

func post(id function.ID, body string) *invocation.Request {
	r := get(id, "/")
	r.Method = "POST"
	r.Body = io.NopCloser(strings.NewReader(body))
	return r
}

// patience is how long a test waits for what comes at once where nobody else computes.
const patience = time.Minute

// returns waits until no VM is left to itself: what could not be stopped in its grace,
// where others took the processors, is stopped in the end. Native code would not be.
func (f *fixture) returns(t testing.TB) {
	t.Helper()
	for end := time.Now().Add(patience); f.abandoned.Load() > 0; <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d VMs that could not be stopped never came back", f.abandoned.Load())
		}
	}
}

func withTimeout(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(context.Background(), d, invocation.ErrTimeout)
	t.Cleanup(cancel)
	return ctx
}

func (f *fixture) run(t testing.TB, req *invocation.Request) (*sink, invocation.Outcome) {
	t.Helper()
	s := newSink()
	out := f.Invoke(withTimeout(t, patience), req, s)
	return s, out
}

// ok runs a handler's body once and returns what it answered.
func ok(t *testing.T, f *fixture, id function.ID, req *invocation.Request) *sink {
	t.Helper()
	s, out := f.run(t, req)
	if out.Code != invocation.OK {
		t.Fatalf("outcome %+v, failure %v", out, out.Failure)
	}
	return s
}

func TestInvokeAnswers(t *testing.T) {
	for name, c := range map[string]struct{ code, want string }{
		"json":           {handlerCode(`return Response.json({hello: "world"})`), `{"hello":"world"}`},
		"sync":           {`exports.default = { fetch() { return new Response("hi") } }`, "hi"},
		"bare":           {`module.exports = async (req) => new Response(req.method)`, "GET"},
		"bare default":   {`exports.default = function (req) { return new Response(new URL(req.url).pathname) }`, "/p"},
		"class instance": {`class App { constructor() { this.n = "me" } fetch() { return new Response(this.n) } } exports.default = new App()`, "me"},
		"named":          {`exports.fetch = () => new Response("named")`, "named"},
		"getter":         {`module.exports = { get default() { return { fetch: () => new Response("got") } } }`, "got"},
		"timer":          {handlerCode(`await new Promise(r => setTimeout(r, 5)); return new Response("later")`), "later"},
		"env":            {handlerCode(`return new Response(env.GREETING)`), "hej"},
		"subclass":       {handlerCode(`class R extends Response { #x = 1; get x() { return this.#x } }; const r = new R("sub"); return r.x === 1 && r.ok && r instanceof Response ? r : null`), "sub"},
		"thenable":       {`exports.default = { fetch() { return { then(f) { f(new Response("thenable")) } } } }`, "thenable"},
		"beyond ascii":   {handlerCode(`return new Response(["a", "b"].join("é") + [1, 2].join({toString() { return " · " }}) + "xyx".replace("x", "é") + "xyx".replaceAll("x", "é") + "xyx".replace(/x/g, {toString() { return "ü" }}))`), "aéb1 · 2éyxéyéüyü"},
		"all of \"\"":    {handlerCode(`return new Response(["é!".replaceAll("", "-"), "é!".replaceAll([], "[$&$$$` + "`" + `$'$1]"), "é".replaceAll("", (m, at, s) => m + at + s), "ab".replaceAll("", "é"), "é".replaceAll("")].join(" "))`), "-é-!- [$é!$1]é[$é!$1]![$é!$1] 0éé1é éaébé undefinedéundefined"},
		"web globals":    {handlerCode(`return new Response([typeof fetch, typeof URL, typeof nothing, "Headers" in globalThis, typeof self.console.log].join())`), "function,function,undefined,true,function"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			id := f.add(1, c.code, func(m *function.Manifest) { m.Env = map[string]string{"GREETING": "hej"} })
			s := ok(t, f, id, get(id, "/p"))
			if got := s.body.String(); got != c.want || s.status != 200 || s.streamed || s.heads != 1 {
				t.Fatalf("answered %d %q, streamed %v, heads %d; want %q", s.status, got, s.streamed, s.heads, c.want)
			}
		})
	}
}

func TestOutcomeOfFailures(t *testing.T) {
	for name, c := range map[string]struct {
		code string
		want invocation.Code
		text string
	}{
		"throw":           {handlerCode(`throw new TypeError("boom")`), invocation.FunctionError, "TypeError: boom"},
		"throw sync":      {`exports.default = { fetch() { throw new RangeError("sync") } }`, invocation.FunctionError, "RangeError: sync"},
		"throw string":    {handlerCode(`throw "plain"`), invocation.FunctionError, `"plain"`},
		"no response":     {handlerCode(`return {a: 1}`), invocation.FunctionError, "returned { a: 1 }, which is no Response"},
		"undefined":       {handlerCode(``), invocation.FunctionError, "returned undefined"},
		"never":           {handlerCode(`await new Promise(() => {})`), invocation.FunctionError, "never settles"},
		"never, because":  {handlerCode(`await new Promise(() => { setTimeout(() => { throw new Error("in timer") }) })`), invocation.FunctionError, "in timer"},
		"unhandled":       {handlerCode(`Promise.reject(new Error("lost")); await new Promise(() => {})`), invocation.FunctionError, "lost"},
		"5xx":             {handlerCode(`return new Response("no", {status: 503})`), invocation.HTTP5xx, ""},
		"overflow":        {handlerCode(`const f = () => f() + 1; f()`), invocation.FunctionError, "Maximum call stack size exceeded"},
		"used body":       {handlerCode(`const r = new Response("x"); await r.text(); return r`), invocation.FunctionError, "read already"},
		"error response":  {handlerCode(`return Response.error()`), invocation.FunctionError, "Response.error()"},
		"bad module":      {`throw new Error("at load")`, invocation.FunctionError, "at load"},
		"syntax":          {`this is not js`, invocation.FunctionError, "could not be loaded"},
		"eval":            {handlerCode(`return new Response(eval("1+1"))`), invocation.FunctionError, "EvalError"},
		"Function":        {handlerCode(`return new Function("return 1")()`), invocation.FunctionError, "EvalError"},
		"async ctor":      {handlerCode(`return (async () => {}).constructor("return 1")()`), invocation.FunctionError, "EvalError"},
		"gen ctor":        {handlerCode(`return (function*(){}).constructor("return 1")()`), invocation.FunctionError, "EvalError"},
		"arrow ctor":      {handlerCode(`return (() => {}).constructor("return 1")()`), invocation.FunctionError, "EvalError"},
		"async proto":     {handlerCode(`return Object.getPrototypeOf((async () => {}).constructor)("return 1")`), invocation.FunctionError, ""},
		"throwing error":  {handlerCode(`throw { get name() { throw 1 }, get message() { return "x" } }`), invocation.FunctionError, ""},
		"error of itself": {handlerCode(`const e = new Error("x"); Object.defineProperty(e, "name", {get() { throw e }}); throw e`), invocation.FunctionError, "cannot be read"},
		"repeat":          {handlerCode(`return new Response("x".repeat(2**40))`), invocation.FunctionError, "RangeError"},
		"padStart":        {handlerCode(`return new Response("x".padStart(2**40))`), invocation.FunctionError, "RangeError"},
		"buffer":          {handlerCode(`new ArrayBuffer(2**40)`), invocation.FunctionError, "RangeError"},
		"typed":           {handlerCode(`new Float64Array(1e9)`), invocation.FunctionError, "RangeError"},
		"fill":            {handlerCode(`new Array(2**32-1).fill(0)`), invocation.FunctionError, "RangeError"},
		"from":            {handlerCode(`Array.from({length: 2**32-1})`), invocation.FunctionError, "RangeError"},
		"apply":           {handlerCode(`Math.max.apply(null, {length: 1e9})`), invocation.FunctionError, "RangeError"},
		"deep json":       {handlerCode(`JSON.parse("[".repeat(2500000))`), invocation.FunctionError, "SyntaxError"},
		"deep json obj":   {handlerCode(`JSON.parse({toString() { return "[".repeat(2500000) }})`), invocation.FunctionError, "SyntaxError"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			id := f.add(1, c.code)
			_, out := f.run(t, get(id, "/"))
			if out.Code != c.want {
				t.Fatalf("outcome %+v, failure %v", out, out.Failure)
			}
			if c.text != "" && (out.Failure == nil || !strings.Contains(out.Failure.Error(), c.text)) {
				t.Fatalf("failure %v, want %q", out.Failure, c.text)
			}
		})
	}
}

func TestBodies(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, handlerCode(`
		const kind = request.headers.get("x-kind");
		if (kind === "json") return Response.json((await request.json()).a);
		if (kind === "stream") {
			const reader = request.body.getReader();
			let n = 0;
			for (;;) { const {done, value} = await reader.read(); if (done) break; n += value.length; }
			return new Response(String(n));
		}
		if (kind === "echo") return new Response(request.body);
		return new Response((await request.text()).toUpperCase() + request.bodyUsed);`))
	for kind, c := range map[string][2]string{
		"json": {`{"a": [1]}`, "[1]"}, "stream": {strings.Repeat("x", 100_000), "100000"},
		"echo": {strings.Repeat("y", 100_000), strings.Repeat("y", 100_000)}, "text": {"hej", "HEJtrue"},
	} {
		req := post(id, c[0])
		req.Header.Set("X-Kind", kind)
		if s := ok(t, f, id, req); s.body.String() != c[1] {
			t.Errorf("%s: answered %.40q", kind, s.body.String())
		}
	}
}

func TestConsoleAndUncaughtErrorsBecomeRecords(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, handlerCode(`
		console.log("n=%d s=%s", 42.9, "x", {a: [1, "two"]});
		console.error(new TypeError("bad"));
		setTimeout(() => { throw new Error("timer") });
		Promise.reject(new Error("nobody"));
		await new Promise(r => setTimeout(r, 3));
		for (let i = 0; i < 10; i++) console.warn("w" + i);
		return new Response("")`), func(m *function.Manifest) { m.Limits.Logs = 5 })
	ok(t, f, id, get(id, "/"))
	var texts []string
	for _, r := range f.logged() {
		texts = append(texts, string(r.Level)+" "+r.Message)
		if r.Request != "r1" || r.Function != testName || r.Version != 1 {
			t.Errorf("record %+v", r)
		}
	}
	all := strings.Join(texts, "\n")
	for _, want := range []string{`info n=42 s=x { a: [1, "two"] }`, "error TypeError: bad", "error Uncaught Error: timer", "error Unhandled promise rejection: Error: nobody", "warn w0", "more than 5 lines"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if len(texts) != 6 {
		t.Errorf("%d records", len(texts))
	}
}

// Also where the handler's promise is rejected in the turn that made it.
func TestAFailedHandlerIsLoggedOnce(t *testing.T) {
	for name, body := range map[string]string{
		"at once":         `throw new TypeError("broken")`,
		"after a promise": `await Promise.resolve(); throw new TypeError("broken")`,
		"after a timer":   `await new Promise(r => setTimeout(r, 1)); throw new TypeError("broken")`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			id := f.add(1, handlerCode(body))
			f.run(t, get(id, "/"))
			if records := f.logged(); len(records) != 1 || records[0].Message != "TypeError: broken" {
				t.Errorf("records %+v", records)
			}
		})
	}
}

func TestStateLivesInTheVersionOnly(t *testing.T) {
	f := newFixture(t, nil)
	code := `let n = 0; exports.default = { fetch() { globalThis.seen = (globalThis.seen || 0) + 1; return Response.json([++n, seen]) } }`
	one, two := f.add(1, code), f.add(2, code)
	fresh := f.add(3, code, func(m *function.Manifest) { m.Isolation = "request" })
	for i, c := range []struct {
		id   function.ID
		want string
		cold bool
	}{{one, "[1,1]", true}, {one, "[2,2]", false}, {two, "[1,1]", true}, {one, "[3,3]", false}, {fresh, "[1,1]", true}, {fresh, "[1,1]", true}} {
		s, out := f.run(t, get(c.id, "/"))
		if s.body.String() != c.want || out.Cold != c.cold || (out.Init > 0) != c.cold || out.CPU <= 0 {
			t.Errorf("step %d: %s, outcome %+v", i, s.body.String(), out)
		}
	}
}

func TestWaitUntilSettlesAfterTheAnswer(t *testing.T) {
	f := newFixture(t, nil)
	id := f.add(1, handlerCode(`
		ctx.passThroughOnException();
		ctx.waitUntil(new Promise(r => setTimeout(() => { console.log("late"); r() }, 10)));
		return new Response("now")`))
	s, out := f.run(t, get(id, "/"))
	if !out.Background || out.Code != invocation.OK || s.body.String() != "now" {
		t.Fatalf("outcome %+v", out)
	}
	if b := <-s.settled; b.Code != invocation.OK || b.CPU <= 0 {
		t.Fatalf("background %+v", b)
	}
	if r := f.logged(); len(r) != 1 || r[0].Message != "late" {
		t.Fatalf("records %+v", r)
	}
	bad := f.add(2, handlerCode(`ctx.waitUntil(new Promise((_, no) => setTimeout(() => no(new Error("late")), 1))); return new Response("")`))
	s, _ = f.run(t, get(bad, "/"))
	if b := <-s.settled; b.Code != invocation.FunctionError || b.Failure.Message != "late" {
		t.Fatalf("background %+v", b)
	}
	long := f.add(3, handlerCode(`ctx.waitUntil((async () => { await new Promise(r => setTimeout(r, 1)); for (;;); })()); return new Response("")`))
	req := get(long, "/")
	req.Limits.Background = function.Duration(50 * time.Millisecond)
	s = newSink()
	started := time.Now()
	out = f.Invoke(withTimeout(t, time.Second), req, s)
	_ = out
	if b := <-s.settled; b.Code != invocation.Timeout {
		t.Fatalf("background %+v after %s", b, time.Since(started))
	}
}

func TestCheck(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.CheckTimeout = 200 * time.Millisecond })
	ctx := context.Background()
	for name, c := range map[string]struct{ code, kind, text string }{
		"fine":   {handlerCode(`return 1`), "", ""},
		"empty":  {``, NoHandler, "exports no handler"},
		"number": {`exports.default = 3`, NoHandler, "exports no handler"},
		"syntax": {"let a = 1;\nlet b = ;\n", SourceInvalid, "Unexpected token"},
		"throws": {`throw new Error("no")`, SourceInvalid, "Error: no"},
		"loops":  {`for (;;);`, SourceInvalid, "too long"},
		"fetch":  {`fetch("http://x"); exports.default = () => {}`, "", ""},
		"timer":  {`setTimeout(() => {}); exports.default = () => {}`, SourceInvalid, "while the module loads"},
		"nested": {strings.Repeat("(", 500_000), SourceInvalid, "nested too deeply"},
	} {
		err := f.Check(ctx, function.Bundle{Code: []byte(c.code), Manifest: function.DefaultManifest()})
		var check *CheckError
		if c.kind == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !errors.As(err, &check) || check.Kind != c.kind || !strings.Contains(check.Message, c.text) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "syntax" && check.Line != 2 {
			t.Errorf("syntax error at %d:%d", check.Line, check.Column)
		}
	}
}

func TestStackNamesTheAuthorsFile(t *testing.T) {
	f := newFixture(t, nil)
	// In the bundle, "new Error" stands at column 32 of line 1, counted from 0; in the
	// author's file at 3:9, counted from 1.
	code := "exports.default = () => { throw new Error('one') };"
	source := map[string]any{
		"version": 3, "sources": []string{"src/app.ts"}, "names": []string{}, "sourcesContent": []string{"x"},
		// line 1: column 26 → 0,2,4 and column 32 → 0,2,8
		"mappings": "0BAEI,MAAI",
	}
	mapping, err := json.Marshal(source)
	if err != nil {
		t.Fatal(err)
	}
	id := f.add(1, code)
	b := f.bundles[id]
	b.Map = mapping
	f.bundles[id] = b
	_, out := f.run(t, get(id, "/"))
	if out.Failure == nil || len(out.Failure.Stack) == 0 {
		t.Fatalf("outcome %+v", out)
	}
	if at := out.Failure.Stack[0]; at.File != "src/app.ts" || at.Line != 3 || at.Column != 9 {
		t.Fatalf("stack %+v", out.Failure.Stack)
	}
}
