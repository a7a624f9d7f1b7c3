package worker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"hadron/runtime/invocation"
)

// Credit of one stream: so many bytes may be on their way without having been taken.
const (
	responseWindow = 256 << 10 // of a response's body
	requestWindow  = 64 << 10  // of a request's body
	wakeAt         = 32 << 10  // of a response that comes whole: what is handed over before its end
)

var errOverrun = fmt.Errorf("%w: more bytes than there was credit for", errFrame)

// stream is one invocation in a worker, as the parent sees it. The reader of the
// worker delivers, the goroutine of Invoke takes; what the reader need not know of
// a message, such as what a header says, it leaves unread.
type stream struct {
	w      *process
	id     uint32
	caller *invocation.Request // what Invoke was given; its body and header are nobody's after it
	body   *upload             // the request's body; nil: none

	mu      sync.Mutex
	box     *inbox // nil: Invoke has returned, and nobody takes what comes
	credit  int    // what the child may still send of the body
	urgent  bool   // the body is streamed: each part is wanted at once
	ended   bool   // END came: Invoke's outcome is known
	waits   bool   // DONE is to come
	stuck   bool   // FREED is to come
	overdue time.Time
	settled func(invocation.Background) // where DONE is reported; nil: nobody asked yet
	late    *invocation.Background      // DONE, while nobody has asked
	lost    *loss
}

// loss is how a stream ended with its worker.
type loss struct {
	code    invocation.Code
	message string
	started bool // its code ran
}

func (l *loss) background(request string) invocation.Background {
	return invocation.Background{Code: l.code, Failure: &invocation.Failure{Message: l.message}, RequestID: request}
}

// inbox is where the reader leaves messages for Invoke.
type inbox struct {
	ready chan struct{}
	in    []byte // messages not taken yet: kind, length, content
	taken []byte // those that Invoke looks through
}

var inboxes = sync.Pool{New: func() any { return &inbox{ready: make(chan struct{}, 1)} }}

func newInbox() *inbox { return inboxes.Get().(*inbox) }

func (b *inbox) wake() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// recycle gives back an inbox that nobody else holds any more.
func (b *inbox) recycle() {
	select {
	case <-b.ready:
	default:
	}
	if cap(b.in) > keepBuffer || cap(b.taken) > keepBuffer {
		b.in, b.taken = nil, nil
	}
	b.in, b.taken = b.in[:0], b.taken[:0]
	inboxes.Put(b)
}

// deliver takes a message of the child's. It says whether the stream is finished,
// so that its slot is free again.
func (s *stream) deliver(f frame) (finished bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch f.kind { //nolint:exhaustive // the reader hands on those of a stream only
	case kindDone:
		return s.done(f)
	case kindFreed:
		if !s.stuck {
			return false, fmt.Errorf("%w: FREED of a stream that is not stuck", errFrame)
		}
		s.stuck, s.overdue = false, time.Time{}
		return s.finished(), nil
	case kindWindow:
		c := cursor{s: string(f.data)}
		n := c.small()
		if s.body != nil && s.box != nil {
			s.body.grant(n)
		}
		return false, c.end()
	}
	if s.ended {
		return false, fmt.Errorf("%w: kind %d after END", errFrame, f.kind)
	}
	switch f.kind {
	case kindHead:
		s.urgent = len(f.data) > 0 && f.data[0]&flagStreamed != 0
	case kindBody:
		if s.credit -= len(f.data); s.credit < 0 {
			return false, errOverrun
		}
	case kindEnd:
		if len(f.data) == 0 {
			return false, fmt.Errorf("%w: an empty END", errFrame)
		}
		s.ended, s.waits, s.stuck = true, f.data[0]&flagBackground != 0, f.data[0]&flagStuck != 0
		s.owes(s.stuck)
	default:
		return false, fmt.Errorf("%w: kind %d on a stream", errFrame, f.kind)
	}
	if b := s.box; b != nil {
		b.in = append(b.in, byte(f.kind))
		b.in = binary.LittleEndian.AppendUint32(b.in, uint32(len(f.data)))
		b.in = append(b.in, f.data...)
		if s.ended || s.urgent || len(b.in) > wakeAt {
			b.wake()
		}
	}
	return s.finished(), nil
}

// owes begins or ends the time in which the child must come to an end.
func (s *stream) owes(is bool) {
	switch {
	case !is:
		s.overdue = time.Time{}
	case s.overdue.IsZero():
		s.overdue = time.Now()
	}
}

// done takes the end of what waitUntil held.
func (s *stream) done(f frame) (bool, error) {
	if !s.ended || !s.waits {
		return false, fmt.Errorf("%w: DONE of a stream that holds nothing", errFrame)
	}
	c := cursor{s: string(f.data)}
	out, stuck := c.outcome()
	if err := c.end(); err != nil {
		return false, err
	}
	s.waits, s.stuck = false, s.stuck || stuck
	s.owes(s.stuck)
	b := invocation.Background{CPU: out.CPU, Hits: out.Hits, Code: out.Code, Failure: out.Failure, RequestID: s.caller.ID}
	if report := s.settled; report != nil {
		s.settled = nil
		s.w.pool.wg.Go(func() { report(b) })
	} else {
		s.late = &b
	}
	return s.finished(), nil
}

