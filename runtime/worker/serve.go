package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"hadron/runtime/engine"
	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// Exit codes of a worker.
const (
	exitDone   = 0
	exitFailed = 1 // it could not work, or its parent spoke another language
	exitUsage  = 2
)

// orders is what a worker is from now on; see kindAdopt.
type orders struct {
	Team         string        `json:"team"` // empty: a compile worker
	ExternalURL  string        `json:"external_url,omitempty"`
	Own          []string      `json:"own,omitempty"` // addresses
	PrivateAllow []string      `json:"private_allow,omitempty"`
	Memory       int64         `json:"memory"` // budget in bytes
	MaxCall      time.Duration `json:"max_call"`
}

// maxStack bounds a goroutine's stack: recursion in native code ends the worker
// before it has taken a gigabyte.
const maxStack = 128 << 20

// Main is the child's side: it serves until its parent's end of the socket closes,
// and returns the process's exit code. build is the program's version; stderr takes
// why it cannot work, and after a fatal error the reason.
func Main(build string, stderr io.Writer) int {
	// What ends the server also reaches its workers, and they are to go on until it
	// has drained.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	c, err := inherit()
	if err != nil {
		fmt.Fprintln(stderr, "hadron worker is started by hadron serve:", err)
		return exitUsage
	}
	if err := harden(); err != nil {
		fmt.Fprintln(stderr, "worker:", err)
		return exitFailed
	}
	debug.SetMaxStack(maxStack)
	debug.SetTraceback("single")
	c.log = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	c.out.send(kindHello, 0, appendUint(appendText(nil, build), wire))
	if err := c.listen(); !errors.Is(err, io.EOF) {
		fmt.Fprintln(stderr, "worker:", err)
		return exitFailed
	}
	_ = c.conn.Close() // the parent need not wait for the rest
	return exitDone
}

// inherit takes over what the parent left open.
func inherit() (*child, error) {
	syscall.CloseOnExec(socketFD)
	syscall.CloseOnExec(statusFD)
	socket, status := os.NewFile(socketFD, "socket"), os.NewFile(statusFD, "status")
	if socket == nil || status == nil {
		return nil, errors.New("it has no socket")
	}
	conn, err := net.FileConn(socket)
	if err != nil {
		return nil, errors.New("it has no socket")
	}
	socket.Close() // conn is a copy
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.New("its socket is of another kind")
	}
	shared, err := openPage(status)
	if err != nil {
		return nil, err
	}
	status.Close() // the mapping stays
	out, err := newOutbox(unix)
	if err != nil {
		return nil, err
	}
	c := &child{conn: unix, out: out, page: shared, versions: map[uint32]*version{}, byID: map[function.ID]*version{}, calls: map[uint32]*caller{}}
	c.over, c.end = context.WithCancelCause(context.Background())
	return c, nil
}

// child is a worker from within.
type child struct {
	conn   *net.UnixConn
	out    *outbox
	page   *page
	log    *slog.Logger
	team   string
	engine *engine.Engine
	gauges *gatherer
	hands  hands
	over   context.Context // ends with the worker
	end    context.CancelCauseFunc

	streams [maxStreams]*exchange // of the reader, and of nobody else

	mu       sync.RWMutex
	versions map[uint32]*version
	byID     map[function.ID]*version
	calls    map[uint32]*caller
	numbered uint32 // calls
	dropped  int    // log lines that were not sent
}

// version is one that the parent has loaded here.
type version struct {
	index   uint32
	id      function.ID
	limits  function.Limits
	secrets atomic.Pointer[engine.Secrets]
	mu      sync.Mutex
	bundle  *function.Bundle // until the engine has taken it
	came    chan struct{}    // closed when it is there, or refused
	failed  error
}

// listen does what the parent says, until it says no more: then the error is io.EOF.
func (c *child) listen() error {
	d := newDecoder(c.conn, &fromParent)
	for {
		f, err := d.next()
		if err != nil {
			return err
		}
		if err := c.take(f); err != nil {
			return err
		}
	}
}

var errOrder = fmt.Errorf("%w: the parent spoke out of turn", errFrame)

func (c *child) take(f frame) error {
	if f.kind == kindAdopt {
		return c.adopt(f.data)
	}
	if c.engine == nil {
		return errOrder
	}
	switch f.kind { //nolint:exhaustive // the decoder takes no kind that only children send
	case kindReq:
		return c.request(f)
	case kindBody, kindEOF, kindWindow, kindCancel, kindHead, kindEnd:
		if f.stream&callBit != 0 {
			c.takeCall(f)
			return nil
		}
		if x := c.streams[slotOf(f.stream)]; x != nil && x.id == f.stream {
			x.take(f)
		}
		return nil
	case kindLoad:
		return c.load(f)
	case kindRefused:
		c.refuseLoad(f)
		return nil
	case kindSecrets:
		return c.takeSecrets(f)
	case kindProcs:
		return c.takeProcs(f.stream)
	case kindDrop:
		c.drop(function.Name(f.data))
		return nil
	case kindPrewarm:
		return c.prewarm(f)
	case kindJob:
		return c.job(f)
	case kindProfile:
		return c.profile(f)
	case kindDrain:
		go c.drain()
		return nil
	}
	return errOrder
}

