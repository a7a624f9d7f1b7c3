package app

import (
	"testing"

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
