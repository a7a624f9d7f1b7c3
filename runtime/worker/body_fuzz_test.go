package worker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"testing"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// script is what a fuzzer decides: one byte after another, then zeros.
type script struct {
	mu sync.Mutex
	b  []byte
}

func (s *script) next() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.b) == 0 {
		return 0
	}
	n := int(s.b[0])
	s.b = s.b[1:]
	return n
}

// size is a length of which small and large ones are equally likely.
func (s *script) size() int { n := s.next(); return (n & 31) << (n >> 5 << 1) }

// numbered is a body in which every byte says where it stands.
func numbered(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

var errTorn = errors.New("torn")

// source is a request's body that comes in pieces and may break off.
type source struct {
	left    []byte
	sizes   *script
	end     error
	arrived bool
}

func (s *source) Arrived() bool { return s.arrived }

func (s *source) Read(p []byte) (int, error) {
	if len(s.left) == 0 {
		return 0, s.end
	}
	n := copy(p, s.left[:min(len(s.left), s.sizes.size()+1)])
	s.left = s.left[n:]
	if len(s.left) == 0 && s.sizes.next()&1 == 0 {
		return n, s.end // with the last bytes, as some readers do
	}
	return n, nil
}

// taker is the client of a response.
type taker struct {
	status   int
	streamed bool
	got      []byte
	most     int // bytes after which it leaves; below 0: it stays
}

func (w *taker) Head(status int, _ http.Header, streamed bool) error {
	w.status, w.streamed = status, streamed
	return nil
}

func (w *taker) Write(p []byte) error {
	w.got = append(w.got, p...)
	if w.most >= 0 && len(w.got) > w.most {
		return errTorn
	}
	return nil
}

func (w *taker) Settled(invocation.Background) {}

// pair is a parent and a child on two ends of a socket, without a process and
// without an engine.
type pair struct {
	w     *process
	c     *child
	close func()
}

func newPair(t testing.TB, id function.ID) *pair {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]*net.UnixConn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "end")
		conn, err := net.FileConn(f)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		ends[i] = conn.(*net.UnixConn)
	}
	w, _, done := hollow(t, []string{"nothing"})
	parentOut, err := newOutbox(ends[0])
	if err != nil {
		t.Fatal(err)
	}
	childOut, err := newOutbox(ends[1])
	if err != nil {
		t.Fatal(err)
	}
	before := w.out
	w.out = parentOut
	w.loads[id] = &load{index: 1, sent: true}
	c := &child{conn: ends[1], out: childOut, page: w.page}
	return &pair{w, c, func() {
		ends[0].Close()
		ends[1].Close()
		parentOut.close()
		childOut.close()
		w.out = before
		done()
	}}
}

// run lets both sides read until their ends are closed. handler stands where the
// engine does.
func (p *pair) run(wg *sync.WaitGroup, handler func(x *exchange)) (broken chan error) {
	broken = make(chan error, 2)
	wg.Go(func() {
		d := newDecoder(p.w.out.conn, &fromChild)
		for {
			f, err := d.next()
			if err == nil {
				err = p.w.take(f)
			}
			if err != nil {
				broken <- err
				return
			}
		}
	})
	wg.Go(func() {
		d := newDecoder(p.c.conn, &fromParent)
		for {
			f, err := d.next()
			if err != nil {
				broken <- err
				for _, x := range p.c.streams {
					if x != nil {
						x.take(frame{kind: kindCancel})
					}
				}
				return
			}
			if f.kind != kindReq {
				if x := p.c.streams[slotOf(f.stream)]; x != nil && x.id == f.stream {
					x.take(f)
				}
				continue
			}
			x := &exchange{c: p.c, id: f.stream}
			x.out.open(responseWindow)
			x.ctx, x.cancel = context.WithCancelCause(context.Background())
			if f.data[0]&flagBody != 0 {
				x.body = newInflow(requestWindow, f.data[0]&flagStreamed != 0, x.grant)
			}
			p.c.streams[slotOf(x.id)] = x
			wg.Go(func() { handler(x) })
		}
	})
	return broken
}

