//go:build race

package main

import "time"

// raced says that the race detector watches.
const raced = true

// What the hostile corpus is run with. With the detector all is several times slower,
// and unevenly so.
const (
	budget  = "256MiB"              // of a worker: the detector's own memory counts
	pace    = 20 * time.Millisecond // between two calls of the neighbour
	windows = 1                     // of quiet, between two parts of the attacks
	parts   = 1                     // that attacks are made in
	most    = 4                     // times what the neighbour's p99 is in quiet
)
