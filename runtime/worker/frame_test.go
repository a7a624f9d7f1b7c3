package worker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Messages of any length arrive as they were sent, however the bytes are cut.
func TestMessagesSurviveTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sent []frame
		var b []byte
		for range rapid.IntRange(1, 8).Draw(t, "messages") {
			k := rapid.SampledFrom([]kind{kindHead, kindLog, kindBuilt, kindBody}).Draw(t, "kind")
			most := min(fromChild[k], 3*maxPayload)
			f := frame{kind: k, stream: rapid.Uint32().Draw(t, "stream"), data: bytes.Repeat([]byte{byte(len(sent))}, rapid.IntRange(0, most).Draw(t, "length"))}
			sent = append(sent, f)
			b = appendFrame(b, f.kind, f.stream, f.data)
		}
		step := rapid.IntRange(1, 100000).Draw(t, "step")
		d := newDecoder(&steps{b, step}, &fromChild)
		for _, want := range sent {
			got, err := d.next()
			if err != nil || got.kind != want.kind || got.stream != want.stream || !bytes.Equal(got.data, want.data) {
				t.Fatalf("kind %d stream %d %d bytes, %v; want kind %d stream %d %d bytes", got.kind, got.stream, len(got.data), err, want.kind, want.stream, len(want.data))
			}
		}
		if _, err := d.next(); !errors.Is(err, io.EOF) || d.held != 0 {
			t.Fatalf("at the end: %v, %d bytes held", err, d.held)
		}
	})
}

// steps yields a few bytes at a time.
type steps struct {
	b []byte
	n int
}

func (s *steps) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.b[:min(s.n, len(s.b))])
	s.b = s.b[n:]
	return n, nil
}

func TestOutcomesSurviveTheWire(t *testing.T) {
	codes := []invocation.Code{invocation.OK, invocation.HTTP5xx, invocation.FunctionError, invocation.Timeout, invocation.MemoryLimit, invocation.CPULimit, invocation.FunctionOverloaded}
	rapid.Check(t, func(t *rapid.T) {
		want := invocation.Outcome{
			Code: rapid.SampledFrom(codes).Draw(t, "code"), Status: rapid.IntRange(0, 599).Draw(t, "status"),
			Init: time.Duration(rapid.Int64Min(0).Draw(t, "init")), CPU: time.Duration(rapid.Int64Min(0).Draw(t, "cpu")),
			Queue: time.Duration(rapid.Int64Min(0).Draw(t, "queue")), Cold: rapid.Bool().Draw(t, "cold"),
			Streamed: rapid.Bool().Draw(t, "streamed"), Background: rapid.Bool().Draw(t, "background"),
			Hits: invocation.HitMemory | invocation.HitLogs,
		}
		if rapid.Bool().Draw(t, "failed") {
			want.Failure = &invocation.Failure{Name: rapid.StringN(0, 20, 100).Draw(t, "name"), Message: rapid.StringN(0, 100, 1000).Draw(t, "message")}
			for range rapid.IntRange(0, 3).Draw(t, "frames") {
				want.Failure.Stack = append(want.Failure.Stack, invocation.Frame{Function: "f", File: rapid.StringN(0, 20, 100).Draw(t, "file"), Line: 3, Column: 4})
			}
		}
		stuck := rapid.Bool().Draw(t, "stuck")
		c := cursor{s: string(appendOutcome(nil, &want, stuck))}
		got, gotStuck := c.outcome()
		if err := c.end(); err != nil || gotStuck != stuck || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v\n%+v\n%+v", err, got, want)
		}
	})
}

func TestHeadersSurviveTheWire(t *testing.T) {
	text := rapid.StringN(0, 30, 200)
	rapid.Check(t, func(t *rapid.T) {
		want := http.Header(rapid.MapOf(text, rapid.SliceOfN(text, 1, 4)).Draw(t, "header"))
		c := cursor{s: string(appendHeader(nil, want))}
		got := c.header()
		if err := c.end(); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v: %v, want %v", err, got, want)
		}
	})
}

// FuzzDecoder feeds a side what the other one should not send: it may only refuse.
func FuzzDecoder(f *testing.F) {
	f.Add(appendFrame(nil, kindEnd, 1, appendOutcome(nil, &invocation.Outcome{Code: invocation.OK}, false)))
	f.Add(appendFrame(nil, kindLog, 1, make([]byte, 2*maxPayload)))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, b := range []*bounds{&fromChild, &fromParent} {
			d := newDecoder(bytes.NewReader(data), b)
			for {
				m, err := d.next()
				if err != nil {
					break
				}
				if len(m.data) > b[m.kind] {
					t.Fatalf("kind %d with %d bytes", m.kind, len(m.data))
				}
				c := cursor{s: string(m.data)}
				c.header()
				c = cursor{s: string(m.data)}
				c.outcome()
				_, _, _ = readLoad(m.data)
			}
			if d.held > maxParts {
				t.Fatalf("%d bytes held", d.held)
			}
		}
	})
}

