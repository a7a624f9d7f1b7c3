package engine

import (
	"errors"
	"sync/atomic"
	"time"

	"hadron/runtime/invocation"
)

// began is the zero of meters' clocks.
var began = time.Now()

// meter counts a VM's time as others may read it while it runs.
type meter struct {
	turn  atomic.Int64 // when the running turn began, since began; 0 between turns
	ended atomic.Int64 // all turns that ended
	at    int64        // the time at the last collection; the heap watchdog's own
}

func (m *meter) enter(now time.Time) { m.turn.Store(max(1, int64(now.Sub(began)))) }

func (m *meter) leave(took time.Duration) {
	m.ended.Add(int64(took))
	m.turn.Store(0)
}

// total is the VM's time so far.
func (m *meter) total() time.Duration {
	ended, turn := m.ended.Load(), m.turn.Load()
	if turn == 0 {
		return time.Duration(ended)
	}
	return time.Duration(ended) + time.Since(began) - time.Duration(turn)
}

// The causes with which the engine itself ends a call.
var (
	errCPU    = errors.New("the call computed for longer than limits.cpu allows")
	errMemory = errors.New("the memory of this process ran out, and this call was using the most")
)

// boundCPU ends the call once the VM has spent its time on it. Time in the VM never
// runs faster than the clock, so a look is due no sooner than what is left.
func (c *call) boundCPU(limit time.Duration) {
	if limit <= 0 {
		return
	}
	before := c.v.meter.total()
	c.cpuTimer = time.AfterFunc(time.Hour, func() {
		if left := limit - (c.v.meter.total() - before); left > 0 {
			c.cpuTimer.Reset(left)
			return
		}
		c.v.endCall(c, errCPU)
	})
	c.cpuTimer.Reset(limit)
}

// endCall interrupts the VM if it still serves this call, and tells whoever follows
// the call, in case it cannot be stopped.
func (v *isolate) endCall(c *call, cause error) {
	if !v.interruptCall(c, cause) {
		return
	}
	select {
	case c.events <- &event{ends: cause}:
	default: // its end is on the way already
	}
}

// hitOf is the limit that a cause speaks of.
func hitOf(cause error) invocation.Hits {
	switch {
	case errors.Is(cause, errCPU):
		return invocation.HitCPU
	case errors.Is(cause, errMemory):
		return invocation.HitMemory
	case errors.Is(cause, errBackground):
		return invocation.HitBackground
	}
	return 0
}
