package worker

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
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

// ownSlice is how long the calling thread may go on before another that wakes up takes
// its place, where this process chose that; 0 where the system does not tell.
func ownSlice() time.Duration {
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil || attr.Policy != unix.SCHED_NORMAL {
		return 0
	}
	return time.Duration(attr.Runtime) // before Linux 6.12 it is 0
}

// usualSlice gives the calling thread, and what it starts, what the system has for all.
func usualSlice() {
	if ownSlice() > 0 {
		_ = unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_NORMAL, Nice: int32(ownNice())}, 0) // else as it is
	}
}

// groupSlice sets how long each thread of a process goes on before another that wakes
// up takes its place; 0: what the system has for all. Their priority is told with it.
func groupSlice(pid, nice int, slice time.Duration) error {
	attr := unix.SchedAttr{Policy: unix.SCHED_NORMAL, Nice: int32(nice), Runtime: uint64(slice)}
	dir := "/proc/" + strconv.Itoa(pid) + "/task"
	for known, look := 0, 0; look < 3; look++ { // a thread that was being made has what its maker had
		threads, err := os.ReadDir(dir)
		if err != nil {
			return fmt.Errorf("list threads: %w", err)
		}
		if len(threads) == known {
			return nil
		}
		known = len(threads)
		for _, t := range threads {
			tid, err := strconv.Atoi(t.Name())
			if err != nil {
				return fmt.Errorf("list threads: %w", err)
			}
			if err := unix.SchedSetAttr(tid, &attr, 0); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("set slice: %w", err)
			}
		}
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
