// Package forward sends what Hadron keeps on to another system over HTTP: a bounded
// queue, batches, a deadline for each request, and waits between tries that grow and
// heed Retry-After. What does not fit, or is not taken, is dropped and counted: a slow
// receiver never holds up who gives.
package forward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Reason is why items were dropped; the label reason.
type Reason string

// The reasons.
const (
	Full        Reason = "queue"       // the queue was full
	Rejected    Reason = "rejected"    // the receiver refused them for good
	Unreachable Reason = "unreachable" // it took nothing for as long as a batch is tried
	Shutdown    Reason = "shutdown"    // the server ended first
)

// Reasons are all of them.
var Reasons = []Reason{Full, Rejected, Unreachable, Shutdown}

// Config is what a Queue needs. Name, Endpoint, Encode and Size are required.
type Config[T any] struct {
	Name     string // of the receiver, in log lines
	Endpoint Endpoint
	// Encode makes one request's body of a batch, and names its media type.
	Encode func(batch []T) (body []byte, mediaType string, err error)
	// Size is about how many bytes an item takes, here and in a request.
	Size func(item T) int
	// Judge reads how many of n items the receiver refused, and why, from an answer of
	// status 200 to 299 or 400. Nil: none, or all.
	Judge func(n, status int, body []byte) (rejected int, why string)
	// RetryErrors tries again after any status of 500 and more; else after 502, 503 and
	// 504 only, as OTLP asks.
	RetryErrors bool

	MaxItems   int           // waiting; default 20,000
	MaxBytes   int           // waiting; default 16 MiB
	BatchItems int           // of one request; default 1,000
	BatchBytes int           // of one request; default 1 MiB
	Linger     time.Duration // an item waits for others; default 1 s
	Timeout    time.Duration // of one request; default 10 s
	GiveUp     time.Duration // a batch is tried for this long; default 5 min
	MinWait    time.Duration // before the second try; doubles; default 500 ms
	MaxWait    time.Duration // between tries; default 30 s
	SayEvery   time.Duration // between log lines about what is dropped; default 1 min

	Sent    func(n int)
	Dropped func(why Reason, n int)
	Logger  *slog.Logger
}

// MaxRetryAfter is the longest that a receiver can ask to be left alone for.
const MaxRetryAfter = 5 * time.Minute

