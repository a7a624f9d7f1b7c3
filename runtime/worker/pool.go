package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

var (
	// ErrClosed is what a Pool answers after Close.
	ErrClosed = errors.New("the worker pool is closed")

	errFull     = errors.New("the node runs as many workers as it may, and all are busy")
	errStarting = errors.New("the team's worker could not be started in time")
)

// place is what a worker is for: a team, or one version of it on probation.
type place struct {
	team  string
	alone function.ID
}

// placeOf is where a version runs. It is an error where it does not run.
func (p *Pool) placeOf(id function.ID) (place, error) {
	id = id.Plain() // a baseline is suspected and runs with its version
	alone, q := p.trials.of(id)
	switch {
	case q != nil:
		return place{}, &quarantinedError{*q}
	case alone:
		return place{id.Name.Team(), id}, nil
	}
	return place{team: id.Name.Team()}, nil
}

func (a place) String() string {
	if a.alone.Version != 0 {
		return a.alone.String()
	}
	return a.team
}

// seat is a place and who is in it.
type seat struct {
	worker   *process      // takes new calls; nil: nobody
	starting chan struct{} // closed when the attempt to fill it is over; nil: none is made
	err      error         // of the last attempt
	deaths   int           // one after another
	died     time.Time
	memory   function.Size // limit of the version that runs alone here; 0: of no one
}

// Pool runs functions in workers. It is safe for use by several goroutines.
type Pool struct {
	cfg     Config
	log     *slog.Logger
	trials  *trials
	metrics *metrics
	spawner *spawner
	fair    fairness
	serial  atomic.Int64
	loaders loaders
	builds  chan struct{}
	blanks  chan *process // ready for a team
	hungry  chan struct{} // one slot: somebody waits for a blank one

	mu       sync.RWMutex
	seats    map[place]*seat
	workers  map[*process]bool // adopted by a team and alive
	reserved int               // seats being filled, which count as workers
	starving atomic.Int32      // who waits for a worker to become idle
	freed    chan struct{}     // one slot: something may have become free

	closing context.Context
	stop    context.CancelCauseFunc
	gate    sync.RWMutex // orders calls.Add before Close's Wait
	closed  bool
	calls   sync.WaitGroup // Invoke, Build, Prewarm, Profile
	keepers sync.WaitGroup // of blank workers, and the watch
	wg      sync.WaitGroup // everything else
}

// New makes a Pool and begins to start its blank workers.
func New(cfg Config) (*Pool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	p := &Pool{
		cfg: cfg, log: cfg.Logger.With("component", "workers"), trials: newTrials(cfg),
		loaders: loaders{work: make(chan func())}, builds: make(chan struct{}, cfg.MaxBuilds), blanks: make(chan *process, cfg.Spares-1),
		seats: map[place]*seat{}, workers: map[*process]bool{}, freed: make(chan struct{}, 1), hungry: make(chan struct{}, 1),
	}
	p.fair.init(p)
	p.spawner = newSpawner(p.fair.spawns())
	p.closing, p.stop = context.WithCancelCause(context.Background())
	var err error
	if p.metrics, err = newMetrics(cfg.Registerer, p); err != nil {
		p.spawner.close()
		return nil, fmt.Errorf("register worker metrics: %w", err)
	}
	p.keepers.Go(p.keepBlanks)
	p.keepers.Go(p.keepWatch)
	p.keepers.Go(p.fair.keep)
	return p, nil
}

// enter counts work that Close waits for.
func (p *Pool) enter() bool {
	p.gate.RLock()
	defer p.gate.RUnlock()
	if p.closed {
		return false
	}
	p.calls.Add(1)
	return true
}

// at returns the worker that takes calls of a place; nil: there is none now.
func (p *Pool) at(a place) *process {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if s := p.seats[a]; s != nil {
		return s.worker
	}
	return nil
}