// adopt makes a blank worker one of a team, or one that compiles.
func (c *child) adopt(data []byte) error {
	var o orders
	if err := json.Unmarshal(data, &o); err != nil || c.engine != nil {
		return errOrder
	}
	own := make([]net.Addr, 0, len(o.Own))
	for _, address := range o.Own {
		if a, err := net.ResolveTCPAddr("tcp", address); err == nil {
			own = append(own, a)
		}
	}
	c.team = o.Team
	spares := 0
	if c.team == "" {
		runtime.GOMAXPROCS(1) // nobody waits for it as for a call
		spares = -1
	}
	c.gauges = newGatherer()
	cfg := engine.Config{
		Bundle: c.bundle, Secrets: c.secretsOf, Log: c.logRecord, ExternalURL: o.ExternalURL, PrivateAllow: o.PrivateAllow,
		Own: func() []net.Addr { return own }, Call: c.call, Logger: c.log, Registerer: c.gauges,
		Measure: c.measure, MemoryBudget: o.Memory, MaxCall: o.MaxCall, Eval: true, Spares: spares,
	}
	if err := limitMemory(uint64(o.Memory)); err != nil {
		return err
	}
	e, err := engine.New(cfg)
	if err != nil {
		return fmt.Errorf("make engine: %w", err)
	}
	c.engine = e
	go c.report()
	return nil
}

// limitMemory bounds the process from now on. The engine's watchdog keeps within the
// budget what it can; this is for what it cannot, and leaves room for what the
// collector needs beside the heap.
func limitMemory(budget uint64) error {
	debug.SetGCPercent(200) // the watchdog has it work harder near the budget
	return limitData(budget + budget/4)
}

// drain ends what runs, in the time that a server takes to end, and exits.
func (c *child) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := c.engine.Close(ctx); err != nil {
		c.log.Warn("worker did not drain", "error", err)
	}
	c.sendStats()
	for ctx.Err() == nil && !c.out.idle() {
		<-time.After(time.Millisecond)
	}
	_ = c.conn.CloseRead() // listen ends
}

// report tells the parent once a second how the worker is.
func (c *child) report() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		c.sendStats()
		select {
		case <-tick.C:
		case <-c.over.Done():
			return
		}
	}
}

// load takes LOAD: a version under an index that REQ will name.
func (c *child) load(f frame) error {
	bundle, secrets, err := readLoad(f.data)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.versions[f.stream]
	if v == nil {
		v = &version{index: f.stream, id: bundle.ID, limits: bundle.Manifest.Limits.WithDefaults(), came: make(chan struct{})}
		c.versions[f.stream] = v
		c.byID[v.id] = v
	}
	c.keep(v, secrets)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.bundle, v.failed = &bundle, nil
	closeOnce(v.came)
	return nil
}

func closeOnce(ch chan struct{}) {
	select {
	case <-ch:
	default:
		close(ch)
	}
}

// refuseLoad takes note that a version asked for again cannot be had.
func (c *child) refuseLoad(f frame) {
	if v := c.version(f.stream); v != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.failed = errors.New(string(f.data))
		closeOnce(v.came)
	}
}

func (c *child) version(index uint32) *version {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.versions[index]
}

func (c *child) versionOf(id function.ID) *version {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byID[id]
}

// bundle hands a version's bundle to the engine, which keeps what it makes of it:
// here it is let go, and asked for again when the engine has forgotten.
func (c *child) bundle(ctx context.Context, id function.ID) (function.Bundle, error) {
	v := c.versionOf(id)
	if v == nil {
		return function.Bundle{}, errors.New("the version is not loaded here")
	}
	for asked := false; ; {
		v.mu.Lock()
		b, came, failed := v.bundle, v.came, v.failed
		v.bundle, v.failed = nil, nil
		if b == nil && failed == nil && !asked {
			asked = true
			v.came = make(chan struct{})
			came = v.came
			c.out.send(kindNeed, v.index, nil)
		}
		v.mu.Unlock()
		switch {
		case b != nil:
			return *b, nil
		case failed != nil:
			return function.Bundle{}, failed
		}
		select {
		case <-came:
		case <-ctx.Done():
			return function.Bundle{}, context.Cause(ctx)
		}
	}
}

func (c *child) drop(name function.Name) {
	c.mu.Lock()
	for index, v := range c.versions {
		if v.id.Name == name {
			delete(c.versions, index)
			delete(c.byID, v.id)
		}
	}
	c.mu.Unlock()
	c.engine.Drop(name)
}

func (c *child) prewarm(f frame) error {
	cur := cursor{s: string(f.data)}
	v, number := c.version(uint32(cur.uint())), f.stream
	if err := cur.end(); err != nil {
		return err
	}
	if v == nil {
		c.out.send(kindRefused, number, []byte("the version is not loaded here"))
		return nil
	}
	go func() {
		if err := c.engine.Prewarm(c.over, v.id); err != nil {
			c.out.send(kindRefused, number, []byte(clip(err.Error(), invocation.MaxMessage)))
			return
		}
		c.out.send(kindReady, number, nil)
	}()
	return nil
}

// maxUnsent is what may wait for the parent before log lines are dropped.
const maxUnsent = 4 << 20

// logRecord sends a console line. It is with the kernel when the function goes on,
// so it is read whatever becomes of this process.
func (c *child) logRecord(r invocation.Record) {
	id := function.ID{Name: r.Function, Version: r.Version}
	v := c.versionOf(id)
	if v == nil { // its baseline may be all there is here
		id.Baseline = true
		if v = c.versionOf(id); v == nil {
			return
		}
	}
	b := c.out.begin()
	if len(b) > maxUnsent {
		c.out.commit(b)
		c.mu.Lock()
		c.dropped++
		c.mu.Unlock()
		return
	}
	at := len(b)
	b = open(b, kindLog, v.index)
	b = appendUint(b, uint64(max(0, r.Time.UnixNano())))
	b = appendText(b, string(r.Level))
	b = appendText(b, r.Message)
	b = appendText(b, r.Request)
	b = appendText(b, r.Trace)
	b = appendText(b, string(r.Fields))
	c.out.commit(shut(b, at))
}
