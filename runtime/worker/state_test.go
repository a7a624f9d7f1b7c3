package worker

import (
	"bytes"
	"os"
	"strconv"
)

// state is the letter by which the kernel says what a process does; 0: it has ended.
func state(pid int) byte {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if _, rest, ok := bytes.Cut(status, []byte("State:\t")); err == nil && ok && rest[0] != 'Z' {
		return rest[0]
	}
	return 0
}
