//go:build !linux

package worker

import (
	"fmt"
	"syscall"
)

// limited says how a worker's memory is bounded on this system: by its own look at
// the heap alone, so one native allocation can still be too large for the machine.
const limited = "watchdog"

func harden() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("set limit core: %w", err)
	}
	return nil
}

// limitData has nothing to set here; watchHeap is what there is.
func limitData(uint64) error { return nil }
