package app

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// yieldSteps are of priority: a third of the weight of what answers calls. It is not
// less, since a thread that does not get to run keeps a collection of garbage from
// beginning, and that keeps everything.
const yieldSteps = 5

// giveWay has the calling goroutine run at a lower priority than what answers calls, and
// with the usual slice, to its end: it takes a thread for itself, which ends with it. Deployments make
// dashboards, rules and rows by the dozen, and whoever calls a function at that time
// would wait for a turn of theirs.
func giveWay() {
	runtime.LockOSThread()
	if n, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil { // 0: of the calling thread
		lower := min(20-n+yieldSteps, 19) // it says 20 - n
		if setSlice(0, lower, 0) != nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, 0, lower) // always allowed
		}
	}
}

// soonSlice is how long a thread of the server goes on before another that wakes up has
// its turn; the shortest that Linux knows is half of it. What wakes up with a shorter
// slice than what runs need not wait until that has had its own, which is at the next
// tick of the system's clock: up to 4 ms.
const soonSlice = 200 * time.Microsecond

// AnswerSoon has the process's threads, and those that they will make, take a processor
// soon after they wake up from what computes for longer: they ask for short slices, not
// for more of the processors. It needs no right, and Linux 6.12; before, it changes
// nothing. A process whose scheduling somebody chose keeps that.
func AnswerSoon() error {
	now, err := unix.SchedGetAttr(0, 0)
	if err != nil || now.Policy != unix.SCHED_NORMAL || now.Runtime <= uint64(soonSlice) {
		return err
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list threads: %w", err)
	}
	for _, t := range threads {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			return fmt.Errorf("list threads: %w", err)
		}
		if err := setSlice(tid, int(now.Nice), soonSlice); err != nil && !errors.Is(err, unix.ESRCH) { // a thread may end meanwhile
			return err
		}
	}
	return nil
}

// setSlice sets a thread's priority and slice; 0: the slice that the system has for all.
func setSlice(tid, nice int, slice time.Duration) error {
	if err := unix.SchedSetAttr(tid, &unix.SchedAttr{Policy: unix.SCHED_NORMAL, Nice: int32(nice), Runtime: uint64(slice)}, 0); err != nil {
		return fmt.Errorf("set slice of a thread: %w", err)
	}
	return nil
}