func (c Config[T]) withDefaults() Config[T] {
	or(&c.MaxItems, 20_000)
	or(&c.MaxBytes, 16<<20)
	or(&c.BatchItems, 1_000)
	or(&c.BatchBytes, 1<<20)
	or(&c.Linger, time.Second)
	or(&c.Timeout, 10*time.Second)
	or(&c.GiveUp, 5*time.Minute)
	or(&c.MinWait, 500*time.Millisecond)
	or(&c.MaxWait, 30*time.Second)
	or(&c.SayEvery, time.Minute)
	if c.Judge == nil {
		c.Judge = func(n, status int, _ []byte) (int, string) {
			if status == http.StatusBadRequest {
				return n, ""
			}
			return 0, ""
		}
	}
	if c.Sent == nil {
		c.Sent = func(int) {}
	}
	if c.Dropped == nil {
		c.Dropped = func(Reason, int) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func or[V comparable](at *V, standard V) {
	var zero V
	if *at == zero {
		*at = standard
	}
}

// Queue is what waits to be sent. Put may be called from any goroutine.
type Queue[T any] struct {
	cfg    Config[T]
	client *http.Client
	wake   chan struct{}
	stop   chan struct{}
	done   chan struct{}
	cancel context.CancelFunc

	mu      sync.Mutex
	items   []T
	bytes   int
	stopped bool

	notBefore time.Time // of the loop: what Retry-After asked for
	grumble   grumble
}

// New makes a queue that sends nothing before Start.
func New[T any](cfg Config[T]) (*Queue[T], error) {
	if err := cfg.Endpoint.Validate(); err != nil {
		return nil, fmt.Errorf("forward to %s: %w", cfg.Name, err)
	}
	if cfg.Encode == nil || cfg.Size == nil {
		return nil, fmt.Errorf("forward to %s: Encode and Size are needed", cfg.Name)
	}
	cfg = cfg.withDefaults()
	return &Queue[T]{
		cfg: cfg, client: newClient(cfg.Timeout), wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		grumble: grumble{log: cfg.Logger.With("receiver", cfg.Name), every: cfg.SayEvery, counts: map[Reason]int{}},
	}, nil
}

// Start begins to send, until Stop.
func (q *Queue[T]) Start(ctx context.Context) {
	ctx, q.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go q.run(ctx)
}

// Stop takes no more, tries once more to send what waits, until ctx ends, and drops
// and counts the rest.
func (q *Queue[T]) Stop(ctx context.Context) error {
	q.mu.Lock()
	if !q.stopped {
		q.stopped = true
		close(q.stop)
	}
	q.mu.Unlock()
	defer q.client.CloseIdleConnections()
	select {
	case <-q.done:
	case <-ctx.Done():
		q.cancel()
		<-q.done
	}
	q.cancel()
	return nil
}

// Put queues an item. It never waits: false means that it was dropped, and counted.
func (q *Queue[T]) Put(item T) bool {
	size := q.cfg.Size(item)
	q.mu.Lock()
	if q.stopped || len(q.items) >= q.cfg.MaxItems || q.bytes+size > q.cfg.MaxBytes {
		why := Full
		if q.stopped {
			why = Shutdown
		}
		q.mu.Unlock()
		q.drop(why, 1, "")
		return false
	}
	q.items = append(q.items, item)
	q.bytes += size
	first, due := len(q.items) == 1, q.due()
	q.mu.Unlock()
	if first || due {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// Waiting is how many items are queued.
func (q *Queue[T]) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}

// due reports whether a whole batch waits. The caller holds mu.
func (q *Queue[T]) due() bool { return len(q.items) >= q.cfg.BatchItems || q.bytes >= q.cfg.BatchBytes }

func (q *Queue[T]) run(ctx context.Context) {
	defer close(q.done)
	for {
		batch := q.next()
		if len(batch) == 0 {
			q.grumble.settle()
			return
		}
		q.deliver(ctx, batch)
	}
}

// next waits for a batch: a whole one, or what came since the first item of it came.
// It is empty when the queue has stopped.
func (q *Queue[T]) next() []T {
	var linger *time.Timer
	var over <-chan time.Time
	for late := false; ; {
		q.mu.Lock()
		switch {
		case len(q.items) > 0 && (late || q.stopped || q.due()), q.stopped:
			batch := q.take()
			q.mu.Unlock()
			if linger != nil {
				linger.Stop()
			}
			return batch
		case len(q.items) > 0 && linger == nil:
			linger = time.NewTimer(q.cfg.Linger)
			over = linger.C
		}
		q.mu.Unlock()
		select {
		case <-q.wake:
		case <-over:
			late = true
		case <-q.stop:
		}
	}
}

// take cuts a batch off the queue. The caller holds mu.
func (q *Queue[T]) take() []T {
	n, bytes := 0, 0
	for n < len(q.items) && n < q.cfg.BatchItems {
		size := q.cfg.Size(q.items[n])
		if n > 0 && bytes+size > q.cfg.BatchBytes {
			break
		}
		bytes += size
		n++
	}
	batch := append([]T(nil), q.items[:n]...)
	rest := copy(q.items, q.items[n:])
	clear(q.items[rest:])
	q.items = q.items[:rest]
	q.bytes -= bytes
	return batch
}

// deliver sends a batch until it is taken, refused for good, or too old.
func (q *Queue[T]) deliver(ctx context.Context, batch []T) {
	body, mediaType, err := q.cfg.Encode(batch)
	if err != nil {
		q.drop(Rejected, len(batch), "it cannot be encoded: "+err.Error())
		return
	}
	began, pause := time.Now(), q.cfg.MinWait
	for {
		last := q.hold(ctx)
		if ctx.Err() != nil {
			q.drop(Shutdown, len(batch), "")
			return
		}
		a := q.post(ctx, body, mediaType, len(batch))
		switch {
		case a.taken:
			q.cfg.Sent(len(batch) - a.rejected)
			if a.rejected > 0 {
				q.drop(Rejected, a.rejected, a.why)
			}
			q.grumble.remind()
			return
		case a.tooLarge && len(batch) > 1:
			q.deliver(ctx, batch[:len(batch)/2])
			q.deliver(ctx, batch[len(batch)/2:])
			return
		case !a.again:
			q.drop(Rejected, len(batch), a.why)
			return
		}
		wait := max(a.after, pause/2+rand.N(pause/2+1))
		pause = min(2*pause, q.cfg.MaxWait)
		q.notBefore = time.Now().Add(wait)
		switch {
		case last:
			q.drop(Shutdown, len(batch), a.why)
			return
		case time.Since(began) > q.cfg.GiveUp:
			q.drop(Unreachable, len(batch), a.why)
			return
		}
		q.grumble.say("records wait for their receiver", 0, "", a.why)
	}
}

// hold waits until the receiver may be asked again; it reports that the queue has
// stopped, so that the next try is the last.
func (q *Queue[T]) hold(ctx context.Context) (last bool) {
	select {
	case <-q.stop:
		return true
	default:
	}
	wait := time.Until(q.notBefore)
	if wait <= 0 {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false
	case <-q.stop:
		return true
	case <-ctx.Done():
		return true
	}
}

func (q *Queue[T]) drop(why Reason, n int, detail string) {
	q.cfg.Dropped(why, n)
	q.grumble.say("records were dropped on the way to their receiver", n, why, detail)
}

// grumble says that something is wrong, at most once in a while, with all that was
// dropped since it last did.
type grumble struct {
	log   *slog.Logger
	every time.Duration

	mu     sync.Mutex
	said   time.Time
	counts map[Reason]int
	detail string
}

func (g *grumble) say(message string, n int, why Reason, detail string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n > 0 {
		g.counts[why] += n
	}
	if detail != "" {
		g.detail = detail
	}
	if now := time.Now(); now.Sub(g.said) >= g.every {
		g.said = now
		g.write(message)
	}
}

// remind says what was not said yet, when it is time.
func (g *grumble) remind() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); len(g.counts) > 0 && now.Sub(g.said) >= g.every {
		g.said = now
		g.write("records were dropped on the way to their receiver")
	}
}

// settle says what was not said yet.
func (g *grumble) settle() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.counts) > 0 {
		g.write("records were dropped on the way to their receiver")
	}
}

func (g *grumble) write(message string) {
	attrs := []any{}
	for _, why := range Reasons {
		if n := g.counts[why]; n > 0 {
			attrs = append(attrs, slog.Int("dropped_"+string(why), n))
		}
	}
	if g.detail != "" {
		attrs = append(attrs, slog.String("detail", g.detail))
	}
	g.log.Warn(message, attrs...) //nolint:sloglint // one of two constants of this file
	clear(g.counts)
	g.detail = ""
}

var errTooLong = errors.New("it holds more than 64 KiB")
