package worker

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// sharesCPU says that this system tells what workers compute and lets them be slowed.
const sharesCPU = true

// ownNice is the priority of this process: 0 usually, higher is less.
func ownNice() int {
	n, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return 0
	}
	return 20 - n // as the kernel says it
}

// threadNice sets the priority of the calling thread, and of what it starts.
func threadNice(nice int) error {
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, nice); err != nil {
		return fmt.Errorf("set priority: %w", err)
	}
	return nil
}

// groupNice sets the priority of all threads of a process group.
func groupNice(group, nice int) error {
	if err := unix.Setpriority(unix.PRIO_PGRP, group, nice); err != nil {
		return fmt.Errorf("set priority: %w", err)
	}
	return nil
}

// mayRaise tries whether a priority that was lowered can be raised again, on a
// thread that ends with the attempt.
func mayRaise() bool {
	may := make(chan bool)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is of no use any more
		own := ownNice()
		may <- own >= mostSteps || threadNice(own+1) == nil && threadNice(own) == nil
	}()
	return <-may
}

// cpuTime is what all threads of a process have computed since it began.
func cpuTime(pid int) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil { // the clock of a process: see clock_getcpuclockid(3)
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	return time.Duration(t.Nano()), nil
}