// acquire returns a worker that takes calls of a place, and waits until there is
// one. memory is the limit of the version that asks; 0: not known.
func (p *Pool) acquire(ctx context.Context, a place, memory function.Size) (*process, error) {
	p.mu.Lock()
	s := p.seats[a]
	if s == nil {
		s = &seat{}
		p.seats[a] = s
	}
	if s.worker != nil {
		defer p.mu.Unlock()
		return s.worker, nil
	}
	if memory > 0 {
		s.memory = memory
	}
	if s.starting == nil {
		s.starting = make(chan struct{})
		p.wg.Go(func() { p.fill(a, s) }) //nolint:contextcheck // for all who wait: it outlives the one who came first
	}
	starting := s.starting
	p.mu.Unlock()
	timeout := time.NewTimer(p.cfg.MaxQueue)
	defer timeout.Stop()
	select {
	case <-starting:
	case <-timeout.C:
		return nil, errStarting
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	switch {
	case s.worker != nil:
		return s.worker, nil
	case s.err != nil:
		return nil, s.err
	}
	return nil, errGone // it has ended already
}

// fill puts a blank worker into a seat, once there may be one more.
func (p *Pool) fill(a place, s *seat) {
	ctx, cancel := context.WithTimeout(p.closing, p.cfg.MaxQueue)
	defer cancel()
	p.mu.RLock()
	wait, memory := time.Until(s.died.Add(backoff(s.deaths))), s.memory
	p.mu.RUnlock()
	var w *process
	var err error
	if wait > 0 && !p.pauseFor(ctx, wait) {
		err = fmt.Errorf("%w: those of %s keep ending", errStarting, a)
	}
	reserved := false
	if err == nil {
		err = p.reserve(ctx)
		reserved = err == nil
	}
	if err == nil {
		w, err = p.hire(ctx, a, memory)
	}
	p.mu.Lock()
	if reserved {
		p.reserved--
	}
	s.err = err
	if err == nil {
		select {
		case <-w.read: // it is over already, and ended has looked before
		default:
			s.worker = w
			p.workers[w] = true
		}
	}
	close(s.starting)
	s.starting = nil
	p.mu.Unlock()
	p.nudge()
}

// hire gives a blank worker to a place.
func (p *Pool) hire(ctx context.Context, a place, memory function.Size) (*process, error) {
	w, err := p.takeBlank(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStarting, err)
	}
	o := orders{Team: a.team, ExternalURL: p.cfg.ExternalURL, PrivateAllow: p.cfg.PrivateAllow, MaxCall: p.cfg.MaxCall, Memory: int64(p.budgetOf(a, memory))}
	for _, addr := range p.cfg.Own() {
		o.Own = append(o.Own, addr.String())
	}
	p.fair.begins(w)
	if err := w.adopt(o, a); err != nil {
		return nil, fmt.Errorf("%w: %w", errStarting, err)
	}
	p.metrics.adopted.Inc()
	return w, nil
}

// backoff is how long a place waits for its next worker after so many deaths.
func backoff(deaths int) time.Duration {
	if deaths < 2 {
		return 0
	}
	return min(50*time.Millisecond<<min(deaths-2, 10), 4*time.Second)
}