// finished reports whether nothing more can come.
func (s *stream) finished() bool { return s.ended && !s.waits && !s.stuck }

// lose ends the stream with its worker.
func (s *stream) lose(l *loss) {
	if s.body != nil {
		s.body.stop()
	}
	s.mu.Lock()
	s.lost = l
	report := s.settled
	s.settled = nil
	if s.box != nil {
		s.box.wake()
	}
	s.mu.Unlock()
	if report != nil {
		report(l.background(s.caller.ID))
	}
}

// leave says that Invoke takes no more, and where to report the end of what
// waitUntil holds, if the outcome said that it holds anything.
func (s *stream) leave(settled func(invocation.Background)) {
	if s.body != nil {
		s.body.stop()
	}
	s.mu.Lock()
	box := s.box
	s.box = nil
	if !s.ended {
		s.owes(true)
	}
	var b *invocation.Background
	switch {
	case settled == nil:
	case s.late != nil:
		b = s.late
	case s.lost != nil:
		lost := s.lost.background(s.caller.ID)
		b = &lost
	default:
		s.settled = settled
	}
	s.mu.Unlock()
	box.recycle()
	if b != nil {
		settled(*b)
	}
}

// owing is for how long the child has owed an end; 0: it owes none.
func (s *stream) owing(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.overdue.IsZero() {
		return 0
	}
	return max(1, now.Sub(s.overdue))
}

// upload is a request's body on its way to the child. It is read as the function
// asks for it, but for small ones, which are sent along.
type upload struct {
	src    io.Reader
	send   func(k kind, payload []byte) // to the child
	eager  bool
	mu     sync.Mutex
	credit int
	begun  bool
	over   bool
	more   chan struct{}
	kept   []byte // all of it, where it came whole with the request
	whole  bool
	end    error // of a body that was gathered
}

func newUpload(src io.Reader, eager bool, send func(kind, []byte)) *upload {
	u := &upload{src: src, eager: eager, send: send, more: make(chan struct{}, 1)}
	if eager {
		u.credit = requestWindow
	}
	return u
}

// gather reads a small body that has arrived, so that it goes with its request and
// nobody need wait for it.
func (u *upload) gather() bool {
	if a, ok := u.src.(interface{ Arrived() bool }); !ok || !a.Arrived() || !u.eager {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.begun {
		return false // the child asked before it was told
	}
	u.begun = true
	buf := make([]byte, 0, 4<<10)
	for len(buf) <= requestWindow {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, len(buf))
		}
		n, err := u.src.Read(buf[len(buf):cap(buf)])
		if buf = buf[:len(buf)+n]; err != nil && len(buf) <= requestWindow {
			u.kept, u.whole, u.end = buf, errors.Is(err, io.EOF), err
			return true
		}
	}
	u.kept, u.end = buf[:requestWindow], errOverrun // its length said less
	return true
}

// gathered writes what gather has read.
func (u *upload) gathered(b []byte, stream uint32) []byte {
	if len(u.kept) > 0 {
		b = appendFrame(b, kindBody, stream, u.kept)
	}
	return appendFrame(b, kindEOF, stream, brokeOff(u.end))
}

// brokeOff is what EOF says of a body that ended so.
func brokeOff(err error) []byte {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return []byte(clip("the request's body broke off: "+err.Error(), 1<<10))
}

// grant lets so many bytes more go.
func (u *upload) grant(n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over {
		return
	}
	u.credit = min(u.credit+n, requestWindow)
	if !u.begun {
		u.begin()
		return
	}
	u.nudge()
}

func (u *upload) nudge() {
	select {
	case u.more <- struct{}{}:
	default:
	}
}

// begin starts the copying. Its goroutine may outlive the call by one Read of the
// source, which is the source's owner's to end.
func (u *upload) begin() {
	u.begun = true
	go u.copy()
}

func (u *upload) start() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.begun && !u.over {
		u.begin()
	}
}

// stop ends the copying.
func (u *upload) stop() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	u.nudge()
}

// allowed waits for credit.
func (u *upload) allowed() (int, bool) {
	for {
		u.mu.Lock()
		n, over := u.credit, u.over
		u.mu.Unlock()
		if over {
			return 0, false
		}
		if n > 0 {
			return n, true
		}
		<-u.more
	}
}

func (u *upload) spend(p []byte, whole bool) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.credit -= len(p)
	if u.eager && len(u.kept)+len(p) <= requestWindow {
		u.kept = append(u.kept, p...)
		u.whole = whole
	}
	return !u.over
}

func (u *upload) copy() {
	buf := make([]byte, 16<<10)
	for {
		n, ok := u.allowed()
		if !ok {
			return
		}
		n, err := u.src.Read(buf[:min(n, len(buf))])
		ended := errors.Is(err, io.EOF)
		if !u.spend(buf[:n], ended) {
			return
		}
		if n > 0 {
			u.send(kindBody, buf[:n])
		}
		if err != nil {
			u.send(kindEOF, brokeOff(err))
			return
		}
	}
}

// again returns the body for another worker, where none of it is lost.
func (u *upload) again() (io.Reader, bool) {
	if u == nil {
		return nil, true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case !u.begun:
		return u.src, true
	case u.whole:
		return bytes.NewReader(u.kept), true
	}
	return nil, false
}
