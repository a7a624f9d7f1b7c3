//go:build race

package main

import "time"

// raced says that the race detector watches.
const raced = true

// What the hostile corpus is run with. With the detector all is several times slower,
// and unevenly so, and it keeps several bytes for each of the program's, for good.
const (
	budget   = "256MiB"               // of a worker: the detector's own memory counts
	pace     = 20 * time.Millisecond  // between two calls of the neighbour
	windows  = 1                      // of quiet, between two parts of the attacks
	parts    = 1                      // that attacks are made in
	atOnce   = 5                      // attacks: half of them wait
	patience = 4 * time.Second        // with an attack that ends by itself, later; then it may end by that
	slack    = 100 * time.Millisecond // that it may be more where that is larger
	most     = 4                      // times what the neighbour's p99 is in quiet

	leisure = 3 // times what a story waits for without the detector

	perFunction = 768 << 10
	roomLeft    = 128 << 20
)
