package engine

import (
	"container/heap"
	"errors"
	"sync"
	"time"
)

var errTooManyTimers = errors.New("too many timers are waiting")

// loop is the event loop of one VM. Its fields below the mutex's are the VM
// goroutine's own.
type loop struct {
	mu     sync.Mutex
	posted []func()
	epoch  uint64        // counts invocations: what was posted for an old one is dropped
	wake   chan struct{} // one slot: something was posted, or the VM is to stop

	most    int // timers that may wait at a time
	pending int // host work under way
	timers  timerHeap
	byID    map[int]*timer
	lastID  int
	spare   []func()
	clock   *time.Timer
}

type timer struct {
	id    int
	due   time.Time
	every time.Duration // 0: once
	run   func()
	at    int // in the heap; -1 when out of it
}

// post queues fn for the VM's goroutine, from any goroutine.
func (l *loop) post(epoch uint64, fn func()) {
	l.mu.Lock()
	current := l.epoch == epoch
	if current {
		l.posted = append(l.posted, fn)
	}
	l.mu.Unlock()
	if current {
		l.nudge()
	}
}

func (l *loop) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// take returns what was posted since the last call. The slice is valid until the
// next one.
func (l *loop) take() []func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.posted
	l.posted = l.spare[:0]
	l.spare = out
	return out
}

// reset forgets everything that belonged to an invocation, and begins another.
func (l *loop) reset() uint64 {
	l.mu.Lock()
	l.epoch++
	clear(l.posted)
	l.posted = l.posted[:0]
	epoch := l.epoch
	l.mu.Unlock()
	clear(l.spare[:cap(l.spare)])
	l.pending = 0
	clear(l.timers)
	l.timers = l.timers[:0]
	clear(l.byID)
	select {
	case <-l.wake:
	default:
	}
	return epoch
}

func (l *loop) after(delay time.Duration, every bool, run func()) (int, error) {
	if len(l.timers) >= l.most {
		return 0, errTooManyTimers
	}
	l.lastID++
	t := &timer{id: l.lastID, due: time.Now().Add(delay), run: run}
	if every {
		t.every = max(delay, time.Millisecond)
	}
	if l.byID == nil {
		l.byID = make(map[int]*timer)
	}
	l.byID[t.id] = t
	heap.Push(&l.timers, t)
	return t.id, nil
}

func (l *loop) clear(id int) {
	t := l.byID[id]
	if t == nil {
		return
	}
	delete(l.byID, id)
	if t.at >= 0 {
		heap.Remove(&l.timers, t.at)
	}
}

// due takes the next timer whose time has come.
func (l *loop) due(now time.Time) func() {
	if len(l.timers) == 0 || l.timers[0].due.After(now) {
		return nil
	}
	t := l.timers[0]
	if t.every > 0 {
		t.due = now.Add(t.every)
		heap.Fix(&l.timers, 0)
	} else {
		heap.Pop(&l.timers)
		delete(l.byID, t.id)
	}
	return t.run
}

// idle reports that nothing is left which could ever run.
func (l *loop) idle() bool {
	if l.pending > 0 || len(l.timers) > 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.posted) == 0
}

// wait blocks until something is posted, the VM is nudged, or a timer is due.
func (l *loop) wait() {
	if len(l.timers) == 0 {
		<-l.wake
		return
	}
	delay := time.Until(l.timers[0].due)
	if delay <= 0 {
		return
	}
	if l.clock == nil {
		l.clock = time.NewTimer(delay)
	} else {
		l.clock.Reset(delay)
	}
	select {
	case <-l.wake:
		l.clock.Stop()
	case <-l.clock.C:
	}
}

// timerHeap orders by time, and by age where that is the same.
type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].id < h[j].id
	}
	return h[i].due.Before(h[j].due)
}

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.at = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.at = -1
	return t
}