func (p *Pool) pauseFor(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// budgetOf is the memory that a worker may add to what it starts with. A version
// on probation has its own limit, and what the collector needs beside it.
func (p *Pool) budgetOf(a place, memory function.Size) function.Size {
	most := p.cfg.Memory
	if p.cfg.Budget != nil {
		if own := p.cfg.Budget(a.team); own > 0 {
			most = max(own, minMemory)
		}
	}
	if a.alone.Version == 0 || memory <= 0 {
		return most
	}
	return min(most, memory+memory/4+16<<20)
}

// reserve takes a place among the workers, at the cost of one that is idle.
func (p *Pool) reserve(ctx context.Context) error {
	p.starving.Add(1)
	defer p.starving.Add(-1)
	for {
		p.mu.Lock()
		if len(p.workers)+p.reserved < p.cfg.MaxWorkers {
			p.reserved++
			p.mu.Unlock()
			return nil
		}
		idle := p.longestIdle()
		p.mu.Unlock()
		if idle != nil {
			p.metrics.evicted.Inc()
			p.detach(idle)
			idle.retire()
		}
		select {
		case <-p.freed:
		case <-ctx.Done():
			if p.closing.Err() != nil {
				return ErrClosed
			}
			return errFull
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// nudge says that something may have become free.
func (p *Pool) nudge() {
	select {
	case p.freed <- struct{}{}:
	default:
	}
}

// longestIdle returns the worker that has had no calls for the longest time.
func (p *Pool) longestIdle() *process {
	var found *process
	var since time.Time
	for w := range p.workers {
		w.mu.Lock()
		if w.stage == serving && w.live == 0 && (found == nil || w.idleAt.Before(since)) {
			found, since = w, w.idleAt
		}
		w.mu.Unlock()
	}
	return found
}

// detach takes a worker out of its seat: new calls go to another.
func (p *Pool) detach(w *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.seats[w.place]; s != nil && s.worker == w {
		s.worker = nil
		if s.starting == nil && s.deaths == 0 {
			delete(p.seats, w.place)
		}
	}
}

// ended takes note of a worker's end.
func (p *Pool) ended(w *process, was stage, at place, v verdict) {
	p.detach(w)
	p.mu.Lock()
	counted := p.workers[w]
	delete(p.workers, w)
	died := counted && was == serving || v.suspects != nil
	if died {
		s := p.seats[at]
		if s == nil {
			s = &seat{}
			p.seats[at] = s
		}
		if time.Since(s.died) > time.Minute {
			s.deaths = 0
		}
		s.deaths++
		s.died = time.Now()
	}
	p.mu.Unlock()
	p.nudge()
	if died && p.closing.Err() == nil {
		p.metrics.deaths.WithLabelValues(cause(v)).Inc()
		names := make([]string, len(v.suspects))
		for i, id := range v.suspects {
			names[i] = id.String()
		}
		w.log.Warn("worker ended", "place", at.String(), "reason", v.reason, "suspects", names)
	}
	p.metrics.retain(w)
}

// cause is a death in one word, for the metric.
func cause(v verdict) string {
	switch {
	case v.memory:
		return "memory"
	case v.reason == wedgedReason:
		return "wedged"
	}
	return "other"
}

// Prewarm loads and compiles a version in its team's worker, which is started for
// it, and makes one VM, so that the first call finds all in place.
func (p *Pool) Prewarm(ctx context.Context, id function.ID) error {
	if !p.enter() {
		return ErrClosed
	}
	defer p.calls.Done()
	err := func() error {
		at, err := p.placeOf(id)
		if err != nil {
			return err
		}
		w, err := p.acquire(ctx, at, 0)
		if err != nil {
			return err
		}
		if err = w.load(ctx, id); err == nil {
			err = w.prewarm(ctx, id)
		}
		if errors.Is(err, errGone) {
			p.detach(w)
		}
		return err
	}()
	if err != nil {
		return fmt.Errorf("prewarm %s: %w", id, err)
	}
	return nil
}

// Drop forgets all versions of a function.
func (p *Pool) Drop(name function.Name) {
	p.trials.drop(name)
	for _, w := range p.all() {
		w.mu.Lock()
		team := w.place.team
		w.mu.Unlock()
		if team == name.Team() {
			w.drop(name)
		}
	}
}

// all returns the workers that belong to teams.
func (p *Pool) all() []*process {
	p.mu.RLock()
	defer p.mu.RUnlock()
	out := make([]*process, 0, len(p.workers))
	for w := range p.workers {
		out = append(out, w)
	}
	return out
}

// Close refuses new work, waits for calls and what waitUntil holds until ctx ends,
// and ends every worker. No process is left when it returns.
func (p *Pool) Close(ctx context.Context) error {
	p.gate.Lock()
	if p.closed {
		p.gate.Unlock()
		return nil
	}
	p.closed = true
	p.gate.Unlock()
	err := waitFor(ctx, &p.calls)
	var drained sync.WaitGroup
	for _, w := range p.all() {
		p.detach(w)
		w.retire()
		drained.Go(func() {
			select {
			case <-w.read:
			case <-ctx.Done():
				w.end("the server ends")
				<-w.read
			}
		})
	}
	drained.Wait()
	p.stop(invocation.ErrDraining)
	p.keepers.Wait()
	close(p.blanks)
	for w := range p.blanks {
		w.end("the server ends")
	}
	p.wg.Wait()
	p.calls.Wait()
	p.spawner.close()
	p.metrics.unregister()
	return err
}

func waitFor(ctx context.Context, group *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close workers: %w", context.Cause(ctx))
	}
}
