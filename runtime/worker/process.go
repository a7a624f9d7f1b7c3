package worker

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// The steps of a worker's life. Each is entered once, in this order; some are left out.
type stage int

const (
	blank   stage = iota // waits for its team, or its job
	serving              // takes calls
	leaving              // takes no new calls, and ends with its last one
	over                 // has ended
)

var (
	errGone      = errors.New("the worker takes no more calls")
	errNotLoaded = errors.New("the version is not loaded")
)

// process is one worker process, as the server sees it.
type process struct {
	*spawned
	pool *Pool
	id   int
	out  *outbox
	log  *slog.Logger
	read chan struct{} // closed when the reader has ended and all is settled

	telling sync.Mutex // held from the reading of a version's secrets until they are written

	heard atomic.Int64 // when the child last said anything, Unix nanoseconds
	stats atomic.Pointer[stats]
	usage usage

	mu       sync.Mutex
	place    place
	budget   int64 // bytes
	stage    stage
	table    []*stream // by slot
	uses     []uint32  // how often each slot was used
	free     []uint32  // slots
	live     int       // streams in the table
	began    uint64    // streams that ever were in it
	idleAt   time.Time // since when live is 0
	loads    map[function.ID]*load
	indexes  map[uint32]function.ID
	last     uint32 // index given out last
	asked    map[uint32]chan<- frame
	question uint32
	calls    map[uint32]*callee
	reason   string // why it was ended from here; empty: it ended itself
	wedged   bool   // it was ended for streams that did not stop
	hello    chan struct{}
	greeted  bool    // of the reader
	verdict  verdict // known once read is closed
}

// newProcess starts a worker and waits until it is there.
func (p *Pool) newProcess() (*process, error) {
	id := int(p.serial.Add(1))
	log := p.log.With("worker", id)
	s, err := p.spawner.start(p.cfg.Command, func(line string) { log.Warn("worker reported", "line", line) })
	if err != nil {
		return nil, err
	}
	out, err := newOutbox(s.conn)
	if err != nil {
		s.kill()
		s.release()
		return nil, fmt.Errorf("open socket: %w", err)
	}
	w := &process{
		spawned: s, pool: p, id: id, out: out, read: make(chan struct{}),
		loads: map[function.ID]*load{}, indexes: map[uint32]function.ID{},
		usage: usage{procs: procs{many: p.fair.many, cheap: p.fair.cheap}},
		asked: map[uint32]chan<- frame{}, calls: map[uint32]*callee{}, hello: make(chan struct{}), idleAt: time.Now(),
	}
	w.log = log.With("pid", s.cmd.Process.Pid)
	w.heard.Store(time.Now().UnixNano())
	p.wg.Go(w.run)
	select {
	case <-w.hello:
		return w, nil
	case <-w.read:
		return nil, errors.New("the worker ended before it was ready: " + firstLine(w.stderr.text()))
	case <-time.After(startTimeout):
		w.end("it did not start in time")
		<-w.read
		return nil, errors.New("the worker did not start in time")
	}
}

// startTimeout bounds the start of a process, on a machine that has much to do.
const startTimeout = 20 * time.Second

// run reads what the child says until it ends, and settles its affairs.
func (w *process) run() {
	defer close(w.read)
	d := newDecoder(w.conn, &fromChild)
	var err error
	for err == nil {
		var f frame
		if f, err = d.next(); err == nil {
			err = w.take(f)
		}
	}
	if errors.Is(err, errFrame) {
		w.violate(err)
	}
	w.settle()
}

// take looks at one message. Its error ends the worker.
func (w *process) take(f frame) error {
	if !w.greeted {
		return w.greet(f)
	}
	switch f.kind { //nolint:exhaustive // the decoder takes no kind that only parents send
	case kindHead, kindBody, kindEnd, kindDone, kindFreed, kindWindow:
		if f.stream&callBit != 0 {
			return w.takeCall(f)
		}
		return w.deliver(f)
	case kindLog:
		return w.takeLog(f)
	case kindStats:
		return w.takeStats(f)
	case kindMeasure:
		return w.takeMeasures(f)
	case kindCall:
		return w.openCall(f)
	case kindEOF, kindCancel:
		return w.takeCall(f)
	case kindNeed:
		return w.takeNeed(f)
	case kindReady, kindRefused, kindBuilt, kindProfiled:
		return w.answer(f)
	}
	return fmt.Errorf("%w: kind %d", errFrame, f.kind)
}

// greet takes HELLO.
func (w *process) greet(f frame) error {
	if f.kind != kindHello {
		return fmt.Errorf("%w: kind %d before HELLO", errFrame, f.kind)
	}
	c := cursor{s: string(f.data)}
	build, version := c.text(), c.small()
	if err := c.end(); err != nil {
		return err
	}
	if build != w.pool.cfg.Build || version != wire {
		return fmt.Errorf("%w: the worker is another program", errFrame)
	}
	w.greeted = true
	close(w.hello)
	return nil
}