// FuzzBodies sends a body each way at once, in pieces of any size, under credit, by
// readers that stop early and sources that break off: what arrives is what was sent,
// in order, as far as it was read, and its end is told as it was.
func FuzzBodies(f *testing.F) {
	f.Add([]byte{}, uint32(0), uint32(0))
	f.Add([]byte{3, 0, 0, 0, 0, 0}, uint32(5), uint32(7))
	f.Add([]byte{1, 1, 1, 9, 200, 31, 255, 77, 3}, uint32(70_000), uint32(300_000))
	f.Add([]byte{14, 0, 255, 130, 255, 140, 255, 150}, uint32(200_000), uint32(600_000))
	f.Add([]byte{31, 7, 100, 130, 160}, uint32(1000), uint32(50_000))
	for _, up := range []uint32{0, 1, 30_000, requestWindow, requestWindow + 1} { // arrived, and its length is known
		f.Add([]byte{12, 255, 255, 255, 255}, up, uint32(100))
	}
	f.Add([]byte{33, 255, 130}, uint32(100), uint32(600_000)) // the client leaves a stream
	f.Fuzz(func(t *testing.T, decisions []byte, up, down uint32) {
		const most = 1 << 20
		up, down = up%most, down%most
		say := &script{b: decisions}
		mode, id := say.next(), function.ID{Name: "a/b/c", Version: 1}
		var (
			streamed  = mode&1 != 0 // the response is
			breaks    = mode&2 != 0 // the request's body does
			declared  = mode&4 != 0 // its length is known, so that small ones are sent along
			arrived   = mode&8 != 0
			readsPart = mode&16 != 0 // the function does not read it all
			leaves    = mode&32 != 0 // the client does, before the response's end
		)
		request, response := numbered(int(up)), numbered(int(down))
		src := &source{left: bytes.Clone(request), sizes: say, end: io.EOF, arrived: arrived}
		if breaks {
			src.end = errTorn
		}
		p := newPair(t, id)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer p.close()

		var got []byte
		var ended error
		broken := p.run(&wg, func(x *exchange) {
			defer context.AfterFunc(x.ctx, x.body.close)() // as an engine does
			var both sync.WaitGroup
			both.Go(func() {
				for ended == nil && (!readsPart || len(got) < len(request)/2) {
					buf := make([]byte, say.size()+1)
					var n int
					n, ended = x.body.Read(buf)
					got = append(got, buf[:n]...)
				}
			})
			if x.Head(200, http.Header{"A": {"b"}}, streamed) == nil {
				for left := response; len(left) > 0; {
					n := min(len(left), say.size()+1)
					if x.Write(left[:n]) != nil {
						break
					}
					left = left[n:]
				}
			}
			both.Wait()
			x.finish(invocation.Outcome{Code: invocation.OK, Status: 200, Streamed: streamed})
		})

		req := &invocation.Request{Version: id, Method: "POST", URL: "http://x/", Header: http.Header{}, Body: src}
		if declared {
			req.Header.Set("Content-Length", "1000")
		}
		s, err := p.w.begin(req, src)
		if err != nil {
			t.Fatal(err)
		}
		sink := &taker{most: -1}
		if leaves {
			sink.most = len(response) / 2
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		out, lost := s.follow(ctx, req, sink)
		if lost != nil {
			t.Fatalf("%+v", lost)
		}
		select {
		case err := <-broken:
			t.Fatalf("a side gave up: %v", err)
		default:
		}

		if !bytes.HasPrefix(response, sink.got) {
			t.Error("the client got other bytes than the function wrote")
		}
		left := leaves && len(sink.got) > sink.most
		switch {
		case left && out.Code != invocation.ClientClosed:
			t.Errorf("the client left, and the call ended with %s", out.Code)
		case !left && (out.Code != invocation.OK || len(sink.got) != len(response) || sink.status != 200 || sink.streamed != streamed):
			t.Errorf("%+v after %d of %d bytes", out, len(sink.got), len(response))
		}
		if left {
			return // the function may read still
		}
		if !bytes.HasPrefix(request, got) {
			t.Error("the function got other bytes than the client sent")
		}
		switch tooLong := declared && arrived && len(request) > requestWindow; {
		case ended == nil:
			if !readsPart {
				t.Error("the function did not see an end")
			}
		case tooLong: // its length was a lie: it breaks off
			if errors.Is(ended, io.EOF) {
				t.Error("a body that was longer than it said came whole")
			}
		case errors.Is(ended, io.EOF) == breaks:
			t.Errorf("the function saw the end %v", ended)
		case len(got) != len(request):
			t.Errorf("the function saw the end after %d of %d bytes", len(got), len(request))
		}
	})
}
