package app

import (
	"math"
	"runtime/debug"
	"testing"
	"testing/fstest"

	"hadron/runtime/function"
)

func TestHeapBudgetByTheSystem(t *testing.T) {
	const mib = 1 << 20
	text := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	machine := text("MemTotal:       2097152 kB\nMemFree: 1 kB\n") // 2 GiB
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  function.Size
	}{
		"nothing is known": {fstest.MapFS{}, anyHeap},
		"the machine":      {fstest.MapFS{"proc/meminfo": machine}, 1536 * mib},
		"a large machine":  {fstest.MapFS{"proc/meminfo": text("MemTotal: 268435456 kB\n")}, mostHeap},
		"a group within one that has less": {fstest.MapFS{
			"proc/meminfo": machine, "proc/self/cgroup": text("0::/a/b\n"),
			"sys/fs/cgroup/a/memory.max": text("536870912\n"), "sys/fs/cgroup/a/b/memory.max": text("max\n"),
		}, 384 * mib},
		"a container that is the top of its view": {fstest.MapFS{
			"proc/meminfo": machine, "proc/self/cgroup": text("0::/../elsewhere\n"), "sys/fs/cgroup/memory.max": text("1073741824\n"),
		}, 768 * mib},
		"the first version": {fstest.MapFS{
			"proc/meminfo": machine, "proc/self/cgroup": text("9:cpu:/x\n4:memory:/x\n0::/\n"),
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": text("268435456\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": text("9223372036854771712\n"),
		}, 192 * mib},
		"hardly any": {fstest.MapFS{
			"proc/meminfo": machine, "proc/self/cgroup": text("0::/\n"), "sys/fs/cgroup/memory.max": text("1048576\n"),
		}, leastHeap},
		"nonsense": {fstest.MapFS{"proc/meminfo": text("MemTotal: -1 kB"), "proc/self/cgroup": text("0::\nx")}, anyHeap},
	} {
		if got := heapOf(c.files); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestHeapBudgetIsWhatIsSaid(t *testing.T) {
	before := debug.SetMemoryLimit(900 << 20)
	defer debug.SetMemoryLimit(before)
	if got := heapBudget(0); got != 900<<20 {
		t.Errorf("with GOMEMLIMIT: %s", got)
	}
	if got := heapBudget(200 << 20); got != 200<<20 {
		t.Errorf("with a setting: %s", got)
	}
	debug.SetMemoryLimit(math.MaxInt64)
	if got := heapBudget(0); got < leastHeap || got > mostHeap {
		t.Errorf("without: %s", got)
	}
}
