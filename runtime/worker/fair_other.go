//go:build !linux

package worker

import (
	"errors"
	"time"
)

// sharesCPU: other systems do not tell what a process computes in one cheap call, so
// there workers have the same priority always.
const sharesCPU = false

func ownNice() int                             { return 0 }
func threadNice(int) error                     { return nil }
func groupNice(int, int) error                 { return nil }
func ownSlice() time.Duration                  { return 0 }
func usualSlice()                              {}
func groupSlice(int, int, time.Duration) error { return nil }
func mayRaise() bool                           { return false }
func cpuTime(int) (time.Duration, error)       { return 0, errors.ErrUnsupported }