// deliver passes a message to its stream.
func (w *process) deliver(f frame) error {
	w.mu.Lock()
	slot := slotOf(f.stream)
	var s *stream
	known := int(slot) < len(w.table)
	if known {
		if s = w.table[slot]; s != nil && s.id != f.stream {
			s = nil
		}
	}
	w.mu.Unlock()
	if s == nil {
		if f.kind == kindWindow && known {
			return nil // it crossed the stream's end
		}
		return fmt.Errorf("%w: kind %d of a stream that is not open", errFrame, f.kind)
	}
	finished, err := s.deliver(f)
	if finished {
		w.mu.Lock()
		w.leave(slot)
		w.mu.Unlock()
	}
	return err
}

// enroll gives a stream its number, and returns the index of its version.
func (w *process) enroll(s *stream) (index uint32, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.loads[s.caller.Version]
	switch {
	case w.stage != serving:
		return 0, errGone
	case l == nil || !l.sent:
		return 0, errNotLoaded
	}
	slot := uint32(len(w.table))
	if n := len(w.free); n > 0 {
		slot = w.free[n-1]
		w.free = w.free[:n-1]
	} else {
		if slot == maxStreams {
			return 0, errBusy
		}
		w.table, w.uses = append(w.table, nil), append(w.uses, 0)
	}
	w.uses[slot]++
	s.id = streamOf(slot, w.uses[slot])
	w.table[slot] = s
	w.began++
	w.letGo(l)
	if w.live++; w.live == 1 {
		w.pool.fair.stir()
	}
	return l.index, nil
}

// leave frees a slot.
func (w *process) leave(slot uint32) {
	w.table[slot] = nil
	w.free = append(w.free, slot)
	if w.live--; w.live > 0 {
		return
	}
	w.idleAt = time.Now()
	if w.stage == leaving {
		w.retired()
	} else if w.pool.starving.Load() > 0 {
		w.pool.nudge()
	}
}

// retire takes no more calls and ends the worker after its last one.
func (w *process) retire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stage >= leaving {
		return
	}
	w.stage = leaving
	if w.live == 0 {
		w.retired()
	}
}

// retired tells an empty worker to exit; one that does not is ended by the watch.
func (w *process) retired() {
	if w.reason == "" {
		w.reason = notNeeded
	}
	w.idleAt = time.Now()
	w.out.send(kindDrain, 0, nil)
}

// end kills the worker, for a reason that its calls are told.
func (w *process) end(reason string) {
	w.mu.Lock()
	if w.stage < leaving {
		w.stage = leaving
	}
	if w.reason == "" {
		w.reason = reason
	}
	w.mu.Unlock()
	w.kill()
}

// violate ends a worker that said what a worker does not say.
func (w *process) violate(err error) {
	w.log.Error("worker broke the protocol", "error", err)
	w.pool.metrics.violations.Inc()
	w.end(brokeProtocol)
}

const notNeeded = "it was not needed"

const brokeProtocol = "it broke the protocol"

// ask sends a question and returns where its answer comes. forget must be called
// once nobody waits for it any more.
func (w *process) ask(k kind, payload []byte) (answer <-chan frame, forget func(), err error) {
	ch := make(chan frame, 1)
	w.mu.Lock()
	if w.stage == over {
		w.mu.Unlock()
		return nil, nil, errGone
	}
	w.question++
	number := w.question
	w.asked[number] = ch
	w.mu.Unlock()
	w.out.send(k, number, payload)
	return ch, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if _, waits := w.asked[number]; waits {
			w.asked[number] = nil // its answer may still come
		}
	}, nil
}

func (w *process) answer(f frame) error {
	w.mu.Lock()
	ch, known := w.asked[f.stream]
	delete(w.asked, f.stream)
	w.mu.Unlock()
	if !known {
		return fmt.Errorf("%w: an answer to no question", errFrame)
	}
	if ch != nil {
		f.data = append([]byte(nil), f.data...)
		ch <- f
	}
	return nil
}

// streams returns what is in the table.
func (w *process) streams() []*stream {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]*stream, 0, w.live)
	for _, s := range w.table {
		if s != nil {
			out = append(out, s)
		}
	}
	return out
}

// codeOf turns the loss of a worker into the code of its calls.
func (v verdict) codeOf(s *stream, started bool) *loss {
	l := &loss{code: invocation.WorkerLost, message: v.message, started: started}
	if started && v.memory && v.sole {
		l.code = invocation.MemoryLimit
	}
	return l
}
