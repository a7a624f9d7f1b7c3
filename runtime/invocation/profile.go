package invocation

import "errors"

// Why there is no profile of a function, from whatever runs it.
var (
	// ErrProfiling means that another profile is being taken: the VMs' profiler is
	// one for a whole process.
	ErrProfiling = errors.New("another profile is being taken")
	// ErrNoSamples means that the function ran no JavaScript while it was watched.
	ErrNoSamples = errors.New("the function ran no JavaScript while it was watched")
)
