//go:build !race

package main

import "time"

// raced says that the race detector watches.
const raced = false

// What the hostile corpus is run with.
const (
	budget   = "128MiB"              // of a worker
	pace     = 10 * time.Millisecond // between two calls of the neighbour
	windows  = 2                     // of quiet, between two parts of the attacks
	parts    = 3                     // that attacks are made in
	atOnce   = 3                     // attacks, on a machine of two processors
	patience = time.Minute           // with an attack that ends by itself
	slack    = 8 * time.Millisecond  // that it may be more where that is larger: a few turns of the scheduler
	most     = 2                     // times what the neighbour's p99 is in quiet

	leisure = 1 // times what a story says that it waits

	// perFunction is what a registered and called function holds: its row in the index,
	// dashboard, rules, error groups, lines of log, and some sixty series with their samples of
	// the last two hours: about 70 KiB, and as much again until Go collects it.
	perFunction = 224 << 10
	// roomLeft is what Go's heap keeps free after it was larger.
	roomLeft = 32 << 20
)
