package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// fixture is a Pool with a store of bundles and a memory of what it was told.
type fixture struct {
	*Pool
	t        testing.TB
	registry *prometheus.Registry

	mu       sync.Mutex
	bundles  map[function.ID]function.Bundle
	records  []invocation.Record
	verdicts []verdictTold
	own      bytes.Buffer
	loads    int
}

type verdictTold struct {
	Quarantine
	standing bool
}

func self(t testing.TB) []string {
	t.Helper()
	command, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	return command
}

func newFixture(t testing.TB, change func(*Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, bundles: map[function.ID]function.Bundle{}, registry: prometheus.NewRegistry()}
	cfg := Config{
		Command: self(t), Build: testBuild, Bundle: f.bundle, Log: f.record, Registerer: f.registry,
		Logger:      slog.New(slog.NewTextHandler(writerFunc(f.logged), nil)),
		ExternalURL: "http://hadron.test", Spares: 1,
		Verdicts: func(q Quarantine, standing bool) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.verdicts = append(f.verdicts, verdictTold{q, standing})
		},
	}
	if change != nil {
		change(&cfg)
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.Pool = p
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		if t.Failed() {
			f.mu.Lock()
			defer f.mu.Unlock()
			t.Logf("the pool's log:\n%s", f.own.String())
		}
	})
	return f
}

type writerFunc func([]byte)

func (w writerFunc) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

func (f *fixture) logged(p []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.own.Write(p)
}

func (f *fixture) bundle(_ context.Context, id function.ID) (function.Bundle, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loads++
	b, ok := f.bundles[id]
	if !ok {
		return function.Bundle{}, fmt.Errorf("no bundle %s", id)
	}
	return b, nil
}

func (f *fixture) record(r invocation.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records = append(f.records, r)
}

func (f *fixture) lines() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]string, len(f.records))
	for i, r := range f.records {
		out[i] = r.Message
	}
	return out
}

func (f *fixture) told() []verdictTold {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]verdictTold(nil), f.verdicts...)
}

