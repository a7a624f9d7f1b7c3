package app

import (
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWorkInALaneGivesWay(t *testing.T) {
	nice := func() int {
		n, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
		if err != nil {
			t.Fatal(err)
		}
		return 20 - n
	}
	l := newLane()
	defer func() { _ = l.close(t.Context()) }()
	before, inside := nice(), 0
	if err := l.run(t.Context(), func() { inside = nice() }); err != nil {
		t.Fatal(err)
	}
	if want := min(before+yieldSteps, 19); inside != want {
		t.Errorf("work in the lane has nice %d, where the process has %d", inside, before)
	}
	if after := nice(); after != before {
		t.Errorf("others have nice %d now, which was %d", after, before)
	}
}

// All threads of the server have short slices, but for those that give way.
func TestTheServerAnswersSoon(t *testing.T) {
	slice := func(tid int) time.Duration {
		attr, err := unix.SchedGetAttr(tid, 0)
		if err != nil {
			return soonSlice // it has ended
		}
		return time.Duration(attr.Runtime)
	}
	if slice(0) == 0 {
		t.Skip("this system knows no slices")
	}
	if err := AnswerSoon(); err != nil {
		t.Fatal(err)
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		tid, err := strconv.Atoi(thread.Name())
		if err != nil {
			t.Fatal(err)
		}
		if got := slice(tid); got != soonSlice {
			t.Errorf("a thread has %s", got)
		}
	}
	l := newLane()
	defer func() { _ = l.close(t.Context()) }()
	inside := time.Duration(0)
	if err := l.run(t.Context(), func() { inside = slice(0) }); err != nil {
		t.Fatal(err)
	}
	if inside <= soonSlice {
		t.Errorf("work in the lane has %s as well", inside)
	}
}
