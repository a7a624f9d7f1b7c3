package worker

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// A machine that slept, or a clock that was set, says nothing about workers.
func TestSilenceIsNotOfAClockThatJumped(t *testing.T) {
	w, _, done := hollow(t, []string{"nothing"})
	defer done()
	w.cmd = &exec.Cmd{Process: new(os.Process)} // none: it cannot be killed
	w.pool.workers[w], w.live = true, 1
	now := time.Now()
	w.heard.Store(now.Add(-time.Minute).UnixNano())
	w.pool.look(now.Add(-time.Minute), now)
	if w.stage != serving {
		t.Error("a worker was ended for the time that the server did not look either")
	}
	now = now.Add(maxSilence + time.Second)
	w.pool.look(now.Add(-time.Second), now)
	if w.stage == serving {
		t.Error("a worker that says nothing was not ended")
	}
}
