package worker

import (
	"context"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hadron/runtime/function"
	"hadron/runtime/invocation"
)

// onlySlice reports whether all threads of a worker have that slice.
func onlySlice(t *testing.T, w *process, want time.Duration) bool {
	t.Helper()
	files, err := filepath.Glob("/proc/" + strconv.Itoa(w.cmd.Process.Pid) + "/task/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no threads: %v", err)
	}
	for _, file := range files {
		tid, err := strconv.Atoi(filepath.Base(file))
		if err != nil {
			t.Fatal(err)
		}
		attr, err := unix.SchedGetAttr(tid, 0)
		if err == nil && time.Duration(attr.Runtime) != want { // else it has ended
			return false
		}
	}
	return true
}

// A worker that has been calm for a while gets short slices, and loses them when it
// computes; one that has just begun has none.
func TestWhoIsCalmIsPrompt(t *testing.T) {
	usual := ownSlice()
	if usual == 0 {
		t.Skip("this system knows no slices")
	}
	const short = 300 * time.Microsecond
	f := newFixture(t, func(c *Config) { c.fair.slice = short })
	ctx, cancel := context.WithCancelCause(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel(invocation.ErrClientClosed)
	spins := func(team string) {
		id := f.add(function.Name(team+"/p/spin"), 1, handler(spin))
		all.Go(func() { f.Invoke(ctx, get(id, "/"), newSink()) })
	}
	spins("busy")
	calm := f.add("calm/p/f", 1, handler(`return new Response("1")`))
	f.ok(get(calm, "/"))
	eventually(t, "who is calm is prompt", func() bool { w := f.team("calm"); return w != nil && onlySlice(t, w, short) })
	if w := f.team("busy"); w == nil || !onlySlice(t, w, usual) {
		t.Error("who computes is prompt")
	}
	spins("calm")
	eventually(t, "who begins to compute no longer is", func() bool { w := f.team("calm"); return w != nil && onlySlice(t, w, usual) })
}
