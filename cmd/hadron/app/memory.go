package app

import (
	"bytes"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"

	"hadron/runtime/function"
)

// Bounds of the heap that is chosen where functions run in this process.
const (
	leastHeap = function.Size(128 << 20) // below it the server itself has no room
	mostHeap  = function.Size(4 << 30)   // more is for the operator to ask for
	anyHeap   = function.Size(1 << 30)   // where the system does not say what there is
)

// heapBudget is how large the heap of this process may become before functions are
// refused and ended: what the operator says; else GOMEMLIMIT; else three quarters of
// what the container or the machine has, within bounds.
func heapBudget(said function.Size) function.Size {
	switch limit := debug.SetMemoryLimit(-1); {
	case said > 0:
		return said
	case limit < math.MaxInt64:
		return max(leastHeap, function.Size(limit))
	}
	return heapOf(os.DirFS("/"))
}

// heapOf chooses a heap by what the files of a system say.
func heapOf(root fs.FS) function.Size {
	least := uint64(0)
	for _, limit := range append(cgroupLimits(root), machineMemory(root)) {
		if limit > 0 && (least == 0 || limit < least) {
			least = limit
		}
	}
	if least == 0 {
		return anyHeap
	}
	return min(max(leastHeap, function.Size(min(least, math.MaxInt64/4)/4*3)), mostHeap)
}

// cgroupLimits are the limits of memory of this process's cgroup and of those around
// it, of either version.
func cgroupLimits(root fs.FS) (limits []uint64) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(groups) {
		parts := bytes.SplitN(bytes.TrimSpace(line), []byte(":"), 3)
		if len(parts) < 3 {
			continue
		}
		top, file := "sys/fs/cgroup", "memory.max"
		switch {
		case string(parts[1]) == "memory":
			top, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		case len(parts[1]) > 0 || string(parts[0]) != "0":
			continue
		}
		// In a container the path is often the host's, and the group is the top.
		for dir := path.Clean("/" + string(parts[2])); ; dir = path.Dir(dir) {
			limits = append(limits, number(root, path.Join(top, dir, file)))
			if dir == "/" {
				break
			}
		}
	}
	return limits
}

// number reads a file that holds one; 0: there is none, or no number in it, such as "max".
func number(root fs.FS, name string) uint64 {
	data, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(data)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// machineMemory is what the machine has; 0: not known.
func machineMemory(root fs.FS) uint64 {
	data, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(data, []byte("MemTotal:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseUint(string(fields[0]), 10, 54)
	if err != nil {
		return 0
	}
	return kib << 10
}
