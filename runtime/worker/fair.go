package worker

import (
	"math"
	"runtime"
	"sync/atomic"
	"time"
)

// fairness shares the processors between workers. The system alone gives each thread
// the same, so a team that computes all the time stands before whoever has a
// millisecond to compute now and then. A worker that takes more than its share while
// others have something to do gets a lower priority, all of its threads, and has its
// own back once it takes less. It still gets whatever nobody else wants. A share is
// what workers get together, by how many have something to do: so it is right also
// where others on the machine take a part.
//
// What takes effect only after some looks is of no help against what computes for
// some milliseconds at a time. So a worker that has been calm for a while is prompt,
// as the server itself is: where Linux knows slices (6.12), its threads have short ones,
// and take the processor at once from one that has the usual, however long that would
// go on. A worker begins with the usual, and has it again from the first look at which
// it takes too much.
type fairness struct {
	pool  *Pool
	cores float64
	own   int           // the server's priority, which is that of calm workers
	slice time.Duration // the server's, which prompt workers have; 0: there are none
	back  bool          // the system lets a priority rise again

	many  float64       // see procs
	cheap time.Duration // see procs

	asleep atomic.Bool // nothing runs: nobody looks
	wake   chan struct{}
	looked time.Time
	seen   []*process // reused
}

// usage is what fairness knows of one worker. Only its goroutine uses it, but for
// lowered and single.
type usage struct {
	spent   time.Duration // CPU time at the last look
	known   bool          // spent is
	rate    float64       // processors, over about usageSpan
	above   time.Time     // since when it takes too much; zero: it does not
	below   time.Time     // since when it is calm; zero: it is not
	left    bool          // it is being replaced
	prompt  bool          // its threads have short slices
	procs   procs
	lowered atomic.Bool
	single  atomic.Bool // it runs on one processor
}

// The pace of fairness, and when it acts. A burst is over before it is noticed; what
// goes on for longer is noticed after two or three looks.
const (
	fairTick  = 10 * time.Millisecond
	usageSpan = 50 * time.Millisecond
	busyRate  = 0.002 // processors; who takes less has nothing to do
	leastPart = 0.20  // processors that nobody is slowed for, times tooMuch
	tooMuch   = 0.75  // of a share; a thread that never rests does not get quite all of its processor
	calmAgain = 0.40  // of a share
	again     = 200 * time.Millisecond
	// Where a priority cannot rise again, it is lowered for good, which costs a worker:
	// not for a burst, nor while there are processors for all.
	patience  = 250 * time.Millisecond
	calmFor   = time.Second // also until a worker is prompt
	crowded   = 0.5         // of all processors, taken by workers
	lowSteps  = 15          // of priority, below the server's
	jobSteps  = 10          // the same for what compiles, which has a deadline
	mostSteps = 19          // there is nothing below it
)

func (f *fairness) init(p *Pool) {
	f.pool, f.cores, f.own, f.wake = p, p.cfg.fair.cores, ownNice(), make(chan struct{}, 1)
	or(&f.cores, float64(runtime.GOMAXPROCS(0)))
	f.slice = p.cfg.fair.slice
	or(&f.slice, ownSlice())
	f.many, f.cheap = p.cfg.fair.many, p.cfg.fair.cheap
	or(&f.many, manyCalls)
	or(&f.cheap, cheapCall)
	f.back = !p.cfg.fair.forGood && mayRaise()
	f.asleep.Store(true)
}

// lower is the priority so many steps below the server's.
func (f *fairness) lower(steps int) int { return min(f.own+steps, mostSteps) }

