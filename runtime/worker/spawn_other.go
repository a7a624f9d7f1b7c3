//go:build !linux

package worker

import "syscall"

const selfPath = ""

func processAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func lockThread() {}