// FuzzParent feeds the server what a worker could send in the midst of a call and
// beside it: it may refuse, and must neither panic nor grow.
func FuzzParent(f *testing.F) {
	end := appendOutcome(nil, &invocation.Outcome{Code: invocation.OK, Background: true}, true)
	head := appendHeader(appendUint([]byte{flagStreamed}, 200), http.Header{"A": {"b"}})
	for _, seed := range []struct {
		k    kind
		data []byte
	}{
		{kindHead, head},
		{kindBody, []byte("x")},
		{kindEnd, end},
		{kindDone, end},
		{kindFreed, nil},
		{kindWindow, []byte{1}},
		{kindLog, append(appendText(appendText(append(appendText([]byte{1}, "info"), 0), ""), ""), 0)},
		{kindStats, []byte(`{"heap":1}`)},
		{kindMeasure, []byte(`{}`)},
		{kindNeed, nil},
		{kindCall, []byte{1, 1, 'G', 0, 0, 0, 0}},
	} {
		f.Add(byte(seed.k), uint32(maxStreams), seed.data, byte(kindEnd), uint32(maxStreams), end)
		f.Add(byte(seed.k), uint32(1), seed.data, byte(seed.k), uint32(1), seed.data)
	}
	command := self(f)
	f.Fuzz(func(t *testing.T, k1 byte, s1 uint32, d1 []byte, k2 byte, s2 uint32, d2 []byte) {
		w, _, done := hollow(t, command)
		defer done()
		id := function.ID{Name: "t/p/f", Version: 1}
		w.loads[id], w.indexes[1], w.last = &load{index: 1, sent: true, ready: make(chan struct{})}, id, 1
		ctx, cancel := context.WithCancelCause(t.Context())
		s, err := w.begin(get(id, "/"), bytes.NewReader(d1))
		if err != nil {
			t.Fatal(err)
		}
		over := make(chan struct{})
		go func() {
			defer close(over)
			fl := follower{s: s, w: newSink(), box: s.box}
			for {
				select {
				case <-fl.box.ready:
					if end, _ := fl.take(); end || fl.broken != nil {
						fl.leave(&fl.out)
						return
					}
				case <-ctx.Done():
					fl.leave(&fl.out)
					return
				}
			}
		}()
		for _, m := range []frame{{kind(k1), s1, d1}, {kind(k2), s2, d2}} {
			if m.kind == 0 || m.kind >= kinds || fromChild[m.kind] == 0 || len(m.data) > fromChild[m.kind] {
				continue
			}
			if w.take(m) != nil {
				break
			}
		}
		cancel(nil)
		<-over
	})
}

// hollow is a worker as the server sees it, with nobody at the other end.
func hollow(t testing.TB, command []string) (w *process, peer *os.File, done func()) {
	ours, theirs, err := socketpair()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.FileConn(ours)
	if err != nil {
		t.Fatal(err)
	}
	ours.Close()
	file, err := pageFile()
	if err != nil {
		t.Fatal(err)
	}
	shared, err := openPage(file)
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	cfg := Config{Command: command, Bundle: func(context.Context, function.ID) (function.Bundle, error) {
		return function.Bundle{}, errors.New("none")
	}}.withDefaults()
	p := &Pool{cfg: cfg, log: cfg.Logger, trials: newTrials(cfg), seats: map[place]*seat{}, workers: map[*process]bool{}}
	p.closing, p.stop = context.WithCancelCause(context.Background())
	if p.metrics, err = newMetrics(nil, p); err != nil {
		t.Fatal(err)
	}
	s := &spawned{conn: conn.(*net.UnixConn), page: shared}
	out, err := newOutbox(s.conn)
	if err != nil {
		t.Fatal(err)
	}
	w = &process{
		spawned: s, pool: p, out: out, log: cfg.Logger, stage: serving, greeted: true,
		loads: map[function.ID]*load{}, indexes: map[uint32]function.ID{}, asked: map[uint32]chan<- frame{}, calls: map[uint32]*callee{},
	}
	return w, theirs, func() {
		p.stop(nil)
		p.wg.Wait()
		conn.Close()
		theirs.Close()
		out.close()
		_ = shared.close()
	}
}
