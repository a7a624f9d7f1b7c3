package worker

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"hadron/runtime/function"
)

// verdict is what is concluded from a worker's end.
type verdict struct {
	suspects []function.ID // whose code ran
	sole     bool          // there is one, so it is clear whose doing it was
	memory   bool          // it ran out of memory
	reason   string        // in a few words
	message  string        // for those whose calls were lost
}

// settle follows the end of the connection: the process is ended if it has not
// ended itself, and all that waited for it is told what became of it.
func (w *process) settle() {
	w.kill()
	w.mu.Lock()
	was := w.stage
	w.stage = over
	w.mu.Unlock()
	w.pool.detach(w)
	<-w.exited
	<-w.stderr.done
	w.mu.Lock()
	for _, ch := range w.asked {
		if ch != nil {
			close(ch)
		}
	}
	w.asked = map[uint32]chan<- frame{}
	loads, calls := w.loads, w.calls
	w.loads, w.calls = map[function.ID]*load{}, map[uint32]*callee{}
	at := w.place
	w.mu.Unlock()

	streams := w.streams()
	v := w.judge(streams)
	w.verdict = v
	for _, s := range streams {
		s.lose(v.codeOf(s, w.page.marked(s.id)))
	}
	for _, l := range loads {
		l.fail(errGone)
	}
	for _, c := range calls {
		c.end(errGone)
	}
	w.out.close()
	w.release()
	w.sentence(at, v)
	w.pool.ended(w, was, at, v)
}

// judge looks at what ran, and at what the process said last.
func (w *process) judge(streams []*stream) verdict {
	w.mu.Lock()
	reason, wedged := w.reason, w.wedged
	w.mu.Unlock()
	v := verdict{reason: reason}
	now := time.Now()
	for _, s := range streams {
		if !w.page.marked(s.id) || wedged && s.owing(now) == 0 {
			continue
		}
		if id := s.caller.Version.Plain(); !slices.Contains(v.suspects, id) {
			v.suspects = append(v.suspects, id)
		}
	}
	v.sole = len(v.suspects) == 1
	if reason == "" {
		v.reason, v.memory = w.cause()
	}
	v.message = "the worker that ran the function ended: " + v.reason
	if v.memory && v.sole {
		v.message = fmt.Sprintf("the function used more memory than its worker may have (%d MiB)", w.budget>>20)
	}
	return v
}

// What Go's runtime says when the system gives it no more memory.
var noMemory = [][]byte{
	[]byte("out of memory"), []byte("cannot allocate memory"), []byte("cannot allocate runtime"),
	[]byte("ThreadSanitizer failed to allocate"), // with the race detector
}

// cause reads why a process ended by itself.
func (w *process) cause() (reason string, memory bool) {
	text := w.stderr.text()
	for _, sign := range noMemory {
		if bytes.Contains(text, sign) {
			return "out of memory", true
		}
	}
	if bytes.Contains(text, []byte("stack exceeds")) {
		return "its stack was exhausted", false
	}
	state := w.cmd.ProcessState
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return "it was ended by the system (" + ws.Signal().String() + ")", false
	}
	return fmt.Sprintf("it ended with status %d", state.ExitCode()), false
}

// sentence draws the consequences for the versions that ran.
func (w *process) sentence(at place, v verdict) {
	for _, id := range v.suspects {
		if at.alone == id {
			w.pool.trials.guilty(id, v.reason)
			w.log.Warn("function is quarantined: it ended a worker of its own", "version", id.String(), "reason", v.reason)
			continue
		}
		w.pool.trials.suspect(id, v.reason)
	}
}

// firstLine is the reason in what a process wrote at its end, without the traces
// that follow it.
func firstLine(text []byte) string {
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			return clip(strings.ToValidUTF8(line, "�"), 300)
		}
	}
	return "it said nothing"
}

var errNoAnswer = errors.New("the worker ended before it answered")
