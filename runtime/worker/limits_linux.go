package worker

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// limited says how a worker's memory is bounded on this system.
const limited = "rlimit"

// harden takes from the process what a worker never needs.
func harden() error {
	for name, resource := range map[string]int{"core": unix.RLIMIT_CORE, "fsize": unix.RLIMIT_FSIZE} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{}); err != nil {
			return fmt.Errorf("set limit %s: %w", name, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up privileges: %w", err)
	}
	return nil
}

// limitData bounds what the process may add to the memory that it has now. An
// allocation beyond it fails, and Go's runtime ends the process with the reason.
func limitData(budget uint64) error {
	base, err := dataSize()
	if err != nil {
		return err
	}
	most := base + budget
	if err := unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: most, Max: most}); err != nil {
		return fmt.Errorf("set limit data: %w", err)
	}
	return nil
}

// dataSize is what RLIMIT_DATA counts, in bytes.
func dataSize() (uint64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("read data size: %w", err)
	}
	_, rest, found := bytes.Cut(status, []byte("\nVmData:"))
	fields := bytes.Fields(rest)
	if !found || len(fields) == 0 {
		return 0, fmt.Errorf("read data size: no VmData")
	}
	kib, err := strconv.ParseUint(string(fields[0]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read data size: %w", err)
	}
	return kib << 10, nil
}