// add stores a version of a function. code is CommonJS.
func (f *fixture) add(name function.Name, version int, code string, change ...func(*function.Manifest)) function.ID {
	id := function.ID{Name: name, Version: version}
	m := function.DefaultManifest()
	for _, c := range change {
		c(&m)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bundles[id] = function.Bundle{ID: id, Code: []byte(code), Manifest: m}
	return id
}

// handler is a module with this body of fetch(request, env, ctx).
func handler(body string) string {
	return "exports.default = { async fetch(request, env, ctx) {\n" + body + "\n} }"
}

func get(id function.ID, path string) *invocation.Request {
	return &invocation.Request{
		ID: "r-" + id.Name.Base() + path, Version: id, Trigger: invocation.TriggerHTTP, Method: http.MethodGet, URL: "http://hadron.test" + path,
		Header: http.Header{}, Trace: invocation.Trace{ID: strings.Repeat("ab", 16), Span: strings.Repeat("cd", 8)},
		Limits: function.DefaultLimits(),
	}
}

func post(id function.ID, path string, body io.Reader) *invocation.Request {
	req := get(id, path)
	req.Method, req.Body = http.MethodPost, body
	return req
}

// sink keeps a response.
type sink struct {
	status   int
	header   http.Header
	streamed bool
	body     bytes.Buffer
	onHead   func()
	onWrite  func([]byte) error
	settled  chan invocation.Background
}

func newSink() *sink { return &sink{settled: make(chan invocation.Background, 1)} }

func (s *sink) Head(status int, h http.Header, streamed bool) error {
	s.status, s.header, s.streamed = status, h, streamed
	if s.onHead != nil {
		s.onHead()
	}
	return nil
}

func (s *sink) Write(p []byte) error {
	s.body.Write(p)
	if s.onWrite != nil {
		return s.onWrite(p)
	}
	return nil
}

func (s *sink) Settled(b invocation.Background) { s.settled <- b }

// call invokes a version within its timeout, as the gateway does.
func (f *fixture) call(req *invocation.Request) (*sink, invocation.Outcome) {
	f.t.Helper()
	s := newSink()
	return s, f.callTo(req, s)
}

func (f *fixture) callTo(req *invocation.Request, w invocation.Writer) invocation.Outcome {
	f.t.Helper()
	ctx, cancel := context.WithTimeoutCause(context.Background(), 10*time.Second, invocation.ErrTimeout)
	defer cancel()
	return f.Invoke(ctx, req, w)
}

// ok insists on a call that went well, and returns its body.
func (f *fixture) ok(req *invocation.Request) string {
	f.t.Helper()
	s, out := f.call(req)
	if out.Code != invocation.OK {
		f.t.Fatalf("%s: %+v: %v", req.Version, out, out.Failure)
	}
	return s.body.String()
}

// team is the worker that serves a team now.
func (f *fixture) team(name string) *process {
	return f.at(place{team: name})
}

// eventually waits for a condition.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); {
		if holds() {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Fatalf("not within 15 s: %s", what)
}

// rubbish is a worker that greets well and then sends what none would.
func rubbish(what string) int {
	c, err := inherit()
	if err != nil {
		return exitUsage
	}
	greet := func(build string) { c.out.send(kindHello, 0, appendUint(appendText(nil, build), wire)) }
	switch what {
	case "other-program":
		greet("another")
	case "silent":
	default:
		greet(testBuild)
	}
	d := newDecoder(c.conn, &fromParent)
	for {
		f, err := d.next()
		if err != nil {
			return exitDone
		}
		if f.kind != kindReq {
			continue
		}
		switch what {
		case "long":
			_, _ = c.conn.Write([]byte{0xff, 0xff, 0xff, 0x7f, byte(kindBody), 1, 0, 0, 0})
		case "kind":
			c.out.send(kindReq, f.stream, nil)
		case "stream":
			c.out.send(kindBody, f.stream+1, []byte("x"))
		case "body-first":
			c.out.send(kindBody, f.stream, []byte("x"))
			c.out.send(kindEnd, f.stream, appendOutcome(nil, &invocation.Outcome{Code: invocation.OK}, false))
		case "head":
			c.out.send(kindHead, f.stream, []byte{0, 0xff, 0xff, 0xff})
			c.out.send(kindEnd, f.stream, appendOutcome(nil, &invocation.Outcome{Code: invocation.OK}, false))
		case "code":
			c.out.send(kindEnd, f.stream, appendOutcome(nil, &invocation.Outcome{Code: "invented"}, false))
		case "fetches":
			out := invocation.Outcome{Code: invocation.OK, Fetches: []invocation.FetchSpan{{Span: "of its own", Method: "GET"}}}
			c.out.send(kindEnd, f.stream, appendOutcome(nil, &out, false))
		case "twice":
			end := appendOutcome(nil, &invocation.Outcome{Code: invocation.OK, Background: true}, false)
			c.out.send(kindEnd, f.stream, end)
			c.out.send(kindEnd, f.stream, end)
		case "flood":
			c.out.send(kindHead, f.stream, appendHeader(appendUint([]byte{flagStreamed}, 200), nil))
			for range 100 {
				c.out.send(kindBody, f.stream, make([]byte, maxPayload))
			}
		case "log":
			c.out.send(kindLog, 99, nil)
		case "stats":
			c.out.send(kindStats, 0, []byte(`{"metrics":[{"n":"invented_total","v":1}]}`))
		case "built":
			c.out.send(kindBuilt, 7, nil)
		case "call":
			c.out.send(kindCall, 1, nil)
		case "parts":
			b := open(nil, kindStats|more, 0)
			b = shut(append(b, make([]byte, maxPayload)...), 0)
			for range 10 {
				_, _ = c.conn.Write(b)
			}
		}
	}
}

// orphans is a server that starts a worker and waits to be killed.
func orphans() int {
	command, err := Self()
	if err != nil {
		return exitFailed
	}
	p, err := New(Config{
		Command: command, Build: testBuild, Spares: 1,
		Bundle: func(context.Context, function.ID) (function.Bundle, error) {
			return function.Bundle{Code: []byte(handler(`return new Response(String(1))`)), Manifest: function.DefaultManifest()}, nil
		},
	})
	if err != nil {
		return exitFailed
	}
	out := p.Invoke(context.Background(), get(function.ID{Name: "t/p/f", Version: 1}, "/"), newSink())
	if out.Code != invocation.OK {
		return exitFailed
	}
	w := p.at(place{team: "t"})
	fmt.Fprintln(os.Stdout, w.cmd.Process.Pid)
	select {}
}

var errLeft = errors.New("the client has left")
