package app

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// yieldSteps are of priority: a third of the weight of what answers calls. It is not
// less, since a thread that does not get to run keeps a collection of garbage from
// beginning, and that keeps everything.
const yieldSteps = 5

// giveWay has the calling goroutine run at a lower priority than what answers calls, to
// its end: it takes a thread for itself, which ends with it. Deployments make
// dashboards, rules and rows by the dozen, and whoever calls a function at that time
// would wait for a turn of theirs.
func giveWay() {
	runtime.LockOSThread()
	if n, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil { // 0: of the calling thread
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, min(20-n+yieldSteps, 19)) // it says 20 - n; lower is always allowed
	}
}
