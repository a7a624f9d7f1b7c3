package worker

import (
	"runtime"
	"syscall"
)

// selfPath names the running program even after its file was replaced.
const selfPath = "/proc/self/exe"

// processAttr puts the worker into a group of its own, so that a terminal's signals
// reach the server alone, and has the kernel end it with its parent: EOF says the
// same, but to a process that may be too busy to hear.
func processAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// lockThread ties the goroutine to its thread. It is never untied, so the thread
// ends with the goroutine, and the children with the thread.
func lockThread() { runtime.LockOSThread() }
