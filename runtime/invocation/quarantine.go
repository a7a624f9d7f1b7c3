package invocation

import (
	"time"

	"hadron/runtime/function"
)

// KindReleased is what the log of changes calls it that somebody ends a quarantine.
const KindReleased = "quarantine_released"

// Quarantine is a version that is not run, because it ended a worker process in which
// it ran alone.
type Quarantine struct {
	Version function.ID
	Since   time.Time // when it was first put here without having survived a trial since
	Until   time.Time // when it is tried again, in a worker of its own
	Deaths  int       // workers that it ended on its own
	Reason  string    // how the last one ended: one line, without the function's data
}