// stir says that a call begins.
func (f *fairness) stir() {
	if !f.asleep.Load() {
		return
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// keep looks on while anything runs, until the pool closes.
func (f *fairness) keep() {
	if !sharesCPU {
		return
	}
	if !f.back {
		f.pool.log.Warn("a worker's priority cannot be raised again here, so one that took too much of the processors is replaced when it is calm",
			"allow", "CAP_SYS_NICE, or LimitNICE=+0 in the systemd unit")
	}
	tick := time.NewTicker(fairTick)
	defer tick.Stop()
	for {
		select {
		case <-f.pool.closing.Done():
			return
		case <-tick.C:
		}
		if f.look(time.Now()) {
			continue
		}
		f.asleep.Store(true)
		if !f.pool.busy() {
			select {
			case <-f.pool.closing.Done():
				return
			case <-f.wake:
			}
		}
		f.asleep.Store(false)
	}
}

// busy reports whether any worker has calls.
func (p *Pool) busy() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for w := range p.workers {
		w.mu.Lock()
		live := w.live
		w.mu.Unlock()
		if live > 0 {
			return true
		}
	}
	return false
}

// look measures all workers, and moves those that take too much or no longer do. It
// reports whether there is something to look at.
func (f *fairness) look(now time.Time) bool {
	span := now.Sub(f.looked)
	f.looked = now
	if span <= 0 {
		return true
	}
	f.seen = f.seen[:0]
	f.pool.mu.RLock()
	for w := range f.pool.workers {
		f.seen = append(f.seen, w)
	}
	f.pool.mu.RUnlock()
	keep, total, active, changed := math.Exp(-float64(span)/float64(usageSpan)), 0.0, 0, false
	for _, w := range f.seen {
		w.usage.take(w.cpu(), span, keep)
		if u := &w.usage; u.procs.take(w.begun(), u.rate, now, span, keep) {
			u.single.Store(u.procs.one)
			w.assign(u.procs.one)
		}
		if w.usage.rate > busyRate {
			active++
			total += w.usage.rate
		}
		changed = changed || w.usage.lowered.Load() || w.usage.procs.one
	}
	share := max(leastPart, total/float64(max(active, 2)))
	for _, w := range f.seen {
		f.judge(w, now, share, active > 1 && (f.back || total > f.cores*crowded))
	}
	clear(f.seen)
	return active > 0 || changed || f.pool.busy()
}

// take adds what was spent since the last look.
func (u *usage) take(spent, span time.Duration, keep float64) {
	if u.known {
		u.rate = keep*u.rate + (1-keep)*float64(spent-u.spent)/float64(span)
	}
	u.spent, u.known = spent, true
}

// judge lowers or raises one worker. wanted says that others want what it takes.
func (f *fairness) judge(w *process, now time.Time, share float64, wanted bool) {
	u := &w.usage
	since(&u.above, now, wanted && u.rate > share*tooMuch)
	since(&u.below, now, u.rate < share*calmAgain)
	if prompt := !u.below.IsZero() && now.Sub(u.below) >= calmFor && !u.lowered.Load(); prompt != u.prompt && (prompt || !u.above.IsZero()) {
		u.prompt = prompt
		w.setSlice(f.own, f.sliceOf(prompt))
	}
	switch {
	case !u.lowered.Load():
		if !u.above.IsZero() && (f.back || now.Sub(u.above) >= patience) {
			u.lowered.Store(true)
			f.pool.metrics.lowered.Inc()
			w.setNice(f.lower(lowSteps))
		}
	case u.below.IsZero():
		if now.Sub(u.above) < again || u.above.IsZero() {
			return
		}
		u.above = now
		w.setNice(f.lower(lowSteps)) // a thread that was being made then may have missed it
	case f.back:
		u.lowered.Store(false)
		w.setNice(f.own)
	case !u.left && now.Sub(u.below) >= calmFor:
		u.left = true
		f.pool.metrics.replaced.Inc()
		f.pool.detach(w)
		w.retire()
	}
}

// since keeps when a condition began to hold.
func since(at *time.Time, now time.Time, holds bool) {
	switch {
	case !holds:
		*at = time.Time{}
	case at.IsZero():
		*at = now
	}
}

// cpu is what the process has computed since it began.
func (w *process) cpu() time.Duration {
	spent, err := cpuTime(w.cmd.Process.Pid)
	if err != nil {
		return w.usage.spent // it has ended
	}
	return spent
}

// setNice moves all threads of the worker, which is a group of its own.
func (w *process) setNice(nice int) {
	select {
	case <-w.exited:
		return
	default:
	}
	if err := groupNice(w.cmd.Process.Pid, nice); err != nil {
		w.log.Debug("priority cannot be set", "nice", nice, "error", err) // it ends
	}
}

// sliceOf is how long threads of a worker go on; 0: as the system has it for all.
func (f *fairness) sliceOf(prompt bool) time.Duration {
	if prompt {
		return f.slice
	}
	return 0
}

// setSlice sets the slice of all threads of the worker, which have that priority.
func (w *process) setSlice(nice int, slice time.Duration) {
	if w.pool.fair.slice == 0 {
		return // the system knows none
	}
	select {
	case <-w.exited:
		return
	default:
	}
	if err := groupSlice(w.cmd.Process.Pid, nice, slice); err != nil {
		w.log.Debug("slice cannot be set", "slice", slice, "error", err) // it ends, or may not be told
	}
}

// begins gives a worker that a team adopts the priority of its calls. Blank ones
// start below it, where they can be raised: their start is not to be felt.
func (f *fairness) begins(w *process) {
	if sharesCPU && f.back {
		w.setNice(f.own)
	}
}

// compiles gives a worker the priority of a compile job: nobody waits for it as for
// the answer to a call. It has it from its start where that can be taken back, but
// for a thread that was being made then.
func (f *fairness) compiles(w *process) {
	if sharesCPU {
		w.setNice(f.lower(jobSteps))
	}
}

// spawns is the priority with which processes start.
func (f *fairness) spawns() int {
	if f.back {
		return f.lower(jobSteps)
	}
	return f.own
}
